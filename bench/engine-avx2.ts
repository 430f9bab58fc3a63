// Both engines held to AVX2, in a process of their own: ours by its kernel table, llama.cpp by a copy of
// its package in which only the library that it builds for Haswell is left, so that it has no other to
// choose.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  readFileSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { arch, platform } from 'node:process'
import { packagesFolder } from './llama.ts'

import type { Choice } from './engine-options.ts'

const LIBRARY = 'libggml-cpu-haswell.so'
/** Builds for other machines and for accelerators lie beside the one for this processor; they stay. */
const BUILDS = '@node-llama-cpp'
const COPIED = ['node-llama-cpp', BUILDS]

export async function avx2Rows({ types, threads, pairs }: Choice): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'swarm-bench-'))
  try {
    if (!copyPackages(packagesFolder(), folder)) {
      return console.log(`AVX2: left out, llama.cpp's package has no ${LIBRARY} here`)
    }
    console.log('\nboth held to AVX2, in a process of their own:')
    const child = spawn(
      process.execPath,
      [
        process.argv[1] as string,
        'engine',
        '--held-to-avx2',
        '--rows=decode,prefill',
        '--shape=1b',
        `--types=${types.join(',')}`,
        `--threads=${threads.join(',')}`,
        `--pairs=${pairs}`
      ],
      {
        stdio: 'inherit',
        env: { ...process.env, SWARM_KERNELS: 'avx2', SWARM_BENCH_LLAMA: folder }
      }
    )
    await once(child, 'exit')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Whether llama.cpp runs with the library for AVX2 in this process, by what is mapped. */
export function runsAvx2(): boolean {
  return readFileSync('/proc/self/maps', 'utf8').includes(LIBRARY)
}

/** @returns false when there is no library for AVX2. */
function copyPackages(from: string, to: string): boolean {
  const source = join(from, 'node_modules')
  const target = join(to, 'node_modules')
  writeFileSync(join(to, 'package.json'), '{}')
  mkdirSync(target)
  for (const name of readdirSync(source)) {
    if (!COPIED.includes(name)) symlinkSync(join(source, name), join(target, name))
  }
  let found = false
  for (const name of COPIED) {
    cpSync(join(source, name), join(target, name), {
      recursive: true,
      filter(path) {
        const [, owner, built] =
          /node_modules[\\/]([^\\/]+)[\\/]([^\\/]+)/.exec(path.slice(from.length)) ?? []
        if (owner === BUILDS && built !== `${platform}-${arch}`) return false
        const file = basename(path)
        found ||= file === LIBRARY
        return !file.startsWith('libggml-cpu-') || file === LIBRARY
      }
    })
  }
  return found && existsSync(target)
}
