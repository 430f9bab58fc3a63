// The slow truth of stages that read from disk: machines that compute part after part of a layer, disks that
// read the streamed parts of all stages of a peer, those of a kind in turn and each into the place of the one
// before, and one token after the other.

import { layerOf, partAt, placeOf } from '../../src/model/layer-part.ts'
import { capacityKiB, createCosts, priceOf } from '../../src/sharding/cost.ts'
import { partSizes } from '../../src/sharding/facts.ts'
import { createHops } from '../../src/sharding/hops.ts'
import { costsOn } from '../../src/sharding/shared-costs.ts'
import { withDisks } from '../../src/sharding/stream.ts'
import { streamedParts } from '../../src/sharding/streamed-parts.ts'

import type { View, ViewPeer } from '../../src/sharding/facts.ts'
import type { RouteStage } from '../../src/wire/session.ts'

const TOKENS = 40

/** Ticks of a token once the beginning is over. */
export function ticksWithDisks({ model, peers }: View, stages: readonly RouteStage[]): number {
  const route = stages.map(({ peer }) => peers.find(({ key }) => key === peer) as ViewPeer)
  const costs = costsOn(withDisks(createCosts(model)), route, stages)
  const hopTicks = createHops(model, peers).perHop(route)
  const sizes = partSizes(model)
  // The stages of one peer share its disk.
  const peersDisks = new Map(
    route.map((one) => {
      const ranges = stages.filter(({ peer }) => peer === one.key)
      const streamed = streamedParts(costs, capacityKiB(one), ...ranges) ?? []
      const price = priceOf({ weightMiBps: one.diskMiBps ?? 1 })
      const reads = sizes.map((own, place) =>
        streamed
          .filter((part) => placeOf(part) === place)
          .map((part) => (own[layerOf(part)] as number) * price)
      )
      return [one, { streamed: new Set(streamed), disk: new Disk(reads) }]
    })
  )
  let now = 0
  const ends: number[] = []
  for (let token = 0; token < TOKENS; token++) {
    for (const [index, { start, end }] of stages.entries()) {
      const one = route[index] as ViewPeer
      const { streamed, disk } = peersDisks.get(one) as { streamed: Set<number>; disk: Disk }
      // An accelerator has its share of every layer.
      const price = costs.memoryTicks(one, start, end) / costs.activeKiB(start, end)
      for (let layer = start; layer < end; layer++) {
        const layerTicks = price * (model.activeKiB[layer] as number)
        for (const [place, own] of sizes.entries()) {
          const share = (own[layer] as number) / (model.layerKiB[layer] as number)
          const isRead = streamed.has(partAt(layer, place))
          if (isRead) now = Math.max(now, disk.readyAt(place))
          now += share * layerTicks
          if (isRead) disk.giveBack(place, now)
        }
      }
      const headKiB = costs.activeKiB(start, end) - sumOf(model.activeKiB.slice(start, end))
      now += price * headKiB + (hopTicks[index] as number)
    }
    ends.push(now)
  }
  const half = TOKENS / 2
  return ((ends[TOKENS - 1] as number) - (ends[half - 1] as number)) / half
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)

class Disk {
  /** Of each kind, ticks that its parts take, in their order. */
  readonly #reads: readonly (readonly number[])[]
  /** Of each kind, how many were read or are being read, and when the last of these is complete. */
  readonly #begun: number[]
  readonly #ready: number[]
  #idleAt = 0

  constructor(reads: readonly (readonly number[])[]) {
    this.#reads = reads
    this.#begun = reads.map(() => 0)
    this.#ready = reads.map(() => 0)
    for (const [place, own] of reads.entries()) if (own.length > 0) this.giveBack(place, 0)
  }

  readyAt(place: number): number {
    return this.#ready[place] as number
  }

  giveBack(place: number, now: number): void {
    const own = this.#reads[place] as readonly number[]
    const begun = this.#begun[place] as number
    this.#idleAt = Math.max(this.#idleAt, now) + (own[begun % own.length] as number)
    this.#begun[place] = begun + 1
    this.#ready[place] = this.#idleAt
  }
}
