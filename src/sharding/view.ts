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
import { given } from '../base/given.ts'
import { containsAll, isLayerRange, subtract, type LayerRange } from '../model/layer-range.ts'
import { believedRates, declaredReserve, linksBetween, type Measured } from './claims.ts'
import { kvKiBPerLayer, partSizes, sessionsOf } from './facts.ts'
import { compareText, hashOf, type Canonical } from './integer.ts'

import type { PeerId } from '../wire/ids.ts'
import type { PeerRecord, Profile } from '../wire/record.ts'
import type { ModelFacts, View, ViewPeer } from './facts.ts'

/** Thousands of operations of one layer and position: a thousand times the largest published one. */
const KOPS_MAX = 2 ** 32

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
  const measured = [...latest.values()]
    .filter((record) => !record.left && record.model?.id === model.id)
    .filter((record) => record.arithmeticVersion === arithmeticVersion)
    .filter(isMeasured)
    .toSorted((a, b) => compareText(a.key, b.key))
    .slice(0, PEERS_MAX)
  const rates = believedRates(measured)
  const links = linksBetween(measured)
  const peers = measured.map((record) => ({
    ...toViewPeer(record, model.nLayers),
    ...rates.get(record.key),
    ...given({ links: links.get(record.key) })
  }))
  return { ...reserving(model, measured), peers }
}

/** The model with the reserve that peers declared, and the usual one beside it where that is less. */
function reserving(model: ModelFacts, records: readonly Measured[]): Omit<View, 'peers'> {
  const { contextTokens } = model
  const usual = { contextTokens, sessions: sessionsOf(model) }
  const reserve = declaredReserve(model, records)
  const isMore = reserve.contextTokens * reserve.sessions > contextTokens * usual.sessions
  if (reserve.contextTokens === contextTokens && reserve.sessions === usual.sessions) {
    return { model }
  }
  return { model: { ...model, ...reserve }, ...(isMore ? { usual } : {}) }
}

/** 64 hex digits; equal for equal views. */
export function viewHash({ model, peers, usual }: View): string {
  const { id, nLayers, dim, layerKiB, activeKiB, embeddingKiB, headKiB, tied } = model
  return hashOf([
    'swarm view 5',
    [id, nLayers, dim, layerKiB, activeKiB, embeddingKiB, headKiB, tied],
    [model.gateUpKiB ?? [], model.downKiB ?? []],
    [model.kvBytesPerToken, model.contextTokens, sessionsOf(model), model.layerKops ?? []],
    peers.map((peer) => [
      peer.key,
      [peer.memoryKiB, peer.weightMiBps, peer.int8Mops ?? 0, peer.diskMiBps ?? 0],
      peer.accelerator ? [peer.accelerator.memoryKiB, peer.accelerator.weightMiBps] : [],
      (peer.links ?? []).map(({ peer: other, delayUs, mbps = 0 }) => [other, delayUs, mbps]),
      (peer.held ?? []).map(rangeOf),
      rangeOf(peer.pin),
      // Nothing where there are none, as before there were any.
      ...(peer.standby ?? []).map(rangeOf),
      ...(peer.isMoving === true ? ['moving'] : [])
    ]),
    ...(usual === undefined ? [] : [[usual.contextTokens, usual.sessions]])
  ])
}

function rangeOf(range: LayerRange | null | undefined): Canonical {
  return range ? [range.start, range.end] : null
}

/** Whether facts are within the bounds that keep a plan's sums exact. */
export function isPlannable(model: ModelFacts): boolean {
  const { nLayers, layerKiB, activeKiB, layerKops } = model
  const sizes = [...layerKiB, model.embeddingKiB, model.headKiB, kvKiBPerLayer(model) * nLayers]
  return (
    nLayers >= 1 &&
    nLayers <= LAYERS_MAX &&
    layerKiB.length === nLayers &&
    activeKiB.length === nLayers &&
    [...sizes, ...activeKiB].every((size) => Number.isSafeInteger(size) && size >= 0) &&
    sizes.reduce((sum, size) => sum + size, 0) <= MODEL_KIB_MAX &&
    activeKiB.every((size, layer) => size <= (layerKiB[layer] as number)) &&
    partSizes(model).every((kind) => {
      return (
        kind.length === nLayers && kind.every((size) => Number.isSafeInteger(size) && size >= 0)
      )
    }) &&
    (layerKops === undefined || layerKops.length === nLayers) &&
    (layerKops ?? []).every((kops) => Number.isSafeInteger(kops) && 0 <= kops && kops <= KOPS_MAX)
  )
}

function isUsable({ memoryKiB, weightMiBps, int8Mops, diskMiBps }: Profile): boolean {
  return (
    Number.isSafeInteger(diskMiBps) &&
    diskMiBps >= 0 &&
    Number.isInteger(memoryKiB) &&
    0 < memoryKiB &&
    memoryKiB <= MEMORY_KIB_MAX &&
    Number.isInteger(weightMiBps) &&
    RATE_MIBPS_MIN <= weightMiBps &&
    weightMiBps <= RATE_MIBPS_MAX &&
    Number.isSafeInteger(int8Mops) &&
    int8Mops >= 0
  )
}

function isMeasured(record: PeerRecord): record is Measured {
  return record.profile !== null && isUsable(record.profile)
}

/** A range of another model's shape is no range. */
function toViewPeer({ key, profile, pin, held, own: stages }: Measured, nLayers: number): ViewPeer {
  const { memoryKiB, weightMiBps, int8Mops, diskMiBps } = profile
  const real = (range: LayerRange | null) =>
    range !== null && isLayerRange(range, nLayers) ? { start: range.start, end: range.end } : null
  const all = held.flatMap((range) => real(range) ?? [])
  const own = stages.flatMap((range) => real(range) ?? [])
  const isMoving = !containsAll(all, own)
  return {
    key,
    memoryKiB,
    weightMiBps,
    int8Mops,
    held: isMoving ? [] : own,
    standby: isMoving ? all : subtract(all, own),
    isMoving,
    pin: real(pin),
    ...(diskMiBps > 0 ? { diskMiBps } : {})
  }
}
