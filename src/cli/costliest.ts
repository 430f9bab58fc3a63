// What one answer spent most of its time on, and what it would take to have it sooner, in words. Pure;
// every figure in the sentence comes from the report. Names are another machine's: they are clipped.

import { clip, formatRate } from '../base/text.ts'
import { formatLayers } from './words.ts'

import type { HopReport, SessionReport } from '../api/service.ts'

/** Above this a stage does not compute as its profile says: a step of a profile is 19 %. */
const SLOWER_THAN_CLAIMED = 1.25

interface Part {
  kind: 'compute' | 'wire' | 'queue'
  ms: number
  index: number
}

/** One sentence; null when no hop was measured. */
export function costliestSentence({ hops }: SessionReport): string | null {
  const parts = hops.flatMap((hop, index): Part[] => [
    { kind: 'compute', ms: hop.computeMs, index },
    { kind: 'wire', ms: hop.wireMs, index },
    { kind: 'queue', ms: hop.queueMs, index }
  ])
  const tokenMs = parts.reduce((sum, { ms }) => sum + ms, 0)
  const [first] = parts
  if (first === undefined || tokenMs <= 0) return null
  const most = parts.reduce((a, b) => (b.ms > a.ms ? b : a), first)
  const hop = hops[most.index] as HopReport
  const share = `${Math.round((100 * most.ms) / tokenMs)} % of a token`
  const rateWithout = (savedMs: number) => `${formatRate(1000 / (tokenMs - savedMs))} tok/s`
  const own = `${nameOf(hop)} (layers ${formatLayers(hop)})`
  if (most.kind === 'queue') {
    // A plan that foresaw no other session leaves but one reason to wait.
    const isShared = (hop.predicted?.queueMs ?? 0) > 0
    const why = isShared
      ? 'behind other sessions; with fewer at once, or a faster machine there'
      : 'for a free processor, since other work keeps that machine busy; without that'
    return `most of it, ${share}, is waiting at ${own} ${why}, it would be ${rateWithout(most.ms)}`
  }
  if (most.kind === 'wire') return wireSentence(hops, most, share, rateWithout(most.ms / 2))
  const { computeMs: claimedMs = 0, layersOnDisk = 0 } = hop.predicted ?? {}
  if (layersOnDisk > 0) {
    return (
      `most of it, ${share}, is computing at ${own}, which reads ${layersOnDisk} of them, whole or in ` +
      'part, from disk for each token; more memory there, or another machine to share them, would spare that'
    )
  }
  if (claimedMs > 0 && hop.computeMs > SLOWER_THAN_CLAIMED * claimedMs) {
    const times = (hop.computeMs / claimedMs).toFixed(1)
    return (
      `most of it, ${share}, is computing at ${own}, ${times} times what its profile says: ` +
      `other work keeps that machine busy; without that it would be ` +
      rateWithout(hop.computeMs - claimedMs)
    )
  }
  const read = hop.weightBytes === null ? '' : `, which reads ${rateOf(hop)} of weights`
  const half = rateWithout(hop.computeMs / 2)
  return (
    `most of it, ${share}, is computing at ${own}${read}; ` +
    `with half the bytes there (another machine to share them, smaller weights) it would be ${half}`
  )
}

function wireSentence(
  hops: readonly HopReport[],
  { index, ms }: Part,
  share: string,
  withHalf: string
): string {
  const from = hops[index] as HopReport
  const to = hops[(index + 1) % hops.length] as HopReport
  if (hops.length === 1) {
    return `most of it, ${share}, passes between the steps of ${nameOf(from)}: the model is very small`
  }
  return (
    `most of it, ${share}, is the way from ${nameOf(from)} to ${nameOf(to)}, ${ms.toFixed(2)} ms; ` +
    `half of that (a cable between them: swarm bridge) would make ${withHalf}`
  )
}

function rateOf({ weightBytes, computeMs }: HopReport): string {
  return `${((weightBytes ?? 0) / computeMs / 1e6).toFixed(1)} GB/s`
}

function nameOf({ name }: HopReport): string {
  return clip(name, 40)
}
