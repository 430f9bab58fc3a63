// Each kernel object exports its table and nothing the linker could merge: an inline function compiled
// for AVX-512 that became the one copy for everybody would crash older processors.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

const root = 'build/CMakeFiles/kernels.dir/native/kernels'
const present = existsSync(root)

function objects(): string[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return files.filter((file) => /\.o(bj)?$/.test(file) && !file.includes('dispatch'))
}

test('kernel objects - each has one global symbol and no weak one', { skip: !present }, (t) => {
  t.ok(objects().length >= 2)
  for (const file of objects()) {
    const lines = execFileSync('nm', [join(root, file)], { encoding: 'utf8' })
      .trim()
      .split('\n')
    const kinds = lines.map((line) => /\s([A-Za-z]) \S+$/.exec(line)?.[1] ?? '?')
    t.is(kinds.filter((kind) => /[A-TX-Z]/.test(kind) && kind !== 'U').length, 1, `${file} globals`)
    t.is(kinds.filter((kind) => /[wWvVui]/.test(kind)).length, 0, `${file} weak symbols`)
  }
})
