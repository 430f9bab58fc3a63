// Flow C, what a plan is computed from, as types: one model and the peers that could hold layers of it. All
// sizes and rates are whole numbers, because floats may differ between machines. view.ts makes it of records
// and says which of it is hashed; plan.ts and its searches read it.

import { ceilDiv, floorDiv } from './integer.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { PeerId } from '../wire/ids.ts'

/** What placing needs to know of a model; all sizes are whole numbers. */
export interface ModelFacts {
  /** 64 hex digits over the model's bytes. */
  id: string
  nLayers: number
  /** Width of the residual stream: what crosses a hop per token. */
  dim: number
  /** (nLayers,) resident bytes of each layer. */
  layerKiB: number[]
  /**
   * (nLayers,) of them, gate and up of the feed-forward part, and down, the rest being attention; absent: a
   * half and a third, as in most models.
   */
  gateUpKiB?: number[]
  downKiB?: number[]
  /** (nLayers,) bytes of each layer that one token reads: fewer than resident for mixtures of experts. */
  activeKiB: number[]
  /** Token table, held by whoever has layer 0. */
  embeddingKiB: number
  /** Final norm and output matrix, held and read by whoever has the last layer. */
  headKiB: number
  /** The output matrix is the token table: a peer with both ends holds it once. */
  tied: boolean
  /** Keys and values of one position in one layer, both together. */
  kvBytesPerToken: number
  /** Positions whose keys and values every stage reserves for each session. */
  contextTokens: number
  /** Positions that the model was trained for; absent: no more than contextTokens can be declared. */
  contextTokensMax?: number
  /** Sessions for which that much is reserved; absent: one. */
  sessions?: number
  /**
   * (nLayers,) thousands of int8 multiplications and additions of one position in each layer; absent: the
   * time of a prompt is predicted from the bytes read alone.
   */
  layerKops?: number[]
}

/** Memory that weights are read from at one speed. */
export interface Tier {
  memoryKiB: number
  weightMiBps: number
}

/** What one peer measured of the way to another. */
export interface ViewLink {
  peer: PeerId
  /** One way, all software included. */
  delayUs: number
  /** Megabits per second, bits per microsecond; absent: as on an ordinary local network. */
  mbps?: number
}

export interface ViewPeer extends Tier {
  key: PeerId
  /** Faster memory that fills first; its tier is within no other. Absent: none. */
  accelerator?: Tier
  /** MiB/s of its disk, to hold layers or to read them for each token; absent: unknown, none are streamed. */
  diskMiBps?: number
  /** Millions of integer operations per second at prefill; absent: unknown. */
  int8Mops?: number
  /** Measured ways to others; absent, or not named in it: an ordinary local network. */
  links?: readonly ViewLink[]
  /** Its own stages, ready to serve, ascending: moving them costs. Absent: none. */
  held?: readonly LayerRange[]
  /** Other layers ready to serve, ascending. Absent: none. */
  standby?: readonly LayerRange[]
  /** It has a stage that it does not hold yet. Absent: it has not. */
  isMoving?: boolean
  /** Range fixed by hand: this peer serves inside it or not at all. */
  pin: LayerRange | null
}

/** What every stage keeps free for keys and values. */
export interface Reserve {
  contextTokens: number
  sessions: number
}

export interface View {
  /** With what peers declared as its reserve. */
  model: ModelFacts
  /** Sorted by key. */
  peers: ViewPeer[]
  /** The usual reserve, where more was declared: it serves when there is no room for that. */
  usual?: Reserve
}

export function sessionsOf({ sessions = 1 }: ModelFacts): number {
  return sessions
}

/** KiB of each kind of part (model/layer-part.ts) in each layer. */
export type PartSizes = readonly (readonly number[])[]

/** (LAYER_PARTS, nLayers) resident bytes. */
export function partSizes({ layerKiB, gateUpKiB, downKiB }: ModelFacts): PartSizes {
  const gateUp = gateUpKiB ?? layerKiB.map((sizeKiB) => floorDiv(sizeKiB, 2))
  const down = downKiB ?? layerKiB.map((sizeKiB) => floorDiv(sizeKiB, 3))
  const attention = layerKiB.map((sizeKiB, layer) => {
    return sizeKiB - (gateUp[layer] as number) - (down[layer] as number)
  })
  return [attention, gateUp, down]
}

/** Keys and values that one layer reserves, KiB. */
export function kvKiBPerLayer(model: ModelFacts): number {
  return ceilDiv(model.kvBytesPerToken * model.contextTokens * sessionsOf(model), 1024)
}
