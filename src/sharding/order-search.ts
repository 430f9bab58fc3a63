// Flow C, the exact part: of one small set of peers the fastest route, every order and every boundary
// compared, by dynamic programming over (peers used, last of them, layers covered). A state from which
// not even the bound of the rest leads below the best route known is dropped, so few are looked at.
// Where all hops cost the same, neither the first nor the last peer is part of a state.

import { SHARE, type Costs } from './cost.ts'
import { kvKiBPerLayer } from './facts.ts'
import { floorDiv } from './integer.ts'

import type { RouteStage } from '../wire/session.ts'
import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { StageTicks } from './stage-ticks.ts'

/** A route and what decides between routes: the smaller of the first numbers that differ. */
export interface Found {
  stages: RouteStage[]
  ticks: number
  slowestTicks: number
}

/** Peers of one set: 2^8 states of each layer, and as many again for every last peer of 6. */
export const ORDERED_PEERS_MAX = 8
export const ORDERED_PEERS_LINKED_MAX = 6

/** Counts what a search costs; the same on every machine, unlike time. */
export interface Steps {
  left: number
}

/** What a search writes to. A plan searches dozens of sets one after the other; fresh tables cost more. */
export class OrderTables {
  #floats = new Float64Array(0)
  #numbers = new Int32Array(0)

  /** Their values are those of the set before. */
  of(nStates: number, nRests: number) {
    const nFloats = 2 * nStates + nRests
    if (this.#floats.length < nFloats) this.#floats = new Float64Array(nFloats)
    if (this.#numbers.length < nStates) this.#numbers = new Int32Array(nStates)
    return {
      ticks: this.#floats.subarray(0, nStates),
      slowest: this.#floats.subarray(nStates, 2 * nStates),
      rest: this.#floats.subarray(2 * nStates, nFloats),
      from: this.#numbers.subarray(0, nStates)
    }
  }
}

/**
 * @param best what must be beaten.
 * @returns a better route over some or all of `members`, or null: there is none, if steps are left.
 */
export function bestOrder(
  costs: Costs,
  hops: Hops,
  members: readonly ViewPeer[],
  best: Found | null,
  steps: Steps,
  tables = new OrderTables()
): Found | null {
  const search = new OrderSearch(costs, hops, members, best, steps, tables)
  if (hops.isUniform) search.run(null)
  else for (let first = 0; first < members.length; first++) search.run(first)
  return search.found
}

class OrderSearch {
  found: Found | null = null
  readonly #costs: Costs
  readonly #hops: Hops
  readonly #members: readonly ViewPeer[]
  /** Of each member. */
  readonly #stages: readonly StageTicks[]
  readonly #steps: Steps
  /** Layers + 1: the states of one set and last peer. */
  readonly #width: number
  readonly #ends: number
  /** From member u to member v at u * nMembers + v. */
  readonly #hopTicks: Float64Array
  /** Layer after the last that fits member v from layer l on, at v * width + l. */
  readonly #reach: Int32Array
  /** Bound of what is left, at set * width + layer; negative where not computed yet. */
  readonly #rest: Float64Array
  readonly #tiers: RestTier[]
  #best: Found | null
  #ticks: Float64Array
  #slowest: Float64Array
  #from: Int32Array

  constructor(
    costs: Costs,
    hops: Hops,
    members: readonly ViewPeer[],
    best: Found | null,
    steps: Steps,
    tables: OrderTables
  ) {
    this.#costs = costs
    this.#hops = hops
    this.#members = members
    this.#stages = members.map((peer) => costs.stages(peer))
    this.#best = best
    this.#steps = steps
    this.#width = costs.nLayers + 1
    this.#ends = hops.isUniform ? 1 : members.length
    this.#hopTicks = Float64Array.from(
      members.flatMap((from) => members.map((to) => hops.ticks(from, to)))
    )
    const sets = 2 ** members.length
    this.#reach = reachOf(costs, members)
    this.#tiers = restTiers(costs, members)
    const { ticks, slowest, rest, from } = tables.of(
      sets * this.#ends * this.#width,
      sets * this.#width
    )
    this.#ticks = ticks
    this.#slowest = slowest
    this.#rest = rest.fill(-1)
    this.#from = from
  }

  /** @param first the member that starts; null where it does not matter. */
  run(first: number | null): void {
    const count = this.#members.length
    this.#ticks.fill(Infinity)
    this.#steps.left -= floorDiv(this.#ticks.length, 8)
    for (let v = 0; v < count; v++) {
      if (first === null || v === first) this.#extend(0, -1, 0, v, first)
    }
    for (let set = 1; set < 2 ** count - 1; set++) {
      for (let last = 0; last < this.#ends; last++) {
        if (!this.#hops.isUniform && (set & (1 << last)) === 0) continue
        const base = (set * this.#ends + last) * this.#width
        for (let layer = 1; layer < this.#width - 1; layer++) {
          if (this.#ticks[base + layer] === Infinity) continue
          for (let v = 0; v < count; v++) {
            if ((set & (1 << v)) === 0) this.#extend(set, last, layer, v, first)
          }
        }
        if (this.#steps.left <= 0) return
      }
    }
  }

  /** Member v takes layers from `start` on, behind a state. */
  #extend(set: number, last: number, start: number, v: number, first: number | null): void {
    const nLayers = this.#width - 1
    const count = this.#members.length
    const stages = this.#stages[v] as StageTicks
    const before = set === 0 ? -1 : (set * this.#ends + last) * this.#width + start
    const beforeTicks = before < 0 ? 0 : (this.#ticks[before] as number)
    const beforeSlowest = before < 0 ? 0 : (this.#slowest[before] as number)
    const hop = set === 0 ? 0 : (this.#hopTicks[last * count + v] as number)
    const grown = set | (1 << v)
    const base = (grown * this.#ends + (this.#ends === 1 ? 0 : v)) * this.#width
    const end = this.#reach[v * this.#width + start] as number
    const isLastMember = grown === 2 ** count - 1
    const from = isLastMember ? nLayers : start + 1
    this.#steps.left -= 2 + Math.max(0, end - from)
    for (let to = from; to <= end; to++) {
      const limit = this.#best?.ticks ?? Infinity
      const at = base + to
      const least = beforeTicks + hop + stages.least(start, to)
      if (least > limit) break
      if (to < nLayers) {
        if (least + this.#restTicks(grown, to) > limit) continue
        if (least > (this.#ticks[at] as number)) continue
      }
      const stage = stages.of(start, to)
      const ticks = beforeTicks + hop + stage
      const slowest = Math.max(beforeSlowest, stage)
      if (to === nLayers) {
        this.#finish(grown, v, start, before, ticks, slowest, first)
        break
      }
      if (ticks + this.#restTicks(grown, to) > limit) continue
      const difference = ticks - (this.#ticks[at] as number)
      if (difference > 0) continue
      if (difference === 0 && slowest >= (this.#slowest[at] as number)) continue
      this.#ticks[at] = ticks
      this.#slowest[at] = slowest
      this.#from[at] = before < 0 ? -1 - v : before * count + v
    }
  }

  #finish(
    set: number,
    v: number,
    start: number,
    before: number,
    ticks: number,
    slowestTicks: number,
    first: number | null
  ): void {
    const last = this.#members[v] as ViewPeer
    const head = this.#members[first ?? v] as ViewPeer
    const back = before < 0 ? 0 : this.#hops.backTicks(last, head)
    const found = { ticks: ticks + back, nStages: bits(set), slowestTicks }
    if (!this.#isBetter(found)) return
    const stages: RouteStage[] = [{ peer: last.key, start, end: this.#costs.nLayers }]
    for (let state = before; state >= 0;) {
      const from = this.#from[state] as number
      const isFirst = from < 0
      const member = isFirst ? -1 - from : from % this.#members.length
      const previous = isFirst ? -1 : floorDiv(from, this.#members.length)
      const end = state % this.#width
      const peer = (this.#members[member] as ViewPeer).key
      stages.push({ peer, start: isFirst ? 0 : previous % this.#width, end })
      state = previous
    }
    // Only of a whole route it is known how long its disks have.
    found.ticks = Math.max(found.ticks, this.#busiestDisk(stages))
    if (!this.#isBetter(found)) return
    this.#best = { stages: stages.toReversed(), ticks: found.ticks, slowestTicks }
    this.found = this.#best
  }

  #isBetter({
    ticks,
    nStages,
    slowestTicks
  }: Omit<Found, 'stages'> & { nStages: number }): boolean {
    const best = this.#best
    if (best === null) return true
    const difference =
      ticks - best.ticks || nStages - best.stages.length || slowestTicks - best.slowestTicks
    return difference < 0
  }

  #busiestDisk(stages: readonly RouteStage[]): number {
    const disks = stages.map(({ peer, start, end }) => {
      const member = this.#members.find(({ key }) => key === peer) as ViewPeer
      return this.#costs.diskTicks(member, start, end)
    })
    return Math.max(...disks)
  }

  /** At least this is still to pay for layers from `layer` on when the members of `set` are used. */
  #restTicks(set: number, layer: number): number {
    const at = set * this.#width + layer
    if ((this.#rest[at] as number) < 0) this.#boundRest(set, layer)
    return this.#rest[at] as number
  }

  #boundRest(set: number, layer: number): void {
    const { nLayers, model } = this.#costs
    this.#steps.left -= 1
    let readKiB = this.#costs.activeKiB(layer, nLayers) - model.headKiB
    let roomKiB = 0
    let ticks = 0
    let isCheapest = true
    for (const tier of this.#tiers) {
      if ((set & tier.bit) !== 0) continue
      if (isCheapest) ticks += model.headKiB * tier.price
      isCheapest = false
      roomKiB += tier.sizeKiB
      const partKiB = Math.min(readKiB, tier.readKiBMax)
      ticks += partKiB * tier.price
      readKiB -= partKiB
    }
    const isRoom = roomKiB >= this.#costs.residentKiB(layer, nLayers)
    const hopTicks = this.#hops.ticksMin + (this.#hops.isUniform ? this.#backMin() : 0)
    this.#rest[set * this.#width + layer] = isRoom ? ticks + hopTicks : Infinity
  }

  /** Where all ways are alike, the way back is known: a hop without its activation. */
  #backMin(): number {
    return this.#hops.ticksMin - this.#hops.activationTicksMax
  }
}

interface RestTier {
  bit: number
  price: number
  sizeKiB: number
  /** Most bytes of layers that one token can read in it. */
  readKiBMax: number
}

/** The memory of all members, the fastest first. */
function restTiers(costs: Costs, members: readonly ViewPeer[]): RestTier[] {
  const { model } = costs
  const kvKiB = kvKiBPerLayer(model)
  const shares = model.activeKiB.map((readKiB, layer) =>
    floorDiv(readKiB * SHARE, Math.max(1, (model.layerKiB[layer] as number) + kvKiB))
  )
  const share = Math.max(...shares) + 1
  return members
    .flatMap((peer, v) =>
      costs.memories(peer).map(({ sizeKiB, price }) => {
        // No model has more than 2^31 KiB, so more room than that is as good.
        const readKiBMax = floorDiv(Math.min(sizeKiB, 2 ** 31) * share, SHARE) + 1
        return { bit: 1 << v, price, sizeKiB, readKiBMax }
      })
    )
    .toSorted((a, b) => a.price - b.price)
}

function reachOf(costs: Costs, members: readonly ViewPeer[]): Int32Array {
  const width = costs.nLayers + 1
  const reach = new Int32Array(members.length * width)
  for (const [v, peer] of members.entries()) {
    let end = 0
    for (let start = 0; start < costs.nLayers; start++) {
      end = Math.max(end, start)
      while (end < costs.nLayers && costs.fits(peer, start, end + 1)) end++
      reach[v * width + start] = end
    }
  }
  return reach
}

function bits(set: number): number {
  let count = 0
  for (let rest = set; rest !== 0; rest &= rest - 1) count++
  return count
}
