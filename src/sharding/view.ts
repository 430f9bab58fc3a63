// Flow C, what a plan is computed from: the facts of one model and the peers that could hold layers
// of it. Two peers with the same view hash compute the same plan; the hash covers exactly what
// plan.ts reads and nothing else, so that news that cannot change a plan does not change the view.

import {
  LAYERS_MAX,
  MEMORY_KIB_MAX,
  MODEL_KIB_MAX,
  PEERS_MAX,
  RATE_MIBPS_MAX,
  RATE_MIBPS_MIN
} from '../base/limits.ts'
import { isLayerRange, type LayerRange } from '../model/layer-range.ts'
import { ceilDiv, compareText, hashOf } from './integer.ts'

import type { PeerId } from '../wire/ids.ts'
import type { PeerRecord, Profile } from '../wire/record.ts'

/** What placing needs to know of a model; all sizes are whole numbers. */
export interface ModelFacts {
  /** 64 hex digits over the model's bytes. */
  id: string
  nLayers: number
  /** Width of the residual stream: what crosses a hop per token. */
  dim: number
  /** (nLayers,) resident bytes of each layer. */
  layerKiB: number[]
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
  /** Positions whose keys and values every stage reserves. */
  contextTokens: number
}

export interface ViewPeer {
  key: PeerId
  memoryKiB: number
  weightMiBps: number
  /** Range fixed by hand: this peer serves inside it or not at all. */
  pin: LayerRange | null
}

export interface View {
  model: ModelFacts
  /** Sorted by key. */
  peers: ViewPeer[]
}

/**
 * The view of a model that a set of records gives, whatever their order. Peers with another model,
 * another arithmetic or no measurement, and peers that left, are not in it.
 */
export function createView(
  model: ModelFacts,
  arithmeticVersion: number,
  records: Iterable<PeerRecord>
): View {
  const latest = new Map<PeerId, PeerRecord>()
  for (const record of records) {
    if (record.seq > (latest.get(record.key)?.seq ?? -1)) latest.set(record.key, record)
  }
  const peers = [...latest.values()]
    .filter((record) => !record.left && record.model?.id === model.id)
    .filter((record) => record.arithmeticVersion === arithmeticVersion)
    .flatMap(({ key, profile, pin }) =>
      profile !== null && isUsable(profile) ? [toViewPeer(key, profile, pin, model.nLayers)] : []
    )
    .toSorted((a, b) => compareText(a.key, b.key))
    .slice(0, PEERS_MAX)
  return { model, peers }
}

/** 64 hex digits; equal for equal views. */
export function viewHash({ model, peers }: View): string {
  const { id, nLayers, dim, layerKiB, activeKiB, embeddingKiB, headKiB, tied } = model
  return hashOf([
    'swarm view 1',
    [id, nLayers, dim, layerKiB, activeKiB, embeddingKiB, headKiB, tied],
    [model.kvBytesPerToken, model.contextTokens],
    peers.map(({ key, memoryKiB, weightMiBps, pin }) => [
      key,
      memoryKiB,
      weightMiBps,
      pin === null ? null : [pin.start, pin.end]
    ])
  ])
}

/** Keys and values that one layer reserves, KiB. */
export function kvKiBPerLayer(model: ModelFacts): number {
  return ceilDiv(model.kvBytesPerToken * model.contextTokens, 1024)
}

/** Whether facts are within the bounds that keep a plan's sums exact. */
export function isPlannable(model: ModelFacts): boolean {
  const { nLayers, layerKiB, activeKiB } = model
  const sizes = [...layerKiB, model.embeddingKiB, model.headKiB, kvKiBPerLayer(model) * nLayers]
  return (
    nLayers >= 1 &&
    nLayers <= LAYERS_MAX &&
    layerKiB.length === nLayers &&
    activeKiB.length === nLayers &&
    [...sizes, ...activeKiB].every((size) => Number.isSafeInteger(size) && size >= 0) &&
    sizes.reduce((sum, size) => sum + size, 0) <= MODEL_KIB_MAX &&
    activeKiB.every((size, layer) => size <= (layerKiB[layer] as number))
  )
}

function isUsable({ memoryKiB, weightMiBps }: Profile): boolean {
  return (
    Number.isInteger(memoryKiB) &&
    0 < memoryKiB &&
    memoryKiB <= MEMORY_KIB_MAX &&
    Number.isInteger(weightMiBps) &&
    RATE_MIBPS_MIN <= weightMiBps &&
    weightMiBps <= RATE_MIBPS_MAX
  )
}

function toViewPeer(
  key: PeerId,
  { memoryKiB, weightMiBps }: Profile,
  pin: LayerRange | null,
  nLayers: number
): ViewPeer {
  // A pin of another model's shape is no pin: the user pinned something that is not here.
  const real = pin !== null && isLayerRange(pin, nLayers)
  return { key, memoryKiB, weightMiBps, pin: real ? { start: pin.start, end: pin.end } : null }
}
