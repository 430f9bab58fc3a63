// Seeded session messages of every type, within the protocol's bounds and often exactly at them.
// Their spread is tested in test/wire/session-codec.test.ts.

import {
  CHUNK_TOKENS_MAX,
  CONTEXT_TOKENS_MAX,
  LAYERS_MAX,
  LOGIT_BIAS_MAX,
  ROUTE_STAGES_MAX,
  SAMPLING_VALUE_MAX,
  STOP_IDS_MAX,
  VOCAB_MAX
} from '../../src/base/limits.ts'
import { below, unit, type Random } from '../../src/base/random.ts'
import { toHex } from '../../src/base/text.ts'
import { peerIdOf, sessionIdOf } from '../../src/wire/ids.ts'
import { KV_TYPES } from '../../src/wire/session.ts'

import type {
  OpenMessage,
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
  'failed'
] as const

const TEXTS = ['', 'no room', 'naïve 🐶 text', '\u0000\u001b[31m', 'x'.repeat(2048)]
const CODES = ['STAGE_FULL', 'PEER_GONE', 'X', 'A'.repeat(40)]

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
    positionEnd
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
      const payload = random.bytes(nTokens * dim * 4)
      const sample = below(random, 2) === 1
      const way = { index: between(random, 1, stop), stop }
      return { type, session, epoch, ...way, position, nTokens, dim, sample, payload }
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
        position: between(random, 0, CONTEXT_TOKENS_MAX),
        id: between(random, 0, VOCAB_MAX - 1),
        finish: pick(random, ['none', 'stop', 'length']),
        logitsHash: toHex(random.bytes(8))
      }
    case 'close':
      return { type, session }
    case 'closed':
      return { type, session, index, stats: stats(random) }
    case 'failed':
      return {
        type,
        session,
        epoch,
        peer: below(random, 2) === 1 ? peerIdOf(random.bytes(32)) : null,
        code: pick(random, CODES),
        text: pick(random, TEXTS)
      }
  }
}
