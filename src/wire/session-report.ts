// Flow B, what one answer cost: measured beside predicted, per hop. The peer that was asked makes it,
// keeps the last ones and stores each as a line of JSON; the dashboard and `swarm explain` show it.
// A stored line is foreign input like any other: what does not fit is no report.

import {
  CONTEXT_TOKENS_MAX,
  LAYERS_MAX,
  MODEL_NAME_BYTES_MAX,
  PEER_NAME_BYTES_MAX,
  ROUTE_STAGES_MAX
} from '../base/limits.ts'

import type { HopParts, HopPrediction } from './generation.ts'

/** One stage and the way to the next one: means per token after the first. */
export interface HopReport extends HopParts {
  /** 64 hex digits. */
  peer: string
  /** What people called it then; foreign text. */
  name: string
  start: number
  end: number
  /** By the cost model when this route was chosen; null where it could not say. */
  predicted: HopPrediction | null
  /** Bytes of weights that a token reads there; null without the model. */
  weightBytes: number | null
}

export interface SessionReport {
  /** 32 hex digits. */
  session: string
  /** When it ended, by this machine's clock. */
  wallMs: number
  /** Name of the model; foreign text. */
  model: string
  promptTokens: number
  /** Of the prompt, what was in the caches already. */
  cachedTokens: number
  nTokens: number
  /** From the first chunk of the prompt to the first token. */
  prefillMs: number
  predictedFirstTokenMs: number | null
  /** From the first token to the last. */
  decodeMs: number
  tokensPerSecond: number
  predictedTokensPerSecond: number | null
  /** How the wire, whose sum is exact, was split: by the measured delays of the links, or evenly. */
  wireSplit: 'links' | 'even'
  /** Empty when a stage did not tell, or there was no second token. */
  hops: HopReport[]
}

type Check = (value: unknown) => boolean

const MS_MAX = Number.MAX_SAFE_INTEGER

const isText =
  (charsMax: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= charsMax
const isHex =
  (digits: number): Check =>
  (value) =>
    typeof value === 'string' && value.length === digits && /^[0-9a-f]*$/.test(value)
const isNumber =
  (most: number): Check =>
  (value) =>
    typeof value === 'number' && value >= 0 && value <= most
const isWhole =
  (most: number): Check =>
  (value) =>
    Number.isInteger(value) && isNumber(most)(value)
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const isListOf =
  (check: Check, lengthMax: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= lengthMax && value.every((one) => check(one))
const isShape =
  (fields: Record<string, Check>): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null) return false
    const given = value as Record<string, unknown>
    return Object.entries(fields).every(([name, check]) => check(given[name]))
  }

const PARTS = {
  computeMs: isNumber(MS_MAX),
  wireMs: isNumber(MS_MAX),
  queueMs: isNumber(MS_MAX)
}

const HOP = {
  ...PARTS,
  peer: isHex(64),
  name: isText(PEER_NAME_BYTES_MAX),
  start: isWhole(LAYERS_MAX),
  end: isWhole(LAYERS_MAX),
  predicted: orNull(isShape({ ...PARTS, layersOnDisk: orAbsent(isWhole(LAYERS_MAX)) })),
  weightBytes: orNull(isNumber(Number.MAX_SAFE_INTEGER))
} satisfies Record<keyof HopReport, Check>

const isReport = isShape({
  session: isHex(32),
  wallMs: isNumber(Number.MAX_SAFE_INTEGER),
  model: isText(MODEL_NAME_BYTES_MAX),
  promptTokens: isWhole(CONTEXT_TOKENS_MAX),
  cachedTokens: isWhole(CONTEXT_TOKENS_MAX),
  nTokens: isWhole(CONTEXT_TOKENS_MAX),
  prefillMs: isNumber(MS_MAX),
  predictedFirstTokenMs: orNull(isNumber(MS_MAX)),
  decodeMs: isNumber(MS_MAX),
  tokensPerSecond: isNumber(Number.MAX_SAFE_INTEGER),
  predictedTokensPerSecond: orNull(isNumber(Number.MAX_SAFE_INTEGER)),
  wireSplit: (value) => value === 'links' || value === 'even',
  hops: isListOf(isShape(HOP), ROUTE_STAGES_MAX)
} satisfies Record<keyof SessionReport, Check>)

/** One line of the file, without its end. */
export function formatReport(report: SessionReport): string {
  return JSON.stringify(report)
}

/** @returns null when the line is no report. */
export function parseReport(line: string): SessionReport | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  return isReport(value) ? (value as SessionReport) : null
}
