// Flow C, several rounds: where machines read layers from disk for every token, one that passes each machine
// once lets one disk read at a time, because the others have read ahead what they have room for. When it
// passes them several times, in shares of their layers, the disks read side by side; each round costs the
// hops of one. Owns who gets how many layers then, and how many rounds they are dealt in. Pure; what such a
// route takes is priced-route.ts's, that layers are on disk at all stream.ts's decision.

import { HELD_RANGES_MAX, ROUTE_STAGES_MAX } from '../base/limits.ts'
import { PROMPT_TOKENS } from './chunks.ts'
import { capacityKiB, diskPriceOf, readTicks, toUs, type Costs } from './cost.ts'
import { floorDiv } from './integer.ts'
import { firstTokenUs } from './predict.ts'
import { pricedRoute, type PricedRoute } from './priced-route.ts'
import { LAYERS_AHEAD } from './streamed-parts.ts'

import type { RouteStage } from '../wire/session.ts'
import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { Candidate } from './cover.ts'

/** Of an answer to the prompt that plans think of. */
const ANSWER_TOKENS = 256
/** As a plan has to gain to take the place of one that is held: more stages are more to go wrong. */
const GAIN_PERCENT = 8
/** The times of a token that are told apart differ by such a part: less than a layer of large models. */
const SHARE_STEPS = 128
/** A record names so many ranges of layers. */
const ROUNDS_MAX = HELD_RANGES_MAX

/**
 * The better one of a plan in which a token passes each peer once, and of the best in which it passes them
 * several times.
 * @param costs with disks.
 * @param peers without pins.
 */
export function inRounds(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  once: PricedRoute
): Candidate {
  const others = peers.filter((peer) => !once.route.includes(peer))
  const found: PricedRoute[] = []
  const all = [...once.route, ...others]
  for (const members of others.length === 0 ? [all] : [once.route, all]) {
    const counts = share(costs, members, once.plan.ticks)
    if (counts === null) continue
    for (let nRounds = 2; nRounds <= ROUNDS_MAX; nRounds++) {
      const stages = deal(members, counts, nRounds)
      if (stages.length > ROUTE_STAGES_MAX) break
      const dealt = pricedRoute(costs, hops, members, stages)
      if (dealt !== null && dealt.plan.ticks < once.plan.ticks) found.push(dealt)
    }
  }
  if (found.length === 0) return once.plan
  let best = once.plan
  let mostUs = floorDiv(answerUs(hops, once) * (100 - GAIN_PERCENT), 100)
  for (const dealt of found.toSorted(soonerToken)) {
    if (tokensUs(dealt.plan) >= mostUs) break
    const us = answerUs(hops, dealt)
    if (us < mostUs) [best, mostUs] = [dealt.plan, us]
  }
  return best
}

function soonerToken({ plan: a }: PricedRoute, { plan: b }: PricedRoute): number {
  return a.ticks - b.ticks || a.stages.length - b.stages.length
}

/** What rounds cost is paid with the prompt, whose activations are many and pass every peer several times. */
function answerUs(hops: Hops, { costs, route, plan }: PricedRoute): number {
  return firstTokenUs(costs, hops, route, plan, PROMPT_TOKENS) + tokensUs(plan)
}

function tokensUs({ ticks }: Candidate): number {
  return ANSWER_TOKENS * toUs(ticks)
}

/** One who is given layers. */
interface Taker {
  /** (nLayers + 1,) ticks of so many of them, computed from memory. */
  ticks: number[]
  /** Layers that its disk lets it have in so many ticks. */
  most(ticks: number): number
}

/**
 * By the time of a token in which all layers are computed one after the other and all disks read meanwhile:
 * the least of these times for which everybody has as much as its disk allows, the fastest memory first.
 * @param mostTicks of no use is what takes longer.
 * @returns (nMembers,) layers of each; null: none is that fast.
 */
function share(costs: Costs, members: readonly ViewPeer[], mostTicks: number): number[] | null {
  const takers = takersOf(costs, members)
  let counts = sharedWithin(takers, costs.nLayers, mostTicks)
  let low = 0
  let high = mostTicks
  while (counts !== null && high - low > floorDiv(high, SHARE_STEPS)) {
    const middle = floorDiv(low + high, 2)
    const fewer = sharedWithin(takers, costs.nLayers, middle)
    if (fewer === null) low = middle
    else [counts, high] = [fewer, middle]
  }
  return counts
}

/** All layers are taken for one size, their mean; what the stages take is asked of the layers they get. */
function takersOf(costs: Costs, members: readonly ViewPeer[]): Taker[] {
  const { model, nLayers } = costs
  const { embeddingKiB, headKiB } = model
  const layerKiB = floorDiv(costs.residentKiB(0, nLayers) - embeddingKiB - headKiB, nLayers)
  const readKiB = floorDiv(costs.activeKiB(0, nLayers) - headKiB, nLayers)
  return members.map((peer, index) => {
    const isLast = index === members.length - 1
    const endsKiB = (index === 0 ? embeddingKiB : 0) + (isLast ? headKiB : 0)
    const roomKiB = Math.max(0, capacityKiB(peer) - endsKiB)
    const aheadKiB = LAYERS_AHEAD * layerKiB
    const diskPrice = diskPriceOf(peer)
    const inMemory = floorDiv(roomKiB, Math.max(1, layerKiB))
    return {
      ticks: Array.from({ length: nLayers + 1 }, (_, n) =>
        readTicks(peer, n * layerKiB, n * readKiB)
      ),
      most(ticks) {
        if (diskPrice === 0 || roomKiB < aheadKiB) return Math.min(nLayers, inMemory)
        const nRead = floorDiv(ticks, Math.max(1, diskPrice * layerKiB))
        const nWithDisk = nRead + floorDiv(roomKiB - aheadKiB, Math.max(1, layerKiB))
        return Math.min(nLayers, Math.max(inMemory, nWithDisk))
      }
    }
  })
}

/** Null where they have no room for all layers in so many ticks, or do not compute them. */
function sharedWithin(takers: readonly Taker[], nLayers: number, ticks: number): number[] | null {
  const most = takers.map((taker) => taker.most(ticks))
  const counts = takers.map(() => 0)
  const oneMore = (index: number) => {
    const { ticks: of } = takers[index] as Taker
    const count = counts[index] as number
    return count === most[index] ? Infinity : (of[count + 1] as number) - (of[count] as number)
  }
  let sumTicks = 0
  for (let layer = 0; layer < nLayers; layer++) {
    let best = 0
    for (let index = 1; index < takers.length; index++) {
      if (oneMore(index) < oneMore(best)) best = index
    }
    sumTicks += oneMore(best)
    if (sumTicks > ticks) return null
    counts[best] = (counts[best] as number) + 1
  }
  return counts
}

/** Each member has its share of its layers in every round; what follows its own is one stage with it. */
function deal(
  members: readonly ViewPeer[],
  counts: readonly number[],
  nRounds: number
): RouteStage[] {
  const stages: RouteStage[] = []
  for (let round = 0; round < nRounds; round++) {
    for (let index = 0; index < members.length; index++) {
      const { key: peer } = members[index] as ViewPeer
      const count = counts[index] as number
      const nLayers = floorDiv(count * (round + 1), nRounds) - floorDiv(count * round, nRounds)
      const last = stages.at(-1)
      const start = last?.end ?? 0
      if (nLayers === 0) continue
      if (last?.peer === peer) last.end += nLayers
      else stages.push({ peer, start, end: start + nLayers })
    }
  }
  return stages
}
