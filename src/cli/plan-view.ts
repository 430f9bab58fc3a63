// A plan as text: a map of the layers, the stages, the prediction and what is missing. Pure; used by
// `swarm plan` and the demo.

import type { PlanPrediction, PlanStatus } from '../api/service.ts'
import { groupBy } from '../base/group-by.ts'
import { clip, formatRate, formatSize } from '../base/text.ts'
import { LAYER_PARTS } from '../model/layer-part.ts'
import { containsAll, formatRanges, sameRange, type LayerRange } from '../model/layer-range.ts'
import { renderTable } from './table.ts'
import { formatLayers } from './words.ts'

import type { PeerId } from '../wire/ids.ts'

const MAP_CELLS_MAX = 60

/** A machine by what people call it; foreign text. */
export interface PlanName {
  key: string
  name: string
  /** Layers that it holds now; absent: not known, as of a machine that is not there. */
  held?: readonly LayerRange[]
}

export function planLines(plan: PlanStatus, peers: readonly PlanName[], width: number): string[] {
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

/** `layers 0 [aaaaaa|bbbb|cc] 11`: a letter for each peer, as often as its share of the layers. */
export function layerMap(plan: PlanStatus, cellsMax: number): string {
  const nLayers = plan.stages.at(-1)?.end ?? 0
  const scale = Math.min(1, cellsMax / Math.max(1, nLayers))
  const parts = plan.stages.map(({ start, end }, index) =>
    letterOf(plan, index).repeat(Math.max(1, Math.round((end - start) * scale)))
  )
  return `layers ${plan.stages[0]?.start ?? 0} [${parts.join('|')}] ${nLayers - 1}`
}

function stageLines(plan: PlanStatus, peers: readonly PlanName[], width: number): string[] {
  const rows = plan.stages.map((stage, index) => [
    letterOf(plan, index),
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
  const ready = plan.added ? 'not there' : plan.ready ? 'ready' : 'loading'
  if (plan.predicted === null) return `${ready}; no prediction yet`
  const { tokensPerSecond, tokenMs } = plan.predicted
  return `${ready}; predicted ${formatRate(tokensPerSecond)} tok/s (${tokenMs.toFixed(1)} ms per token)`
}

/** Machines without which some layers have nobody who stands by for them. */
export function withoutStandby({ stages, standbys }: PlanStatus): PeerId[] {
  const lacking = stages.filter((stage) => !standbys.some((one) => sameRange(one, stage)))
  return [...new Set(lacking.map(({ peer }) => peer))]
}

/**
 * The plan in words: what its figures mean, and what the loss of each machine would.
 * @param losses the plans without those machines, as far as they are known.
 */
export function explainLines(
  plan: PlanStatus,
  peers: readonly PlanName[],
  losses: ReadonlyMap<string, PlanStatus> = new Map()
): string[] {
  const { predicted, stages } = plan
  if (predicted === null) return []
  const { firstTokenMs, promptTokens, pooledTokensPerSecond, hopMs } = predicted
  const after = `first token ${(firstTokenMs / 1000).toFixed(1)} s after a prompt of ${promptTokens}`
  const wire = `of a token ${hopMs.toFixed(1)} ms pass between machines`
  const pooled = `${stages.length} sessions at once make ${formatRate(pooledTokensPerSecond)} tok/s`
  return [
    boundText(predicted),
    stages.length > 1 ? `${after}; ${wire}; ${pooled}` : after,
    ...reserveLines(plan),
    ...streamedLines(plan, peers),
    ...standbyLines(plan, peers, losses)
  ]
}

function reserveLines({ reserve }: PlanStatus): string[] {
  if (reserve === null) return []
  const { contextTokens, sessions } = reserve
  const each = sessions === 1 ? '1 conversation' : `${sessions} conversations at once, each`
  return [`every machine keeps room for ${each} of ${contextTokens} tokens`]
}

function streamedLines({ stages, streamed }: PlanStatus, peers: readonly PlanName[]): string[] {
  return streamed.flatMap(({ peer, layers, parts, sizeKiB }) => {
    const own = stages.filter((stage) => stage.peer === peer)
    if (own.length === 0) return []
    const all = own.reduce((sum, { start, end }) => sum + end - start, 0)
    const isWhole = parts === LAYER_PARTS * layers
    const of = `${isWhole ? '' : 'parts of '}${layers} of its ${all} layers`
    const what = `${of}, ${formatSize(sizeKiB * 1024)},`
    return [`${nameOf(peers, peer)} reads ${what} from disk for each token`]
  })
}

function boundText({ tokenMs, boundMs }: PlanPrediction): string {
  if (boundMs === 0) return 'ranges pinned by hand come first; no faster plan was looked for'
  if (boundMs >= tokenMs) return 'no other plan of these machines is faster'
  const percent = (100 * (tokenMs - boundMs)) / tokenMs
  return `no other plan of these machines saves more than ${percent.toFixed(1)} %`
}

/** What a change is worth, beside the plan as it is. */
export function comparedLine(now: PlanStatus, then: PlanStatus): string {
  const rate = ({ predicted }: PlanStatus) => predicted?.tokensPerSecond ?? 0
  if (rate(now) === 0 && rate(then) === 0) return 'neither now nor then is there a plan'
  if (rate(now) === 0) return `now nothing runs; then ${formatRate(rate(then))} tok/s`
  if (rate(then) === 0) return `now ${formatRate(rate(now))} tok/s; then nothing runs`
  const percent = 100 * (rate(then) / rate(now) - 1)
  const change = `${percent >= 0 ? '+' : ''}${percent.toFixed(0)} %`
  return `now ${formatRate(rate(now))} tok/s, then ${formatRate(rate(then))}: ${change}`
}

/** What the loss of each machine would mean: a line for each, and for each that would take over from it. */
function standbyLines(
  plan: PlanStatus,
  peers: readonly PlanName[],
  losses: ReadonlyMap<string, PlanStatus>
): string[] {
  return [...groupBy(plan.stages, ({ peer }) => peer)].flatMap(([peer, stages]) => {
    const heirs = groupBy(
      stages,
      (stage) => plan.standbys.find((one) => sameRange(one, stage))?.peer
    )
    return [...heirs].map(([heir, ranges]) => {
      const lost = `if ${nameOf(peers, peer)} goes:`
      const layers = `layers ${formatRanges(ranges)}`
      if (heir === undefined) return `${lost} ${withoutHeir(layers, losses.get(peer))}`
      return `${lost} ${nameOf(peers, heir)} takes over ${layers}${whenHeld(peers, heir, ranges)}`
    })
  })
}

function withoutHeir(layers: string, then: PlanStatus | undefined): string {
  if (then === undefined) return `nobody stands by for ${layers}`
  if (then.predicted === null) return `nobody takes over ${layers}, answers wait for who can`
  const disk = then.streamed.length > 0 ? ' with layers from disk' : ''
  const rate = formatRate(then.predicted.tokensPerSecond)
  return `nobody stands by for ${layers}, a new plan makes ${rate} tok/s${disk}`
}

/** Whether a standby could go on at once. */
function whenHeld(
  peers: readonly PlanName[],
  standby: string,
  ranges: readonly LayerRange[]
): string {
  const held = peers.find(({ key }) => key === standby)?.held
  if (held === undefined) return ''
  return containsAll(held, ranges) ? ': standby, loaded' : ': standby, not loaded yet'
}

function gapLines(plan: PlanStatus): string[] {
  if (plan.gap.length === 0) return []
  const missing = plan.gap.map((range) => formatLayers(range)).join(', ')
  return [`missing: layers ${missing}; a peer with room for them has to join`]
}

function leftOutLines(plan: PlanStatus, peers: readonly PlanName[]): string[] {
  return plan.leftOut.map(
    ({ peer, reason }) =>
      `left out: ${nameOf(peers, peer)} (${clip(peer, 8)}), ${clip(reason, 200)}`
  )
}

function nameOf(peers: readonly PlanName[], key: string): string {
  return clip(peers.find((peer) => peer.key === key)?.name ?? '?', 40)
}

/** a to z in the order in which a token meets the peers, then round again: neighbours still differ. */
function letterOf({ stages }: PlanStatus, index: number): string {
  const peers = [...new Set<string>(stages.map(({ peer }) => peer))]
  return String.fromCodePoint(97 + (peers.indexOf(stages[index]?.peer ?? '') % 26))
}
