// The slow truth of stages that read layers from disk: machines that compute layer after layer, disks that
// read the streamed ones of all stages of a peer in turn into two slots, and one token after the other.

import { createCosts, priceOf } from '../../src/sharding/cost.ts'
import { createHops } from '../../src/sharding/hops.ts'
import { streamedLayers } from '../../src/sharding/streamed-layers.ts'

import type { View, ViewPeer } from '../../src/sharding/facts.ts'
import type { RouteStage } from '../../src/wire/session.ts'

const TOKENS = 40

/** Ticks of a token once the beginning is over. */
export function twoSlots({ model, peers }: View, stages: readonly RouteStage[]): number {
  const costs = createCosts(model)
  const route = stages.map(({ peer }) => peers.find(({ key }) => key === peer) as ViewPeer)
  const hopTicks = createHops(model, peers).routeTicks(route)
  // The stages of one peer share its slots.
  const readers = new Map(
    route.map((one) => {
      const ranges = stages.filter(({ peer }) => peer === one.key)
      const reader = new Reader(streamedLayers(costs, one.memoryKiB, ...ranges) ?? [], (layer) => {
        return (model.layerKiB[layer] as number) * priceOf({ weightMiBps: one.diskMiBps ?? 1 })
      })
      return [one, reader]
    })
  )
  let now = 0
  const ends: number[] = []
  for (let token = 0; token < TOKENS; token++) {
    for (const [index, { start, end }] of stages.entries()) {
      const one = route[index] as ViewPeer
      const reader = readers.get(one) as Reader
      for (let layer = start; layer < end; layer++) {
        const isRead = reader.layers.includes(layer)
        if (isRead) now = Math.max(now, reader.readyAt())
        now += costs.stageTicks(one, layer, layer + 1)
        if (isRead) reader.giveBack(now)
      }
    }
    now += hopTicks
    ends.push(now)
  }
  const half = TOKENS / 2
  return ((ends[TOKENS - 1] as number) - (ends[half - 1] as number)) / half
}

class Reader {
  readonly layers: readonly number[]
  readonly #ticksOf: (layer: number) => number
  /** When what was or is being read is complete, the next to be computed first. */
  #ready: number[] = []
  #next = 0
  #idleAt = 0

  constructor(layers: readonly number[], ticksOf: (layer: number) => number) {
    this.layers = layers
    this.#ticksOf = ticksOf
    if (layers.length > 0) {
      this.#read(0)
      this.#read(0)
    }
  }

  readyAt(): number {
    return this.#ready[0] as number
  }

  giveBack(now: number): void {
    this.#ready.shift()
    this.#read(now)
  }

  #read(freeAt: number): void {
    const layer = this.layers[this.#next] as number
    this.#next = (this.#next + 1) % this.layers.length
    this.#idleAt = Math.max(this.#idleAt, freeAt) + this.#ticksOf(layer)
    this.#ready.push(this.#idleAt)
  }
}
