// SwarmError -> HTTP: status, headers and OpenAI's error body. The code decides, as everywhere. Says
// when a retry is useless: OpenAI's clients otherwise ask three times before they show the error.

import { SwarmError, type ErrorCode } from '../base/errors.ts'
import { clip } from '../base/text.ts'

export interface HttpError {
  status: number
  headers: Record<string, string>
  body: { error: ErrorBody }
}

export interface ErrorBody {
  message: string
  type: string
  param: string | null
  code: string
}

/** Longest error text that is sent: one sentence, with room for a path. */
const MESSAGE_CHARS_MAX = 1000

const STATUS: Partial<Record<ErrorCode, number>> = {
  USAGE_UNKNOWN_MODEL: 404,
  USAGE_UNKNOWN_ROUTE: 404,
  USAGE_BAD_METHOD: 405,
  USAGE_CONTENT_TYPE: 415,
  USAGE_TOO_LARGE: 413,
  USAGE_TOO_SLOW: 408,
  USAGE_FORBIDDEN: 403,
  STAGE_NOT_FINITE: 500
}

// Seconds after which another try may well succeed. The rest waits for a person.
const RETRY_AFTER_S: Partial<Record<ErrorCode, number>> = {
  PEER_BUSY: 1,
  PEER_GONE: 1,
  PEER_TIMEOUT: 1,
  STAGE_FULL: 2,
  STAGE_NOT_LOADED: 2,
  STAGE_UNKNOWN_SESSION: 1,
  STAGE_POSITION_GAP: 1
}
// Machines come and layers load in their own time: worth telling a person, useless to hammer.
const PLAN_RETRY_AFTER_S = 10

// The names that OpenAI's clients look for.
const OPENAI_CODE: Partial<Record<ErrorCode, string>> = {
  USAGE_PROMPT_TOO_LONG: 'context_length_exceeded',
  USAGE_UNKNOWN_MODEL: 'model_not_found'
}

/**
 * @param openai whether codes are spelled as OpenAI's clients know them; the control routes keep ours.
 */
export function httpErrorOf(error: unknown, openai: boolean): HttpError {
  const status = statusOf(error)
  const headers: Record<string, string> = {}
  if (error instanceof SwarmError && status >= 500) {
    const afterS = error.family === 'PLAN' ? PLAN_RETRY_AFTER_S : RETRY_AFTER_S[error.code]
    if (afterS !== undefined) headers['retry-after'] = String(afterS)
    if (RETRY_AFTER_S[error.code] === undefined) headers['x-should-retry'] = 'false'
  } else if (status >= 500) headers['x-should-retry'] = 'false'
  return { status, headers, body: { error: errorBody(error, openai) } }
}

export function errorBody(error: unknown, openai: boolean): ErrorBody {
  const status = statusOf(error)
  const type =
    status === 503
      ? 'service_unavailable'
      : status === 500
        ? 'server_error'
        : 'invalid_request_error'
  if (!(error instanceof SwarmError)) {
    const message = 'the peer failed inside; its log has the cause'
    return { message, type, param: null, code: 'INTERNAL' }
  }
  return {
    message: clip(error.message, MESSAGE_CHARS_MAX),
    type,
    param: error.param,
    code: (openai ? OPENAI_CODE[error.code] : undefined) ?? error.code
  }
}

function statusOf(error: unknown): number {
  if (!(error instanceof SwarmError)) return 500
  const own = STATUS[error.code]
  if (own !== undefined) return own
  switch (error.family) {
    case 'USAGE':
      return 400
    case 'PEER':
    case 'PLAN':
    case 'STAGE':
      return 503
    case 'MODEL':
    case 'WIRE':
    case 'NATIVE':
    case 'STORE':
      return 500
  }
}
