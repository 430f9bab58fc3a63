// Flow C, what stages wait for disks: a token is sent over the route a few times, layer by layer where layers
// come from disk, while each disk reads round after round as native/stage/streamer.h does, a part of a layer
// into the place of the one of its kind before. Owns that small simulation; which parts these are is
// streamed-parts.ts's, what computing takes cost.ts's. Pure and in whole numbers.

import { LAYER_PARTS, layerOf, partAt, placeOf } from '../model/layer-part.ts'
import { diskPriceOf, type Costs } from './cost.ts'
import { floorDiv } from './integer.ts'

import type { RouteStage } from '../wire/session.ts'
import type { ViewPeer } from './facts.ts'

/** By then what was read before the first one counts no more. */
const TOKENS_MAX = 4

/**
 * @param costs of this route.
 * @param route the peers of the stages.
 * @param hopTicks from each stage to the next, from the last one to the first.
 * @returns ticks that each stage of a token waits for its disk.
 */
export function diskWaits(
  costs: Costs,
  route: readonly ViewPeer[],
  stages: readonly RouteStage[],
  hopTicks: readonly number[]
): number[] {
  const streamed = stages.map((stage, i) => costs.streamed(route[i] as ViewPeer, stage))
  const waits = stages.map(() => 0)
  if (streamed.every((parts) => parts.length === 0)) return waits
  const disks = new Map<ViewPeer, Disk>()
  for (const peer of new Set(route)) {
    const own = streamed.filter((_, i) => route[i] === peer).flat()
    if (own.length > 0) disks.set(peer, new Disk(costs, peer, own))
  }
  const diskOf = route.map((peer) => disks.get(peer))
  const memoryTicks = stages.map(({ start, end }, i) =>
    costs.memoryTicks(route[i] as ViewPeer, start, end)
  )
  let now = 0
  let lastTicks = 0
  for (let token = 0; token < TOKENS_MAX; token++) {
    const startTicks = now
    for (let i = 0; i < stages.length; i++) {
      const computeTicks = memoryTicks[i] as number
      const stage = stages[i] as RouteStage
      const leftAt =
        diskOf[i]?.pass(stage, streamed[i] as number[], computeTicks, now) ?? now + computeTicks
      waits[i] = leftAt - now - computeTicks
      now = leftAt + (hopTicks[i] as number)
    }
    if (now - startTicks === lastTicks) break
    lastTicks = now - startTicks
  }
  return waits
}

/** Of one peer, with all parts that go round. */
class Disk {
  readonly #costs: Costs
  /** Of each kind, what reading its parts takes, in their order. */
  readonly #ticks: readonly number[][] = [[], [], []]
  /** Of each kind, the part that is read next, and when what is or comes into its place has been read. */
  readonly #next = [0, 0, 0]
  readonly #ready = [0, 0, 0]
  #idleAt = 0

  /** @param parts that it reads, ascending. */
  constructor(costs: Costs, peer: ViewPeer, parts: readonly number[]) {
    this.#costs = costs
    const price = diskPriceOf(peer)
    for (const part of parts) {
      const place = placeOf(part)
      this.#ticks[place]?.push(price * (costs.partsKiB[place]?.[layerOf(part)] as number))
    }
    for (let place = 0; place < LAYER_PARTS; place++) this.#read(place, 0)
  }

  /** @returns when a token that comes at `startTicks` leaves a stage with these of the parts. */
  pass(
    { start, end }: RouteStage,
    streamed: readonly number[],
    computeTicks: number,
    startTicks: number
  ): number {
    const { activeKiB, activePartsKiB, model } = this.#costs
    // Without the head, which is computed once the layers are.
    const price = floorDiv(computeTicks, Math.max(1, activeKiB(start, end)))
    let now = startTicks
    let computed = 0
    let at = start
    let next = 0
    while (next < streamed.length) {
      const layer = layerOf(streamed[next] as number)
      const aheadTicks = price * activeKiB(at, layer)
      const layerTicks = price * (model.activeKiB[layer] as number)
      computed += aheadTicks + layerTicks
      now += aheadTicks
      let restTicks = layerTicks
      for (let place = 0; place < LAYER_PARTS; place++) {
        const isRead = streamed[next] === partAt(layer, place)
        if (isRead) now = Math.max(now, this.#ready[place] as number)
        const isLast = place === LAYER_PARTS - 1
        const ticks = isLast ? restTicks : price * (activePartsKiB[place]?.[layer] as number)
        now += ticks
        restTicks -= ticks
        if (isRead) {
          this.#read(place, now)
          next += 1
        }
      }
      at = layer + 1
    }
    return now + computeTicks - computed
  }

  /** The next part of a kind into its place, which is free: behind what others were free for before. */
  #read(place: number, freeTicks: number): void {
    const ticks = this.#ticks[place] as readonly number[]
    if (ticks.length === 0) return
    const next = this.#next[place] as number
    this.#idleAt = Math.max(this.#idleAt, freeTicks) + (ticks[next] as number)
    this.#ready[place] = this.#idleAt
    this.#next[place] = (next + 1) % ticks.length
  }
}
