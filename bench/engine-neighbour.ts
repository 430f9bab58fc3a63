// One busy process on one of two cores: how much of our own quiet speed at one thread is left to two, and
// the same of llama.cpp. The neighbour computes without a pause; quiet and busy runs take turns.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { shape1b } from '../src/model/synthetic/spec.ts'
import { NEIGHBOUR_GOAL } from './engine-goals.ts'
import { OurEngine } from './engine-ours.ts'
import { circumstances, printFigure, takePairs } from './engine-pair.ts'
import { LlamaEngine } from './llama.ts'
import { benchModel } from './models.ts'

const TOKENS = 64
const BUSY = `
  new (require('node:worker_threads').Worker)('for (;;);', { eval: true })
  process.stdin.on('end', () => process.exit()).resume()
`
/** Runs before the busy ones that count: noticing a neighbour is part of the deal, but once. */
const SETTLE_TOKENS = 24

export async function neighbourRow(pairs: number, withLlama: boolean): Promise<void> {
  const path = await benchModel({ ...shape1b, quant: 'Q4_K_M' })
  const one = await OurEngine.open(path, 1)
  const two = await OurEngine.open(path, 2)
  const of = '1b Q4_K_M t=2'
  const taken = await takePairs(pairs, 2, async () => {
    const quiet = await one.decodeMs(TOKENS)
    return await besideNeighbour(async () => {
      await two.decodeMs(SETTLE_TOKENS)
      return quiet / (await two.decodeMs(TOKENS))
    })
  })
  printFigure({
    row: 'busy neighbour: decode to quiet t=1',
    of,
    ...NEIGHBOUR_GOAL,
    values: taken.pairs.map(({ value }) => value),
    detail: circumstances(taken)
  })
  const prefill = await takePairs(pairs, 2, async () => {
    const quiet = await one.prefillMs(128)
    return await besideNeighbour(async () => quiet / (await two.prefillMs(128)))
  })
  printFigure({
    row: 'busy neighbour: prefill to quiet t=1',
    of,
    ...NEIGHBOUR_GOAL,
    values: prefill.pairs.map(({ value }) => value),
    detail: circumstances(prefill)
  })
  await one.close()
  await two.close()
  if (withLlama) await llamaRow(path, pairs, of)
}

async function llamaRow(path: string, pairs: number, of: string): Promise<void> {
  const settings = { contextTokens: 256, kvType: 'F16' } as const
  const one = await LlamaEngine.open(path, { ...settings, threads: 1 })
  const two = await LlamaEngine.open(path, { ...settings, threads: 2 })
  const prompt = [300, 301, 302]
  const { pairs: taken } = await takePairs(pairs, 2, async () => {
    await one.prefillMs(prompt)
    const quiet = await one.decodeMs(TOKENS)
    await two.prefillMs(prompt)
    return await besideNeighbour(async () => quiet / (await two.decodeMs(TOKENS)))
  })
  printFigure({
    row: 'busy neighbour: llama.cpp, the same',
    of,
    must: 0,
    aim: 0,
    values: taken.map(({ value }) => value),
    detail: 'for comparison'
  })
  await one.close()
  await two.close()
}

async function besideNeighbour<T>(work: () => Promise<T>): Promise<T> {
  // It ends with this process, however that ends.
  const neighbour = spawn(process.execPath, ['-e', BUSY], { stdio: ['pipe', 'ignore', 'ignore'] })
  await once(neighbour, 'spawn')
  try {
    return await work()
  } finally {
    const gone = once(neighbour, 'exit')
    neighbour.kill('SIGKILL')
    await gone
  }
}
