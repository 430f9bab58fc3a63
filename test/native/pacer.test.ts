// How many threads take part in a step (native/stage/pacer.h), on made-up machines: time is what they say.

import test from 'brittle'
import { loadKernels } from '../../src/compute/addon.ts'

type Machine = (threads: number, step: number) => [seconds: number, lostCores: number]

function pace(threads: number, steps: number, machine: Machine): number[] {
  return loadKernels().addon.testing['pace']?.(threads, steps, machine) as number[]
}

/** Steps are faster with more threads, as memory allows: the second gains a fifth. */
const quiet: Machine = (threads) => [threads === 1 ? 0.036 : 0.03, 0.001]
/** One busy process on one of two cores. */
const busy: Machine = (threads) => (threads === 1 ? [0.036, 0] : [0.057, 0.5])

test('pacer - a quiet machine computes with all its threads in every step', (t) => {
  t.ok(pace(2, 1000, quiet).every((threads) => threads === 2))
  t.ok(pace(16, 1000, quiet).every((threads) => threads === 16))
})

test('pacer - a tick now and then does not make it try fewer threads', (t) => {
  const chosen = pace(2, 1000, (threads, step) => (step % 40 === 0 ? [0.033, 0.1] : quiet(threads, 0)))
  t.ok(chosen.every((threads) => threads === 2))
})

test('pacer - beside a busy neighbour it finds that one thread is faster', (t) => {
  const chosen = pace(2, 400, busy)
  t.is(chosen.indexOf(1), 3, 'from the fourth step on')
  const seconds = (steps: number[]) => steps.reduce((sum, threads) => sum + busy(threads, 0)[0], 0)
  t.ok(seconds(chosen.slice(50)) < 1.02 * 350 * 0.036, 'what it tries costs at most 2 %')
})

test('pacer - a trial that was unlucky is soon repeated, and a lucky one soon undone', (t) => {
  // At first the system leaves the one thread beside the neighbour.
  const unlucky = pace(2, 100, (threads, step) => (step === 3 ? [0.06, 0.5] : busy(threads, step)))
  t.is(unlucky[3], 1)
  t.ok(unlucky.indexOf(1, 4) <= 10, `step ${unlucky.indexOf(1, 4)}`)
  // For one step the neighbour happens to sleep.
  const first = pace(2, 400, busy).findIndex((threads, step) => step > 3 && threads === 2)
  const lucky = pace(2, 400, (threads, step) => (step === first ? quiet : busy)(threads, step))
  const back = lucky.indexOf(1, first)
  t.ok(back - first <= 5, `${back - first} steps`)
  const more = lucky.slice(first).filter((threads) => threads === 2).length
  t.ok(more <= 20, `${more} steps of two threads in all`)
})

test('pacer - when the neighbour leaves all threads are back within three seconds', (t) => {
  const chosen = pace(2, 600, (threads, step) => (step < 300 ? busy : quiet)(threads, step))
  const back = chosen.findIndex((threads, step) => step >= 300 && threads === 2)
  t.ok((back - 300) * 0.036 < 3, `step ${back}`)
  t.ok(chosen.slice(back + 1).every((threads) => threads === 2))
})

test('pacer - of sixteen threads one neighbour costs one', (t) => {
  const machine: Machine = (threads) => (threads === 16 ? [0.02, 0.5] : [0.16 / threads, 0])
  const chosen = pace(16, 300, machine)
  t.is(chosen.filter((threads) => threads === 15).length > 270, true)
  t.ok(chosen.every((threads) => threads >= 15))
})

test('pacer - where fewer threads are slower it stays, and trying costs little', (t) => {
  const loaded: Machine = (threads) => (threads === 1 ? [0.05, 0.25] : [0.035, 0.5])
  const chosen = pace(2, 2000, loaded)
  t.ok(chosen.filter((threads) => threads === 1).length < 2000 / 40)
})

test('pacer - steps of any length are paced', (t) => {
  for (const scale of [0.01, 0.1, 10]) {
    const chosen = pace(2, 20_000, (threads) => {
      const [seconds, lost] = busy(threads, 0)
      return [seconds * scale, lost]
    })
    const late = chosen.slice(10_000)
    t.ok(late.filter((threads) => threads === 1).length > 0.9 * late.length, `${scale} of 36 ms`)
  }
})

test('ceilings - every table reads all bytes, and counts every product', (t) => {
  const { addon, available } = loadKernels()
  const bytes = Uint8Array.from({ length: 8192 }, (_, i) => (i * 7919) >>> 5)
  const words = new Uint32Array(bytes.buffer)
  const expected = words.reduce((sum, word) => (sum ^ word) >>> 0, 0)
  for (const table of available) {
    const found = addon.testing['ceilings']?.(table, bytes, 1000) as number[]
    t.alike(found.slice(0, 4), [expected, expected, expected, expected], table)
    const [int8, float] = found.slice(4) as [number, number]
    t.ok(int8 > 0 && int8 % 1000 === 0 && float > 0 && float % 1000 === 0, table)
  }
})
