// From the start of a process to the first token of a 1.1B model whose file is in the page cache: swarm run
// beside llama.cpp, each in a fresh Node process on the same number of threads, in turn (A B A B). The file's
// id is not remembered, so this is the first run of a file. Then what is resident while tokens are made, over
// the bytes that have to be: weights, keys and values, and 64 MiB for the program itself.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { defaultThreads } from '../src/compute/threads.ts'
import { openModel } from '../src/model/open-model.ts'
import { rangeBytes } from '../src/model/tensors.ts'
import { shape1b } from '../src/model/synthetic/spec.ts'
import { modelFacts } from '../src/node/model-facts.ts'
import { llamaMissing } from './llama.ts'
import { benchModel } from './models.ts'
import { cpuTimes, disturbance, median, spread } from './statistics.ts'

const PROMPT = 'the river ran by the old house'
/** Enough that the process is still there when its first token has been seen. */
const TOKENS = 64
const PROGRAM_BYTES = 64 * 2 ** 20

interface Start {
  firstMs: number
  /** Resident when the first token came; null where /proc does not say. */
  residentBytes: number | null
}

export async function startBench(args: string[]): Promise<void> {
  const pairsAt = args.indexOf('--pairs')
  const pairs = pairsAt >= 0 ? Number(args[pairsAt + 1]) : 5
  const path = await benchModel({ ...shape1b, quant: 'Q4_K_M' })
  const model = await openModel(path, { withoutId: true })
  const ids = [...model.tokenizer.encode(PROMPT, { special: false, bos: true })]
  const threads = String(defaultThreads())
  const cache = mkdtempSync(join(tmpdir(), 'bench-start-'))
  const missing = llamaMissing()
  if (missing) console.log(missing)
  const our = () => {
    const run = [
      'dist/bin/swarm.js',
      'run',
      path,
      '-p',
      PROMPT,
      '-n',
      String(TOKENS),
      '--temp',
      '0'
    ]
    return startOf([...run, '--threads', threads], { XDG_CACHE_HOME: cache })
  }
  const their = () => startOf(['dist/bench/start-llama.js', path, threads, ids.join()], {})
  const ours: Start[] = []
  const theirs: Start[] = []
  const before = cpuTimes()
  try {
    for (let pair = 0; pair < pairs; pair++) {
      await intoCache(path)
      ours.push(await our())
      if (!missing) theirs.push(await their())
    }
  } finally {
    rmSync(cache, { recursive: true })
  }
  console.log(
    `1.1B shape, Q4_K_M, ${ids.length} tokens of prompt, ${threads} threads, ${pairs} starts each; ` +
      disturbance(before, cpuTimes())
  )
  printStarts(ours, theirs)
  const { hyper, tensors } = model
  const { kvBytesPerToken } = modelFacts(model)
  const weightBytes = rangeBytes(tensors, { start: 0, end: hyper.nLayers }, hyper.nLayers)
  const kvBytes = kvBytesPerToken * hyper.nLayers * (ids.length + TOKENS)
  printMemory(ours, weightBytes + kvBytes + PROGRAM_BYTES)
}

function printStarts(ours: Start[], theirs: Start[]): void {
  const times = (starts: Start[]) => starts.map(({ firstMs }) => firstMs)
  const line = (name: string, values: number[]) =>
    console.log(
      `  first token  ${name.padEnd(9)} ${Math.round(median(values))} ms (${spread(values)})`
    )
  line('ours', times(ours))
  if (theirs.length === 0) return
  line('llama.cpp', times(theirs))
  const ratios = ours.map(({ firstMs }, i) => firstMs / (theirs[i] as Start).firstMs)
  console.log(`  first token  ratio     ${median(ratios).toFixed(2)} (${spread(ratios)})`)
}

function printMemory(starts: Start[], wantedBytes: number): void {
  const seen = starts.flatMap(({ residentBytes }) =>
    residentBytes === null ? [] : [residentBytes]
  )
  if (seen.length === 0) return console.log('  resident bytes are not told on this system')
  const residentBytes = median(seen)
  const mib = (sizeBytes: number) => `${(sizeBytes / 2 ** 20).toFixed(0)} MiB`
  console.log(
    `  resident     ours      ${mib(residentBytes)} of ${mib(wantedBytes)} ` +
      `(weights, keys and values, 64 MiB): ratio ${(residentBytes / wantedBytes).toFixed(3)}`
  )
}

/** Starts a process and ends it at the first byte that it prints. */
async function startOf(argv: string[], env: Record<string, string>): Promise<Start> {
  const startMs = performance.now()
  const child = spawn(process.execPath, argv, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let errors = ''
  child.stderr.on('data', (data: Buffer) => (errors += String(data)))
  const closed = new Promise((resolve) => child.once('close', resolve))
  const start = await new Promise<Start | null>((resolve) => {
    child.stdout.once('data', () => {
      const firstMs = performance.now() - startMs
      resolve({ firstMs, residentBytes: child.pid ? residentOf(child.pid) : null })
    })
    child.once('close', () => resolve(null))
  })
  child.kill('SIGKILL')
  await closed
  if (start === null) throw new Error(`${argv.join(' ')} printed nothing: ${errors.slice(-400)}`)
  return start
}

function residentOf(pid: number): number | null {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kib === undefined ? null : Number(kib) * 1024
  } catch {
    return null
  }
}

/** Reading the file once is what puts it into the page cache, and keeps it there between the starts. */
async function intoCache(path: string): Promise<void> {
  await readFile(path)
}
