// Promise 2 across processors: the same inputs give the same bits on Arm and on x86. The kernels are
// cross-compiled and run under emulation; skipped with its reason where the tools are missing.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

const COMPILER = 'aarch64-linux-gnu-g++'
const EMULATORS = ['qemu-aarch64', 'qemu-aarch64-static']

function works(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0
}

const emulator = EMULATORS.find(works)
const missing = [
  ...(works(COMPILER) ? [] : ['g++-aarch64-linux-gnu']),
  ...(emulator ? [] : ['qemu-user-static']),
  ...(existsSync('build/CMakeCache.txt') ? [] : ['the native build folder'])
]

function crossTest(name: string, body: (t: Test) => Promise<void>): void {
  if (missing.length === 0) test(name, { timeout: 600_000 }, body)
  else test.skip(`${name} (needs ${missing.join(' and ')})`, body)
}

const FLAGS = ['-std=c++17', '-O3', '-ffp-contract=off', '-fno-math-errno']

async function armOutput(t: Test): Promise<string> {
  const folder = await t.tmp()
  const compile = (name: string, ...flags: string[]) => {
    const object = join(folder, `${name}.o`)
    const source = `native/kernels/arm/${name}.cpp`
    execFileSync(COMPILER, [...FLAGS, ...flags, '-c', source, '-o', object])
    return object
  }
  const objects = [compile('neon'), compile('neondot', '-march=armv8.2-a+dotprod')]
  const sources = [
    'native/check/kernel_check.cpp',
    'native/search/vector_index.cpp',
    'native/stage/exact_math.cpp',
    'native/stage/huge_buffer.cpp',
    'native/stage/kv_format.cpp',
    'native/stage/layout.cpp',
    'native/stage/rearrange.cpp',
    'native/kernels/dispatch.cpp',
    'native/kernels/scalar.cpp'
  ]
  const program = join(folder, 'check')
  execFileSync(COMPILER, [...FLAGS, '-static', ...sources, ...objects, '-o', program])
  const { status, stdout, stderr } = spawnSync(emulator as string, [program], { encoding: 'utf8' })
  t.is(status, 0, stderr)
  t.ok(stderr.includes('neondot neon scalar'), stderr.trim())
  return stdout
}

crossTest('kernels - Arm computes the bits of this processor', async (t) => {
  execFileSync('cmake', ['--build', 'build', '--target', 'kernel_check'], { stdio: 'ignore' })
  const { status, stdout, stderr } = spawnSync('build/kernel_check', { encoding: 'utf8' })
  t.is(status, 0, stderr)
  t.ok(stdout.split('\n').length > 15, stdout)
  t.is(new Set(stdout.match(/[0-9a-f]{16}/g)).size, stdout.match(/[0-9a-f]{16}/g)?.length)
  t.is(await armOutput(t), stdout)
})
