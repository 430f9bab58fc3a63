// Heartbeats over ways of every kind, seed after seed (test/peer/link/silence-run.ts): ten minutes each, in
// which no verdict may be false, and a death at the end, which must be noticed within what is promised.

import { seededRandom, unit } from '../../src/base/random.ts'
import { EVEN_JITTER_MS } from '../../src/peer/link/jitter.ts'
import { silenceRun } from '../peer/link/silence-run.ts'

const LIVES_MS = 600_000

export async function soakSilence(seed: number, count: number): Promise<boolean> {
  let failures = 0
  const worstMs = { even: 0, uneven: 0 }
  for (let next = seed; next < seed + count; next++) {
    const random = seededRandom(next)
    const way = {
      jitterMs: 200 * unit(random),
      lossShare: 0.05 * unit(random),
      stallsPerMinute: 30 * unit(random),
      stallMostMs: 5000 * unit(random)
    }
    const { isFalse, noticedMs, jitterMs } = silenceRun(next, way, LIVES_MS)
    const kind = jitterMs <= EVEN_JITTER_MS ? 'even' : 'uneven'
    const isLate = noticedMs > (kind === 'even' ? 750 : 2000)
    worstMs[kind] = Math.max(worstMs[kind], noticedMs)
    if (!isFalse && !isLate) continue
    failures++
    console.log(`seed ${next}: ${isFalse ? 'a false verdict' : `noticed after ${noticedMs} ms`}`)
  }
  console.log(`worst: ${worstMs.even.toFixed(0)} ms even, ${worstMs.uneven.toFixed(0)} ms uneven`)
  console.log(`${count} runs from seed ${seed}, ${failures} failed`)
  return failures === 0
}
