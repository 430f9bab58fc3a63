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
  const none = stages.map(() => 0)
  if (streamed.every((layers) => layers.length === 0)) return none
  const disks = new Map<ViewPeer, Disk>()
  for (const peer of new Set(route)) {
    const own = streamed.filter((_, i) => route[i] === peer).flat()
    if (own.length > 0) disks.set(peer, createDisk(costs, peer, own))
  }
  const memoryTicks = stages.map(({ start, end }, i) =>
    costs.memoryTicks(route[i] as ViewPeer, start, end)
  )
  let now = 0
  let lastTicks = 0
  let waits = none
  for (let token = 0; token < TOKENS_MAX; token++) {
    const startTicks = now
    waits = stages.map((stage, i) => {
      const peer = route[i] as ViewPeer
      const disk = disks.get(peer)
      const before = now
      const computeTicks = memoryTicks[i] as number
      if (disk === undefined) now += computeTicks
      else now = passStage(costs, disk, stage, streamed[i] as number[], computeTicks, now)
      const waited = now - before - computeTicks
      now += hopTicks[i] as number
      return waited
    })
    if (now - startTicks === lastTicks) break
    lastTicks = now - startTicks
  }
  return waits
}

/** @returns when the token leaves the stage. */
function passStage(
  costs: Costs,
  disk: Disk,
  { start, end }: RouteStage,
  streamed: readonly number[],
  computeTicks: number,
  startTicks: number
): number {
  const price = floorDiv(computeTicks, Math.max(1, costs.activeKiB(start, end)))
  let now = startTicks
  let computed = 0
  let at = start
  for (const layer of streamed) {
    const aheadTicks = price * costs.activeKiB(at, layer)
    // Without the head, which is computed once the layers are.
    const layerTicks = price * (costs.model.activeKiB[layer] as number)
    computed += aheadTicks + layerTicks
    now += aheadTicks
    for (let part = 0; part < N_PARTS; part++) {
      now = Math.max(now, disk.readyAt(part)) + partOf(layerTicks, part)
      disk.giveBack(part, now)
    }
    at = layer + 1
  }
  return now + computeTicks - computed
}

interface Disk {
  /** When the part of the next layer to be computed has been read. */
  readyAt(part: number): number
  /** It was computed. */
  giveBack(part: number, atTicks: number): void
}

/** @param layers that go round, in their order. */
function createDisk({ model }: Costs, peer: ViewPeer, layers: readonly number[]): Disk {
  const price = diskPriceOf(peer)
  const ticks: number[] = []
  for (const layer of layers) {
    const layerTicks = price * (model.layerKiB[layer] as number)
    for (let part = 0; part < N_PARTS; part++) ticks.push(partOf(layerTicks, part))
  }
  /** Of each part, when what is or comes there has been read; Infinity: nothing does yet. */
  const ready = Array<number>(N_PARTS).fill(Infinity)
  const freeAt = Array<number>(N_PARTS).fill(0)
  let next = 0
  let idleAt = 0
  const readOn = () => {
    for (;;) {
      const part = next % N_PARTS
      if (ready[part] !== Infinity) return
      idleAt = Math.max(idleAt, freeAt[part] as number) + (ticks[next] as number)
      ready[part] = idleAt
      next = (next + 1) % ticks.length
    }
  }
  readOn()
  return {
    readyAt: (part) => ready[part] as number,
    giveBack(part, atTicks) {
      ready[part] = Infinity
      freeAt[part] = atTicks
      readOn()
    }
  }
}
