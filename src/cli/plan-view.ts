// A plan as text: a map of the layers, the stages, the prediction and what is missing. Pure; used by
// `swarm plan` and the demo.

import type { PeerStatus, PlanStatus } from '../api/service.ts'
import { clip } from '../base/text.ts'
import { renderTable } from './table.ts'
import { formatLayers } from './words.ts'

const MAP_CELLS_MAX = 60

export function planLines(plan: PlanStatus, peers: readonly PeerStatus[], width: number): string[] {
  if (plan.stages.length === 0) {
    return ['there is no plan yet', ...gapLines(plan), ...leftOutLines(plan, peers)]
  }
  return [
    layerMap(plan, Math.min(width - 20, MAP_CELLS_MAX)),
    ...stageLines(plan, peers, width),
    predictionLine(plan),
    ...gapLines(plan),
    ...leftOutLines(plan, peers)
  ]
}

/** `layers 0 [aaaaaa|bbbb|cc] 11`: each letter a share of the layers, in the order of the stages. */
export function layerMap(plan: PlanStatus, cellsMax: number): string {
  const nLayers = plan.stages.at(-1)?.end ?? 0
  const scale = Math.min(1, cellsMax / Math.max(1, nLayers))
  const parts = plan.stages.map(({ start, end }, index) =>
    letter(index).repeat(Math.max(1, Math.round((end - start) * scale)))
  )
  return `layers ${plan.stages[0]?.start ?? 0} [${parts.join('|')}] ${nLayers - 1}`
}

function stageLines(plan: PlanStatus, peers: readonly PeerStatus[], width: number): string[] {
  const rows = plan.stages.map((stage, index) => [
    letter(index),
    nameOf(peers, stage.peer),
    stage.peer.slice(0, 8),
    formatLayers(stage),
    perStage(plan, index)
  ])
  const columns = [
    { title: '' },
    { title: 'peer' },
    { title: 'key' },
    { title: 'layers', align: 'right' as const },
    { title: 'ms/token', align: 'right' as const }
  ]
  return renderTable(columns, rows, width)
}

function perStage(plan: PlanStatus, index: number): string {
  const timeMs = plan.predicted?.perStageMs[index]
  return timeMs === undefined ? '-' : timeMs.toFixed(2)
}

function predictionLine(plan: PlanStatus): string {
  const ready = plan.ready ? 'ready' : 'loading'
  if (plan.predicted === null) return `${ready}; no prediction yet`
  const { tokensPerSecond, tokenMs } = plan.predicted
  return `${ready}; predicted ${tokensPerSecond.toFixed(1)} tok/s (${tokenMs.toFixed(1)} ms per token)`
}

function gapLines(plan: PlanStatus): string[] {
  if (plan.gap.length === 0) return []
  const missing = plan.gap.map((range) => formatLayers(range)).join(', ')
  return [`missing: layers ${missing}; a peer with room for them has to join`]
}

function leftOutLines(plan: PlanStatus, peers: readonly PeerStatus[]): string[] {
  return plan.leftOut.map(
    ({ peer, reason }) =>
      `left out: ${nameOf(peers, peer)} (${clip(peer, 8)}), ${clip(reason, 200)}`
  )
}

function nameOf(peers: readonly PeerStatus[], key: string): string {
  return clip(peers.find((peer) => peer.key === key)?.name ?? '?', 40)
}

/** a to z, then round again: neighbours still differ. */
function letter(index: number): string {
  return String.fromCodePoint(97 + (index % 26))
}
