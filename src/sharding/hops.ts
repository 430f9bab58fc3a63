// Flow C, what a token pays between stages: each hop carries one activation, the last one back to the
// first carries one id. Links that nobody measured count as an ordinary local network, all alike; then
// the order of peers costs nothing, which the search makes use of. Pure.

import { TICKS_PER_US } from './cost.ts'
import { ceilDiv } from './integer.ts'

import type { ModelFacts, ViewLink, ViewPeer } from './facts.ts'

/**
 * What a stage's own program takes around a step, waking up included: reading, decrypting, choosing the
 * step, and the way out again. A ping between two loops that are awake pays none of it. Measured with
 * `npm run bench -- pipeline` on a Zen 5: 0.45 ms with a model of 7 MB, 1.0 ms where the weights of 1.1
 * billion have swept the caches. Too small a value spreads a model over peers that add nothing, and tokens
 * over more rounds than pay; too large a value leaves useful peers out.
 */
export const STAGE_US = 600
/** One hop on a local network without its bytes: half of a cable-and-switch round trip, and the stage. */
const HOP_US = 100 + STAGE_US
/** Gigabit Ethernet after framing, in bits per microsecond. */
const LINK_MBPS = 940
/** Above a minute a link is as good as none; the bound keeps sums whole. */
const DELAY_US_MAX = 60_000_000
/** Bytes around the f32 values of one activation: header, lengths, authentication. */
const FRAME_BYTES = 32

export interface Hops {
  /** Whether every hop costs the same. */
  readonly isUniform: boolean
  /** Ticks of one activation from one peer to the next. */
  ticks(from: ViewPeer, to: ViewPeer): number
  /** Ticks of one id from the last stage to the first. */
  backTicks(from: ViewPeer, to: ViewPeer): number
  /** Lowest of all hops with an activation, and the highest difference to one with an id. */
  readonly ticksMin: number
  readonly activationTicksMax: number
  /** Ticks from each of these peers of a route to the next, from the last to the first; one peer has none. */
  perHop(order: readonly ViewPeer[]): number[]
  /** Of all of them. */
  routeTicks(order: readonly ViewPeer[]): number
  /** Microseconds that so many activations together need beyond one of them. */
  moreUs(from: ViewPeer, to: ViewPeer, nTokens: number): number
}

interface Way {
  delayUs: number
  mbps: number
}

const LOCAL_NETWORK: Way = { delayUs: HOP_US, mbps: LINK_MBPS }

/** @param peers whose links count: of two measurements of one link the worse. */
export function createHops({ dim }: Pick<ModelFacts, 'dim'>, peers: readonly ViewPeer[]): Hops {
  const ways = waysOf(peers)
  const way = (from: ViewPeer, to: ViewPeer) => ways?.get(from.key)?.get(to.key) ?? LOCAL_NETWORK
  const bits = (dim * 4 + FRAME_BYTES) * 8
  const carryUs = ({ mbps }: Way, nTokens: number) => ceilDiv(bits * nTokens, mbps)
  const backTicks = (from: ViewPeer, to: ViewPeer) => way(from, to).delayUs * TICKS_PER_US
  const carryTicks = (one: Way) => carryUs(one, 1) * TICKS_PER_US
  const ticks = (from: ViewPeer, to: ViewPeer) => backTicks(from, to) + carryTicks(way(from, to))
  const perHop = (order: readonly ViewPeer[]) =>
    order.map((from, index) => {
      if (order.length < 2) return 0
      const to = order[index + 1]
      return to === undefined ? backTicks(from, order[0] as ViewPeer) : ticks(from, to)
    })
  const measured = ways === null ? [] : [...ways.values()].flatMap((to) => [...to.values()])
  const all = [LOCAL_NETWORK, ...measured]
  return {
    isUniform: ways === null,
    ticks,
    backTicks,
    ticksMin: Math.min(...all.map((one) => one.delayUs * TICKS_PER_US + carryTicks(one))),
    activationTicksMax: Math.max(...all.map(carryTicks)),
    perHop,
    routeTicks: (order) => perHop(order).reduce((sum, one) => sum + one, 0),
    moreUs: (from, to, nTokens) => carryUs(way(from, to), nTokens) - carryUs(way(from, to), 1)
  }
}

/** Both directions of every link that somebody of these peers measured; null when nobody did. */
function waysOf(peers: readonly ViewPeer[]): Map<string, Map<string, Way>> | null {
  const ways = new Map<string, Map<string, Way>>()
  const known = new Set(peers.map(({ key }) => key))
  const add = (from: string, to: string, { delayUs, mbps = LINK_MBPS }: ViewLink) => {
    const of = ways.get(from) ?? new Map<string, Way>()
    const before = of.get(to)
    ways.set(from, of)
    of.set(to, {
      delayUs: Math.min(DELAY_US_MAX, Math.max(before?.delayUs ?? 0, delayUs)),
      mbps: Math.max(1, Math.min(before?.mbps ?? Infinity, mbps))
    })
  }
  for (const { key, links = [] } of peers) {
    for (const link of links) {
      if (link.peer === key || !known.has(link.peer)) continue
      add(key, link.peer, link)
      add(link.peer, key, link)
    }
  }
  return ways.size === 0 ? null : ways
}
