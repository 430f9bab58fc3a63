// Where the time of an answer went, as text: a line of its own figures, a table of its hops with every
// part predicted beside measured, how the parts add up to what the origin's clock saw, and what cost most.
// Pure.

import { clip } from '../base/text.ts'
import { costliestSentence } from './costliest.ts'
import { plural } from './generation-view.ts'
import { dayTime } from './hit-view.ts'
import { renderTable } from './table.ts'
import { formatLayers } from './words.ts'

import type { HopReport, SessionReport } from '../api/service.ts'

const PARTS = ['compute', 'wire', 'queue'] as const
type PartName = (typeof PARTS)[number]

export function explainLines(report: SessionReport, width: number): string[] {
  return [headLine(report), speedLine(report), ...hopLines(report, width)]
}

/** What the parts of a token add up to beside what passed from token to token; null without hops. */
export function sumOfParts({ hops, nTokens, decodeMs }: SessionReport): {
  partsMs: number
  wallMs: number
  share: number
} | null {
  if (hops.length === 0) return null
  const partsMs = PARTS.reduce((sum, name) => sum + total(hops, name), 0)
  const wallMs = decodeMs / (nTokens - 1)
  return { partsMs, wallMs, share: wallMs > 0 ? partsMs / wallMs : 1 }
}

function headLine({ session, wallMs, model, nTokens, ...report }: SessionReport): string {
  const { promptTokens, cachedTokens } = report
  const cached = cachedTokens > 0 ? `, ${cachedTokens} of them cached` : ''
  const asked = `${plural(nTokens, 'token')} after a prompt of ${promptTokens}${cached}`
  return `session ${session.slice(0, 8)}, ${dayTime(wallMs)}, ${clip(model, 40)}: ${asked}`
}

function speedLine(report: SessionReport): string {
  const { tokensPerSecond, predictedTokensPerSecond, prefillMs, predictedFirstTokenMs } = report
  const rate = besideMeasured(tokensPerSecond, predictedTokensPerSecond, (value) =>
    value.toFixed(1)
  )
  const first = besideMeasured(prefillMs, predictedFirstTokenMs, shown)
  const speed = report.nTokens < 2 ? '' : `tok/s ${rate}; `
  return `${speed}ms to the first token ${first}`
}

/** `17.2, predicted 18.0 (+5 %)`: the percentage is how far the prediction was off. */
function besideMeasured(
  measured: number,
  predicted: number | null,
  show: (value: number) => string
): string {
  if (predicted === null) return show(measured)
  const percent = Math.round(100 * (predicted / measured - 1))
  const off = measured > 0 ? ` (${percent >= 0 ? '+' : ''}${percent} %)` : ''
  return `${show(measured)}, predicted ${show(predicted)}${off}`
}

function hopLines(report: SessionReport, width: number): string[] {
  const { hops, wireSplit } = report
  const sum = sumOfParts(report)
  if (sum === null) {
    const why = report.nTokens < 2 ? 'one token has no time between tokens' : 'a stage did not tell'
    return [`no parts: ${why}`]
  }
  const columns = [
    { title: 'peer' },
    { title: 'key' },
    { title: 'layers', align: 'right' as const },
    ...PARTS.flatMap((title) => [
      { title, align: 'right' as const },
      { title: 'plan', align: 'right' as const }
    ])
  ]
  const rows = hops.map((hop) => [
    clip(hop.name, 24),
    hop.peer.slice(0, 8),
    formatLayers(hop),
    ...PARTS.flatMap((name) => [shown(partOf(hop, name)), shown(predictedOf(hop, name))])
  ])
  const whole = PARTS.flatMap((name) => [
    shown(total(hops, name)),
    shown(predictedTotal(hops, name))
  ])
  const { partsMs, wallMs, share } = sum
  const split =
    wireSplit === 'links'
      ? 'its split among the hops follows their measured round trips'
      : 'its split among the hops is even, since not every link was measured'
  const most = costliestSentence(report)
  return [
    'ms per token, each part beside what the plan said of it:',
    ...renderTable(columns, [...rows, ['together', '', '', ...whole]], width),
    `parts ${shown(partsMs)} ms of ${shown(wallMs)} ms from token to token (${(100 * share).toFixed(1)} %)`,
    `the wire is what the stages leave of that time; ${split}`,
    ...(most === null ? [] : [most])
  ]
}

function partOf(hop: HopReport, name: PartName): number {
  return hop[`${name}Ms`]
}

function predictedOf({ predicted }: HopReport, name: PartName): number | null {
  return predicted && predicted[`${name}Ms`]
}

function total(hops: readonly HopReport[], name: PartName): number {
  return hops.reduce((sum, hop) => sum + partOf(hop, name), 0)
}

function predictedTotal(hops: readonly HopReport[], name: PartName): number | null {
  if (hops.some(({ predicted }) => predicted === null)) return null
  return hops.reduce((sum, hop) => sum + (predictedOf(hop, name) ?? 0), 0)
}

function shown(ms: number | null): string {
  return ms === null ? '-' : ms.toFixed(ms < 10 ? 2 : 1)
}
