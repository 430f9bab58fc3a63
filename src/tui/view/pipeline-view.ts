// Screen 2: where the time of a token goes, per hop: compute, wire and queue as the last answer measured
// them, beside what the plan predicted. Before the first answer there are only predictions. Pure.

import { foreign } from '../foreign.ts'
import * as format from '../format.ts'
import { fit, heading, row, span, type Row } from '../style.ts'
import { sparkline } from './sparkline.ts'

import type { HopReport } from '../../wire/session-report.ts'
import type { TopPlan, TopSnapshot } from '../../wire/top.ts'
import type { Model } from '../model.ts'

/** What one row of the table says; null is not known. */
interface HopFigures {
  peer: string
  layers: string
  computeMs: number | null
  wireMs: number | null
  queueMs: number | null
  predicted: { computeMs: number; wireMs: number } | null
}

export function pipelineView(model: Model, width: number, height: number): Row[] {
  const snapshot = model.snapshot as TopSnapshot
  const { generation, plan, history } = snapshot
  const hops =
    generation !== null && generation.hops.length > 0 ? measured(generation.hops) : planned(plan)
  if (hops.length === 0) {
    return [heading('PIPELINE', width), row(' there is no plan that covers all layers yet')]
  }
  const shown = hops.slice(0, Math.max(1, height - 9))
  return [
    heading(`PIPELINE, ms per token, ${basis(snapshot)}`, width),
    row(titles(width), 'faint'),
    ...shown.map((hop) => hopRow(hop, snapshot, hops, width)),
    ...(shown.length < hops.length ? [row(` ... and ${hops.length - shown.length} more`)] : []),
    row(''),
    ...totals(hops, snapshot),
    row(''),
    row(
      ` tokens/s of the last ${history.length} s, highest ${format.formatCount(Math.max(0, ...history))}`,
      'faint'
    ),
    row(` ${sparkline(history, width - 2, model.graphFromZero)}`)
  ]
}

function measured(hops: readonly HopReport[]): HopFigures[] {
  return hops.map(({ peer, start, end, computeMs, wireMs, queueMs, predicted }) => {
    return {
      peer,
      layers: format.formatLayers({ start, end }),
      computeMs,
      wireMs,
      queueMs,
      predicted
    }
  })
}

function planned(plan: TopPlan | null): HopFigures[] {
  return (plan?.stages ?? []).map(({ peer, start, end, computeMs }, _, stages) => ({
    peer,
    layers: format.formatLayers({ start, end }),
    computeMs: null,
    wireMs: null,
    queueMs: null,
    predicted: { computeMs, wireMs: (plan?.hopMs ?? 0) / stages.length }
  }))
}

function basis({ generation }: TopSnapshot): string {
  if (generation === null) return 'nothing measured yet'
  const { nTokens, wallMs, hops } = generation
  if (hops.length === 0) return 'a stage of the last answer did not tell'
  return `${nTokens} tokens of ${format.formatTime(wallMs)}`
}

const NAME_WIDTH = 12
const FIXED_WIDTH = NAME_WIDTH + 58

function titles(width: number): string {
  const bar = ' '.repeat(barWidth(width))
  return (
    ` ${fit('peer', NAME_WIDTH)} ${fit('layers', 7, 'right')} ${fit('compute', 8, 'right')} ` +
    `${fit('predicted', 10, 'right')} ${bar} ${fit('wire', 6, 'right')} ${fit('predicted', 10, 'right')} ` +
    `${fit('queue', 6, 'right')}`
  )
}

function barWidth(width: number): number {
  return Math.max(0, Math.min(40, width - FIXED_WIDTH))
}

function hopRow(
  hop: HopFigures,
  snapshot: TopSnapshot,
  all: readonly HopFigures[],
  width: number
): Row {
  const { computeMs, wireMs, queueMs, predicted } = hop
  const name = format.nameOf(snapshot, hop.peer)
  const longest = Math.max(
    ...all.map(({ computeMs, predicted }) => computeMs ?? predicted?.computeMs ?? 0)
  )
  const share = longest > 0 ? (computeMs ?? predicted?.computeMs ?? 0) / longest : 0
  const cells = barWidth(width)
  return [
    span(` ${fit(name, NAME_WIDTH)} ${fit(hop.layers, 7, 'right')} `),
    span(`${fit(shownMs(computeMs), 8, 'right')} `, 'strong'),
    span(
      `${fit(format.formatEstimate(predicted?.computeMs ?? null, format.formatMs), 10, 'right')} `,
      'faint'
    ),
    span(cells > 0 ? `${format.bar(share, cells)} ` : ' ', computeMs === null ? 'faint' : 'good'),
    span(`${fit(shownMs(wireMs), 6, 'right')} `, 'strong'),
    span(
      `${fit(format.formatEstimate(predicted?.wireMs ?? null, format.formatMs), 10, 'right')} `,
      'faint'
    ),
    span(fit(shownMs(queueMs), 6, 'right'))
  ]
}

function totals(hops: readonly HopFigures[], snapshot: TopSnapshot): Row[] {
  const { generation, plan } = snapshot
  const sum = (of: (hop: HopFigures) => number | null) =>
    hops.reduce((total, hop) => total + (of(hop) ?? 0), 0)
  const parts: [string, number][] = [
    ['compute', sum(({ computeMs }) => computeMs)],
    ['wire', sum(({ wireMs }) => wireMs)],
    ['queue', sum(({ queueMs }) => queueMs)]
  ]
  const total = parts.reduce((all, [, part]) => all + part, 0)
  const isMeasured = generation !== null && generation.hops.length > 0
  const rate = isMeasured ? generation.predictedTokensPerSecond : (plan?.tokensPerSecond ?? null)
  const predicted = `predicted ${format.formatEstimate(rate, format.formatCount)}`
  if (!isMeasured) return [row(` total - ms, - tok/s, ${predicted}`)]
  const shares = parts.map(
    ([name, part]) =>
      `${name} ${format.formatMs(part)} (${total > 0 ? Math.round((100 * part) / total) : 0} %)`
  )
  const { promptTokens, prefillMs, tokensPerSecond } = generation
  return [
    row(` total ${format.formatMs(total)} ms: ${shares.join(', ')}`),
    row(
      ` ${format.formatCount(tokensPerSecond)} tok/s, ${predicted}; ` +
        `prompt of ${promptTokens} tokens in ${(prefillMs / 1000).toFixed(2)} s`
    ),
    row(` longest: ${foreign(longestPart(hops, snapshot))}`, 'strong')
  ]
}

/** Where a faster machine or cable would help most. */
function longestPart(hops: readonly HopFigures[], snapshot: TopSnapshot): string {
  const parts = hops.flatMap(({ peer, computeMs, wireMs, queueMs }) => [
    { what: `${format.nameOf(snapshot, peer)} compute`, ms: computeMs ?? 0 },
    { what: `${format.nameOf(snapshot, peer)} wire`, ms: wireMs ?? 0 },
    { what: `${format.nameOf(snapshot, peer)} queue`, ms: queueMs ?? 0 }
  ])
  const longest = parts.reduce((a, b) => (b.ms > a.ms ? b : a))
  return `${longest.what}, ${format.formatMs(longest.ms)} ms`
}

function shownMs(ms: number | null): string {
  return ms === null ? format.UNKNOWN : format.formatMs(ms)
}
