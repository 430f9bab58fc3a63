// The slow truth of stages that read layers from disk: machines that compute part after part of a layer,
// disks that read the streamed layers of all stages of a peer in turn, each part into the place of the same
// part of the layer before, and one token after the other.

import { capacityKiB, createCosts, priceOf } from '../../src/sharding/cost.ts'
import { createHops } from '../../src/sharding/hops.ts'
import { costsOn } from '../../src/sharding/shared-costs.ts'
import { withDisks } from '../../src/sharding/stream.ts'
import { streamedLayers } from '../../src/sharding/streamed-layers.ts'

import type { View, ViewPeer } from '../../src/sharding/facts.ts'
import type { RouteStage } from '../../src/wire/session.ts'

const TOKENS = 40

/** Of a layer's bytes: attention, gate and up, down. */
export type PartShares = readonly [number, number, number]

/** Of Llamas. */
const USUAL: PartShares = [0.17, 0.55, 0.28]

/** Ticks of a token once the beginning is over. */
export function ticksWithDisks(
  { model, peers }: View,
  stages: readonly RouteStage[],
  parts = USUAL
): number {
  const route = stages.map(({ peer }) => peers.find(({ key }) => key === peer) as ViewPeer)
  const costs = costsOn(withDisks(createCosts(model)), route, stages)
  const hopTicks = createHops(model, peers).perHop(route)
  // The stages of one peer share its disk.
  const peersDisks = new Map(
    route.map((one) => {
      const ranges = stages.filter(({ peer }) => peer === one.key)
      const layers = streamedLayers(costs, capacityKiB(one), ...ranges) ?? []
      const price = priceOf({ weightMiBps: one.diskMiBps ?? 1 })
      const units = layers.flatMap((layer) =>
        parts.map((share) => share * (model.layerKiB[layer] as number) * price)
      )
      return [one, { layers, disk: new Disk(units, parts.length) }]
    })
  )
  let now = 0
  const ends: number[] = []
  for (let token = 0; token < TOKENS; token++) {
    for (const [index, { start, end }] of stages.entries()) {
      const one = route[index] as ViewPeer
      const { layers, disk } = peersDisks.get(one) as { layers: number[]; disk: Disk }
      // An accelerator has its share of every layer.
      const price = costs.memoryTicks(one, start, end) / costs.activeKiB(start, end)
      for (let layer = start; layer < end; layer++) {
        const isRead = layers.includes(layer)
        const layerTicks = price * (model.activeKiB[layer] as number)
        for (const [part, share] of parts.entries()) {
          if (isRead) now = Math.max(now, disk.readyAt(part))
          now += share * layerTicks
          if (isRead) disk.giveBack(part, now)
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
  /** Ticks that each part of each layer takes, in their order. */
  readonly #units: readonly number[]
  /** Of each part, when what is or comes there is complete; null: nothing does yet. */
  readonly #ready: (number | null)[]
  readonly #freeAt: number[]
  #next = 0
  #idleAt = 0

  constructor(units: readonly number[], nParts: number) {
    this.#units = units
    this.#ready = Array.from({ length: nParts }, () => null)
    this.#freeAt = Array.from({ length: nParts }, () => 0)
    if (units.length > 0) this.#goOn()
  }

  readyAt(part: number): number {
    return this.#ready[part] as number
  }

  giveBack(part: number, now: number): void {
    this.#ready[part] = null
    this.#freeAt[part] = now
    this.#goOn()
  }

  /** Reads in order for as long as there is a place. */
  #goOn(): void {
    for (;;) {
      const part = this.#next % this.#ready.length
      if (this.#ready[part] !== null) return
      this.#idleAt = Math.max(this.#idleAt, this.#freeAt[part] as number)
      this.#idleAt += this.#units[this.#next] as number
      this.#ready[part] = this.#idleAt
      this.#next = (this.#next + 1) % this.#units.length
    }
  }
}
