// Flow C, what stages wait for disks: a token is sent over the route a few times, layer by layer where layers
// come from disk, while each disk reads round after round as native/stage/streamer.h does, a part of a layer
// into the place of the same part of the one before. Owns that small simulation; which layers these are is
// streamed-layers.ts's, what computing takes cost.ts's. Pure and in whole numbers.

import { diskPriceOf, type Costs } from './cost.ts'
import { floorDiv } from './integer.ts'

import type { RouteStage } from '../wire/session.ts'
import type { ViewPeer } from './facts.ts'

/** Of a layer, what is computed one after the other. */
const N_PARTS = 3

/** Attention, gate and up, and down have so much of a layer in most models: a sixth, a half, a third. */
function partOf(ticks: number, part: number): number {
  const sixth = floorDiv(ticks, 6)
  if (part === 0) return sixth
  return part === 1 ? 3 * sixth : ticks - 4 * sixth
}

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
  if (streamed.every((layers) => layers.length === 0)) return waits
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

/** Of one peer, with all layers that go round. */
class Disk {
  readonly #costs: Costs
  /** Of each part of each layer, in their order, what reading it takes. */
  readonly #ticks: Float64Array
  /** Of each part, when what is or comes there has been read; Infinity: nothing does yet. */
  readonly #ready = new Float64Array(N_PARTS).fill(Infinity)
  /** Of each part, when its place was free. */
  readonly #freeAt = new Float64Array(N_PARTS)
  #next = 0
  #idleAt = 0

  /** @param layers that it reads, ascending. */
  constructor(costs: Costs, peer: ViewPeer, layers: readonly number[]) {
    this.#costs = costs
    this.#ticks = new Float64Array(N_PARTS * layers.length)
    const price = diskPriceOf(peer)
    for (let i = 0; i < this.#ticks.length; i++) {
      const layer = layers[floorDiv(i, N_PARTS)] as number
      this.#ticks[i] = partOf(price * (costs.model.layerKiB[layer] as number), i % N_PARTS)
    }
    this.#readOn()
  }

  /** @returns when a token that comes at `startTicks` leaves a stage with these of the layers. */
  pass(
    { start, end }: RouteStage,
    streamed: readonly number[],
    computeTicks: number,
    startTicks: number
  ): number {
    const { activeKiB, model } = this.#costs
    const price = floorDiv(computeTicks, Math.max(1, activeKiB(start, end)))
    let now = startTicks
    let computed = 0
    let at = start
    for (const layer of streamed) {
      const aheadTicks = price * activeKiB(at, layer)
      // Without the head, which is computed once the layers are.
      const layerTicks = price * (model.activeKiB[layer] as number)
      computed += aheadTicks + layerTicks
      now += aheadTicks
      for (let part = 0; part < N_PARTS; part++) {
        now = Math.max(now, this.#ready[part] as number) + partOf(layerTicks, part)
        this.#ready[part] = Infinity
        this.#freeAt[part] = now
        this.#readOn()
      }
      at = layer + 1
    }
    return now + computeTicks - computed
  }

  /** Reads for as long as there is a place. */
  #readOn(): void {
    for (;;) {
      const part = this.#next % N_PARTS
      if (this.#ready[part] !== Infinity) return
      const fromTicks = Math.max(this.#idleAt, this.#freeAt[part] as number)
      this.#idleAt = fromTicks + (this.#ticks[this.#next] as number)
      this.#ready[part] = this.#idleAt
      this.#next = (this.#next + 1) % this.#ticks.length
    }
  }
}
