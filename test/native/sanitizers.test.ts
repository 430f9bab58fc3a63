// The native code under the address and undefined-behaviour sanitizers: every kernel table against the
// scalar one, and the engine on whole, changing and damaged models; its threads under the thread sanitizer
// (native/check). A build of its own in build/sanitized; skipped with its reason where the tools are missing.

import { execFileSync, spawnSync } from 'node:child_process'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import test, { type Test } from 'brittle'

const FOLDER = 'build/sanitized'
/** Where undefined behaviour was found, not only that it was. */
const ENV = { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1' }

/** Why a build with these sanitizers cannot be made here, or null. */
function missing(sanitizers: string): string | null {
  if (spawnSync('cmake', ['--version'], { stdio: 'ignore' }).status !== 0) return 'cmake'
  const folder = mkdtempSync(join(tmpdir(), 'sanitizers-'))
  try {
    const source = join(folder, 'empty.cpp')
    writeFileSync(source, 'int main() { return 0; }\n')
    const compiler = process.env['CXX'] ?? 'c++'
    const built = spawnSync(
      compiler,
      [`-fsanitize=${sanitizers}`, source, '-o', join(folder, 'empty')],
      { stdio: 'ignore' }
    )
    // It also has to run: some containers forbid the address space that the sanitizer wants.
    const runs = built.status === 0 && spawnSync(join(folder, 'empty')).status === 0
    return runs ? null : `a C++ compiler with -fsanitize=${sanitizers}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const reason = missing('address,undefined')

function sanitizedTest(name: string, why: string | null, body: (t: Test) => Promise<void>): void {
  if (why === null) test(name, { timeout: 500_000 }, body)
  else test.skip(`${name} (needs ${why})`, body)
}

function build(target: string): void {
  const options = { stdio: ['ignore', 'ignore', 'pipe'] as ['ignore', 'ignore', 'pipe'] }
  execFileSync('cmake', ['-S', '.', '-B', FOLDER, '-DSWARM_SANITIZE=ON'], options)
  const parallel = String(availableParallelism())
  execFileSync(
    'cmake',
    ['--build', FOLDER, '--target', target, '--parallel', parallel],
    options
  )
}

sanitizedTest('native code - runs clean under the sanitizers', reason, async (t) => {
  build('checks')
  const kernels = spawnSync(join(FOLDER, 'kernel_check'), { encoding: 'utf8', env: ENV })
  t.is(kernels.status, 0, kernels.stderr.slice(0, 4000))
  t.ok(/^tables:.* scalar/m.test(kernels.stderr), kernels.stderr.trim())
  const stage = spawnSync(join(FOLDER, 'stage_check'), [await t.tmp(), '1', '200'], {
    encoding: 'utf8',
    env: ENV
  })
  t.is(stage.status, 0, stage.stderr.slice(0, 4000))
  const [, ran = 0, refused = 0] = /: (\d+) ran, (\d+) refused/.exec(stage.stdout) ?? []
  t.ok(Number(ran) > 50 && Number(refused) > 50, stage.stdout.trim())
})

/** Where systems shuffle addresses widely, this sanitizer starts now and then only. */
const STARTS = 20

sanitizedTest('threads - order their memory', reason ?? missing('thread'), async (t) => {
  build('team_check')
  for (let left = STARTS; left > 0; left--) {
    const team = spawnSync(join(FOLDER, 'team_check'), { encoding: 'utf8', env: ENV })
    if (team.stderr.includes('unexpected memory mapping')) continue
    t.is(team.status, 0, team.stderr.slice(0, 4000))
    return
  }
  t.comment(`not shown: the thread sanitizer did not start in ${STARTS} tries`)
})
