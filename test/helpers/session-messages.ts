// Seeded session messages of every type, within the protocol's bounds and often exactly at them.
// Their spread is tested in test/wire/session-codec.test.ts.

import { SwarmError } from '../../src/base/errors.ts'
import {
  CHUNK_TOKENS_MAX,
  CONTEXT_TOKENS_MAX,
  DRAFT_TOKENS_MAX,
  LAYERS_MAX,
  LOG_CHUNK_IDS_MAX,
  LOGIT_BIAS_MAX,
  PEERS_MAX,
  ROUTE_STAGES_MAX,
  SAMPLING_VALUE_MAX,
  SESSIONS_MAX,
  STOP_IDS_MAX,
  STOP_TEXTS_MAX,
  VOCAB_MAX
} from '../../src/base/limits.ts'
import { below, seededRandom, unit, type Random } from '../../src/base/random.ts'
import { toHex } from '../../src/base/text.ts'
import { activationBytes, COMPANY_MAX, decodeSessionMessage } from '../../src/wire/session-codec.ts'
import { peerIdOf, sessionIdOf } from '../../src/wire/ids.ts'
import { KV_TYPES, SESSION_STATES } from '../../src/wire/session.ts'

import type { SessionId } from '../../src/wire/ids.ts'
import type {
  CloseMessage,
  ListedSession,
  OpenMessage,
  Place,
  RouteStage,
  Sampling,
  SessionMessage,
  StageStats
} from '../../src/wire/session.ts'

export const MESSAGE_TYPES = [
  'open',
  'opened',
  'ids',
  'audit',
  'audited',
  'activation',
  'progress',
  'token',
  'close',
  'closed',
  'failed',
  'sampled',
  'replay',
  'log',
  'recall',
  'recalled',
  'list',
  'listed',
  'save',
  'saved',
  'warm'
] as const

const TEXTS = ['', 'no room', 'naïve 🐶 text', '\u0000\u001b[31m', 'x'.repeat(2048)]
const CODES = ['STAGE_FULL', 'PEER_GONE', 'X', 'A'.repeat(40)]

/** A small message that is told from others by its number. */
export function closeMessage(index: number): CloseMessage {
  const session = index.toString(16).padStart(32, '0') as SessionId
  return { type: 'close', session, epoch: 1, isReleased: false }
}

/** A whole number from least to most; the two ends come up often. */
export function between(random: Random, least: number, most: number): number {
  const choice = below(random, 8)
  if (choice === 0) return least
  if (choice === 1) return most
  return least + below(random, most - least + 1)
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)] as T
}

function place(random: Random): Place {
  return { ticket: between(random, 1, 2 ** 32 - 1), before: between(random, 0, PEERS_MAX) }
}

function hash(random: Random): string {
  return toHex(random.bytes(32))
}

function real(random: Random, least: number, most: number): number {
  const choice = below(random, 6)
  if (choice === 0) return least
  if (choice === 1) return most
  return least + unit(random) * (most - least)
}

function route(random: Random): RouteStage[] {
  const stages: RouteStage[] = []
  const count = between(random, 1, ROUTE_STAGES_MAX)
  let start = 0
  for (let left = count; left > 0; left--) {
    const end = between(random, start + 1, LAYERS_MAX - left + 1)
    stages.push({ peer: peerIdOf(random.bytes(32)), start, end })
    start = end
  }
  return stages
}

function sampling(random: Random): Sampling {
  return {
    temperature: real(random, 0, SAMPLING_VALUE_MAX),
    topK: between(random, 0, VOCAB_MAX),
    topP: real(random, 0, 1),
    minP: real(random, 0, 1),
    presencePenalty: real(random, -SAMPLING_VALUE_MAX, SAMPLING_VALUE_MAX),
    frequencyPenalty: real(random, -2, 2),
    seed: random.uint32() * 2 ** 21 + below(random, 2 ** 21),
    bias: Array.from({ length: between(random, 0, LOGIT_BIAS_MAX) }, () => ({
      id: between(random, 0, VOCAB_MAX - 1),
      value: real(random, -100, 100)
    }))
  }
}

function open(random: Random): OpenMessage {
  const stages = route(random)
  const contextTokens = between(random, 1, CONTEXT_TOKENS_MAX)
  const positionEnd = between(random, 1, contextTokens)
  const position = between(random, 0, positionEnd - 1)
  const tokens = between(random, 0, positionEnd - 1)
  const hasPrefix = position === 0 && below(random, 2) === 0
  return {
    type: 'open',
    session: sessionIdOf(random.bytes(16)),
    epoch: between(random, 1, 2 ** 32 - 1),
    sinceEpoch: between(random, 0, 2 ** 32 - 1),
    sampledTokens: between(random, 0, CONTEXT_TOKENS_MAX),
    position,
    prefix: hasPrefix ? { session: sessionIdOf(random.bytes(16)), tokens } : null,
    isReusable: below(random, 2) === 1,
    isAudited: below(random, 2) === 1,
    index: between(random, 0, stages.length - 1),
    route: stages,
    modelId: hash(random),
    planHash: hash(random),
    viewHash: hash(random),
    arithmeticVersion: between(random, 0, 2 ** 32 - 1),
    contextTokens,
    kvType: pick(random, KV_TYPES),
    sampling: sampling(random),
    logitsHash: toHex(random.bytes(8)),
    stopIds: Array.from({ length: between(random, 0, STOP_IDS_MAX) }, () =>
      between(random, 0, VOCAB_MAX - 1)
    ),
    positionEnd,
    speculates: below(random, 2) === 1,
    isWarmUp: below(random, 2) === 1,
    ticket: between(random, 0, 2 ** 32 - 1)
  }
}

function stats(random: Random): StageStats {
  return {
    prefillTokens: between(random, 0, 2 ** 32 - 1),
    prefillComputeUs: random.uint32() * 2 ** 21,
    prefillQueueUs: random.uint32(),
    decodeTokens: between(random, 0, 2 ** 32 - 1),
    decodeComputeUs: between(random, 0, 2 ** 31),
    decodeQueueUs: pick(random, [0, Number.MAX_SAFE_INTEGER, random.uint32()])
  }
}

function logPart(random: Random) {
  const ids = Int32Array.from(
    { length: between(random, 1, below(random, 4) === 0 ? LOG_CHUNK_IDS_MAX : 40) },
    () => between(random, 0, VOCAB_MAX - 1)
  )
  const endTokens = between(random, ids.length, CONTEXT_TOKENS_MAX)
  const stops = Array.from({ length: between(random, 0, STOP_TEXTS_MAX) }, () =>
    pick(random, ['', '\n\n', 'END', '🐶', 'x'.repeat(256)])
  )
  return {
    promptTokens: between(random, 1, endTokens),
    endTokens,
    logitsHash: toHex(random.bytes(8)),
    stops,
    isAtStart: below(random, 2) === 1,
    position: between(random, 0, endTokens - ids.length),
    ids
  }
}

function listed(random: Random): ListedSession {
  return {
    session: sessionIdOf(random.bytes(16)),
    origin: peerIdOf(random.bytes(32)),
    epoch: between(random, 1, 2 ** 32 - 1),
    state: pick(random, SESSION_STATES),
    modelId: hash(random),
    promptTokens: between(random, 1, CONTEXT_TOKENS_MAX),
    tokens: between(random, 0, CONTEXT_TOKENS_MAX),
    ageMs: random.uint32()
  }
}

export function randomMessage(
  random: Random,
  type: SessionMessage['type'] = pick(random, MESSAGE_TYPES)
): SessionMessage {
  const session = sessionIdOf(random.bytes(16))
  const epoch = between(random, 1, 2 ** 32 - 1)
  const index = between(random, 0, ROUTE_STAGES_MAX - 1)
  const stop = between(random, 1, ROUTE_STAGES_MAX - 1)
  switch (type) {
    case 'open':
      return open(random)
    case 'opened': {
      const cachedTokens = between(random, 0, CONTEXT_TOKENS_MAX)
      const keptEnd = between(random, 0, cachedTokens)
      const kept = { keptStart: between(random, 0, keptEnd), keptEnd }
      return { type, session, epoch, index, cachedTokens, ...kept, stats: stats(random) }
    }
    case 'sampled': {
      const length = between(random, 1, CHUNK_TOKENS_MAX)
      const ids = Int32Array.from({ length }, () => between(random, 0, VOCAB_MAX - 1))
      return { type, session, epoch, ids }
    }
    case 'replay': {
      const nTokens = between(random, 1, CHUNK_TOKENS_MAX)
      const position = between(random, 0, CONTEXT_TOKENS_MAX - nTokens)
      const way = { index: between(random, 0, stop - 1), stop }
      return { type, session, epoch, ...way, position, end: position + nTokens }
    }
    case 'warm': {
      const nTokens = between(random, 1, CHUNK_TOKENS_MAX)
      const position = between(random, 0, CONTEXT_TOKENS_MAX - nTokens)
      const toEpoch = between(random, 1, 2 ** 32 - 1)
      const way = {
        to: peerIdOf(random.bytes(32)),
        toEpoch,
        toIndex: between(random, 0, stop),
        stop
      }
      return { type, session, epoch, index, ...way, position, end: position + nTokens }
    }
    case 'ids': {
      const ids = Int32Array.from({ length: between(random, 1, CHUNK_TOKENS_MAX) }, () =>
        between(random, 0, VOCAB_MAX - 1)
      )
      const position = between(random, 0, CONTEXT_TOKENS_MAX - ids.length)
      return { type, session, epoch, stop, position, sample: below(random, 2) === 1, ids }
    }
    case 'activation': {
      const nTokens = between(random, 1, 16)
      const dim = between(random, 1, 64)
      const position = between(random, 0, CONTEXT_TOKENS_MAX - nTokens)
      const sample = below(random, 2) === 1
      const drafted = sample && nTokens > 1 && below(random, 2) === 1
      const payload = random.bytes(activationBytes({ nTokens, dim, drafted }))
      const way = { index: between(random, 1, stop), stop, company: below(random, COMPANY_MAX + 1) }
      return { type, session, epoch, ...way, position, nTokens, dim, sample, drafted, payload }
    }
    case 'audit':
      return { type, session, epoch, index, position: between(random, 0, CONTEXT_TOKENS_MAX) }
    case 'audited': {
      const position = between(random, 0, CONTEXT_TOKENS_MAX)
      return { type, session, epoch, index, position, input: hash(random), output: hash(random) }
    }
    case 'progress':
      return { type, session, epoch, index, position: between(random, 0, CONTEXT_TOKENS_MAX) }
    case 'token':
      return {
        type,
        session,
        epoch,
        position: between(random, 0, CONTEXT_TOKENS_MAX - DRAFT_TOKENS_MAX),
        finish: pick(random, ['none', 'stop', 'length']),
        tokens: Array.from({ length: between(random, 1, 1 + DRAFT_TOKENS_MAX) }, () => ({
          id: between(random, 0, VOCAB_MAX - 1),
          logitsHash: toHex(random.bytes(8))
        }))
      }
    case 'close':
      return { type, session, epoch, isReleased: below(random, 2) === 1 }
    case 'log':
      return { type, session, epoch, ...logPart(random) }
    case 'recall':
      return { type, session, position: between(random, 0, CONTEXT_TOKENS_MAX) }
    case 'recalled': {
      const { type: _, epoch: __, position: ___, index: ____, ...terms } = open(random)
      const {
        prefix: _p,
        isReusable: _r,
        logitsHash: _l,
        sinceEpoch: _s,
        sampledTokens: _t,
        speculates: _d,
        isWarmUp: _w,
        ticket: _k,
        isAudited: _a,
        ...kept
      } = terms
      return { type, ...kept, session, ...logPart(random) }
    }
    case 'list':
      return { type }
    case 'listed':
      return {
        type,
        sessions: Array.from({ length: between(random, 0, SESSIONS_MAX) }, () => listed(random))
      }
    case 'closed':
      return { type, session, index, stats: stats(random) }
    case 'save': {
      const name = sessionIdOf(random.bytes(16))
      return { type, session, epoch, index, name, tokens: between(random, 1, CONTEXT_TOKENS_MAX) }
    }
    case 'saved': {
      const name = sessionIdOf(random.bytes(16))
      const tokens = between(random, 0, CONTEXT_TOKENS_MAX)
      return { type, session, index, name, tokens, text: tokens > 0 ? '' : 'the disk is full' }
    }
    case 'failed':
      return {
        type,
        session,
        epoch,
        peer: below(random, 2) === 1 ? peerIdOf(random.bytes(32)) : null,
        place: below(random, 2) === 1 ? place(random) : null,
        code: pick(random, CODES),
        text: pick(random, TEXTS)
      }
  }
}

/** The message of one type. */
export type Of<T extends SessionMessage['type']> = Extract<SessionMessage, { type: T }>

export function sample<T extends SessionMessage['type']>(type: T, seed = 1): Of<T> {
  return randomMessage(seededRandom(seed), type) as Of<T>
}

/** The code of the error that decoding throws; null when it does not throw. */
export function refusal(frame: Uint8Array): string | null {
  try {
    decodeSessionMessage(frame)
    return null
  } catch (error) {
    return error instanceof SwarmError ? error.code : String(error)
  }
}
