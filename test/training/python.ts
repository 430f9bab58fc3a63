// The training pipeline is Python and no part of the product: its tests run where there is an
// interpreter, and say why where there is none. SWARM_PYTHON names another one than the first found.

import { execFileSync, spawnSync } from 'node:child_process'
import test, { type Test } from 'brittle'

const CANDIDATES = [process.env['SWARM_PYTHON'], 'python3', '/usr/bin/python3'].filter(
  (name) => name !== undefined
)
/** The oldest that has all that training/ uses of the language. */
const OLDEST = '(3, 10)'

function interpreterWith(imports: string): string | null {
  const program = `import ${imports}, sys; sys.exit(sys.version_info < ${OLDEST})`
  return CANDIDATES.find((name) => spawnSync(name, ['-c', program]).status === 0) ?? null
}

export type Python = (...args: string[]) => string

/**
 * @param needs modules beyond the standard library, such as `torch`.
 * @param missing another reason to skip, or null.
 */
export function pythonTest(
  name: string,
  needs: string[],
  body: (t: Test, python: Python) => Promise<void> | void,
  missing: string | null = null
): void {
  if (missing) {
    test.skip(`${name} (${missing})`, () => {})
    return
  }
  const interpreter = interpreterWith(['json', ...needs].join(', '))
  if (!interpreter) {
    test.skip(`${name} (no python3 with ${needs.join(' and ') || 'its standard library'})`, () => {})
    return
  }
  const python: Python = (...args) =>
    execFileSync(interpreter, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' }
    })
  test(name, { timeout: 240_000 }, (t) => body(t, python))
}
