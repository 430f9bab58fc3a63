// Flow C, what it costs a peer to hold and to run layers [start, end). Time is in ticks of 10 ps, so
// that prices are whole numbers and the cost of layers is exactly the sum of theirs: two peers of one
// speed then tie exactly, however the layers lie between them. Pure and stateless but for prefix sums.

import { floorDiv } from './integer.ts'
import { kvKiBPerLayer } from './view.ts'

import type { ModelFacts, ViewPeer } from './view.ts'

const TICKS_PER_US = 100_000
// Ticks that one KiB takes at 1 MiB/s: 10^11 / 1024, rounded down.
const TICKS_PER_KIB = 97_656_250

/**
 * One hop on a local network without its bytes: half of a 0.2 ms cable-and-switch round trip, half of
 * the 0.1 ms that encryption and TCP add, and waking two event loops. Too small a value spreads a
 * model over peers that add nothing; too large a value leaves useful peers out.
 */
const HOP_US = 250
/** Gigabit Ethernet after framing, in bits per microsecond; links are not measured yet. */
const LINK_MBPS = 940

export interface Costs {
  readonly nLayers: number
  /** Ticks that one more stage adds to a route of two or more. */
  readonly ticksPerHop: number
  /** Weights and reserved KV of [start, end). */
  residentKiB(start: number, end: number): number
  /** Whether weights and reserved KV of [start, end) fit the memory that a peer claims. */
  fits(peer: Pick<ViewPeer, 'memoryKiB'>, start: number, end: number): boolean
  /** Ticks of one token in layers [start, end). */
  stageTicks(peer: ViewPeer, start: number, end: number): number
  /** Ticks of all hops of a token in a route of so many stages: a circle, or none. */
  hopTicks(nStages: number): number
}

export function createCosts(model: ModelFacts): Costs {
  const { nLayers, embeddingKiB, headKiB, tied } = model
  const kvKiB = kvKiBPerLayer(model)
  const resident = prefixSums(model.layerKiB.map((sizeKiB) => sizeKiB + kvKiB))
  const active = prefixSums(model.activeKiB)
  const between = (sums: number[], start: number, end: number) =>
    (sums[end] as number) - (sums[start] as number)

  const activationUs = floorDiv((model.dim * 4 + 32) * 8, LINK_MBPS)
  const ticksPerHop = (HOP_US + activationUs) * TICKS_PER_US

  const residentKiB = (start: number, end: number) => {
    const hasEmbedding = start === 0
    const hasHead = end === nLayers
    let sizeKiB = between(resident, start, end)
    if (hasEmbedding) sizeKiB += embeddingKiB
    if (hasHead) sizeKiB += headKiB
    if (hasEmbedding && hasHead && tied) sizeKiB -= Math.min(embeddingKiB, headKiB)
    return sizeKiB
  }

  return {
    nLayers,
    ticksPerHop,
    residentKiB,
    fits: (peer, start, end) => residentKiB(start, end) <= peer.memoryKiB,
    stageTicks(peer, start, end) {
      const readKiB = between(active, start, end) + (end === nLayers ? headKiB : 0)
      return readKiB * floorDiv(TICKS_PER_KIB, peer.weightMiBps)
    },
    hopTicks(nStages) {
      // The last hop of the circle carries one id and no activation.
      return nStages < 2 ? 0 : nStages * ticksPerHop - activationUs * TICKS_PER_US
    }
  }
}

export function toUs(ticks: number): number {
  return floorDiv(ticks, TICKS_PER_US)
}

/** (count + 1,) sums of the first 0, 1, ... values. */
function prefixSums(values: number[]): number[] {
  const sums = [0]
  for (const value of values) sums.push((sums.at(-1) as number) + value)
  return sums
}
