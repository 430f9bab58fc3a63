// Every session message but the activation, field by field in the order of its bytes. The tables are
// the protocol: reading one shows what is on the wire, how wide, and within which bounds.

import * as c from 'compact-encoding'

import {
  CHUNK_TOKENS_MAX,
  CONTEXT_TOKENS_MAX,
  DRAFT_TOKENS_MAX,
  ERROR_CODE_CHARS_MAX,
  ERROR_TEXT_BYTES_MAX,
  LAYERS_MAX,
  LOG_CHUNK_IDS_MAX,
  LOGIT_BIAS_MAX,
  ROUTE_STAGES_MAX,
  SAMPLING_VALUE_MAX,
  SESSIONS_MAX,
  STOP_IDS_MAX,
  STOP_TEXTS_MAX,
  STOP_TEXT_CHARS_MAX,
  VOCAB_MAX
} from '../base/limits.ts'
import * as f from './fields.ts'
import { KV_TYPES, SESSION_STATES } from './session.ts'

import type { PeerId, SessionId } from './ids.ts'
import type {
  ActivationMessage,
  ClosedMessage,
  CloseMessage,
  FailedMessage,
  IdsMessage,
  ListedMessage,
  ListedSession,
  ListMessage,
  LogHead,
  LogMessage,
  OpenedMessage,
  OpenMessage,
  OpenPrefix,
  ProgressMessage,
  RecalledMessage,
  RecallMessage,
  ReplayMessage,
  RouteStage,
  SampledMessage,
  SampledToken,
  Sampling,
  SavedMessage,
  SaveMessage,
  SessionMessage,
  StageStats,
  TokenMessage
} from './session.ts'
import type { Bodies } from './whole-message.ts'

export const U32_MAX = 2 ** 32 - 1

const session = f.hex<SessionId>(16, 'the session id')
const epoch = f.whole(4, 1, U32_MAX, 'the epoch')
const position = f.whole(4, 0, CONTEXT_TOKENS_MAX, 'the position')
const index = f.whole(1, 0, ROUTE_STAGES_MAX - 1, 'the index in the route')
const tokenId = f.whole(4, 0, VOCAB_MAX - 1, 'the token id')
const hash = f.hex<string>(32, 'the hash')
const stop = f.whole(1, 0, ROUTE_STAGES_MAX - 1, 'the last stage of a chunk')
const logitsHash = f.hex<string>(8, 'the logits hash')
const peer = f.hex<PeerId>(32, 'the peer key')
const count = f.whole(4, 0, U32_MAX, 'the count of tokens')
const micros = f.whole(8, 0, Number.MAX_SAFE_INTEGER, 'the time in microseconds')
const penalty = f.finite(-SAMPLING_VALUE_MAX, SAMPLING_VALUE_MAX, 'the penalty or bias')

const sampling = f.struct<Sampling>({
  temperature: f.finite(0, SAMPLING_VALUE_MAX, 'the temperature'),
  topK: f.whole(4, 0, VOCAB_MAX, 'topK'),
  topP: f.finite(0, 1, 'topP'),
  minP: f.finite(0, 1, 'minP'),
  presencePenalty: penalty,
  frequencyPenalty: penalty,
  seed: f.whole(8, 0, Number.MAX_SAFE_INTEGER, 'the seed'),
  bias: f.list(f.struct({ id: tokenId, value: penalty }), 0, LOGIT_BIAS_MAX, 'logit biases')
})

const route = f.checked(
  f.list(
    f.struct<RouteStage>({
      peer,
      start: f.whole(2, 0, LAYERS_MAX - 1, 'the first layer'),
      end: f.whole(2, 1, LAYERS_MAX, 'the layer after the last')
    }),
    1,
    ROUTE_STAGES_MAX,
    'stages of the route'
  ),
  (stages) => {
    let next = 0
    for (const { start, end } of stages) {
      if (start !== next || start >= end) {
        throw f.badFrame(`the route has layers [${start}, ${end}) where layer ${next} must follow`)
      }
      next = end
    }
  },
  'each begins where the one before ends, the first at 0'
)

/** Of a session, whoever opens it. */
const terms = {
  route,
  modelId: hash,
  planHash: hash,
  viewHash: hash,
  arithmeticVersion: f.whole(4, 0, U32_MAX, 'the arithmetic version'),
  contextTokens: f.whole(4, 1, CONTEXT_TOKENS_MAX, 'the context'),
  kvType: f.oneOf(KV_TYPES, 'the KV type'),
  sampling,
  stopIds: f.list(tokenId, 0, STOP_IDS_MAX, 'stop ids'),
  positionEnd: f.whole(4, 1, CONTEXT_TOKENS_MAX, 'the end position')
}

const open = f.checked(
  f.struct<Omit<OpenMessage, 'type'>>({
    session,
    epoch,
    sinceEpoch: f.whole(4, 0, U32_MAX, 'the oldest epoch'),
    position,
    index,
    route: terms.route,
    modelId: hash,
    planHash: hash,
    viewHash: hash,
    prefix: f.optional(f.struct<OpenPrefix>({ session, tokens: position }), 'the prefix'),
    isReusable: f.flag('whether the cache is reusable'),
    arithmeticVersion: terms.arithmeticVersion,
    contextTokens: terms.contextTokens,
    kvType: terms.kvType,
    sampling,
    logitsHash,
    sampledTokens: f.whole(4, 0, CONTEXT_TOKENS_MAX, 'the sampled tokens'),
    stopIds: terms.stopIds,
    positionEnd: terms.positionEnd,
    speculates: f.flag('whether it speculates')
  }),
  (message) => {
    const { index, route, position, prefix, positionEnd, contextTokens } = message
    if (index >= route.length) {
      throw f.badFrame(`stage ${index} is not one of the ${route.length} of the route`)
    }
    const positions = `positions ${position} to ${positionEnd}`
    if (position >= positionEnd || positionEnd > contextTokens) {
      throw f.badFrame(`${positions} do not fit a context of ${contextTokens}`)
    }
    if (prefix !== null && (position > 0 || prefix.tokens >= positionEnd)) {
      throw f.badFrame(`a prefix of ${prefix.tokens} positions does not fit ${positions}`)
    }
  }
)

/** (count,) int32 little-endian after a count in two bytes. */
function idList(most: number): f.Field<Int32Array> {
  const check = (length: number) => {
    f.refuseAbove(length, most, 'the ids of a chunk')
    if (length === 0) throw f.badFrame('a chunk has no ids')
  }
  return {
    layout: {
      size: '2',
      reads: `count of what follows, 1 to ${most}`,
      parts: [['[]', tokenId.layout]]
    },
    preencode(state, values) {
      state.end += 2 + 4 * values.length
    },
    encode(state, values) {
      check(values.length)
      c.uint16.encode(state, values.length)
      for (const id of values) tokenId.encode(state, id)
    },
    decode(state) {
      const length = c.uint16.decode(state)
      check(length)
      const values = new Int32Array(length)
      for (let i = 0; i < length; i++) values[i] = tokenId.decode(state)
      return values
    }
  }
}

const ids = idList(CHUNK_TOKENS_MAX)

const code = f.checked(
  f.text(ERROR_CODE_CHARS_MAX, 'the error code'),
  (value) => {
    if (/^[A-Z][A-Z0-9_]*$/.test(value)) return
    throw f.badFrame('an error code is made of capitals, digits and _')
  },
  'capitals, digits and _'
)

const stats = f.struct<StageStats>({
  prefillTokens: count,
  prefillComputeUs: micros,
  prefillQueueUs: micros,
  decodeTokens: count,
  decodeComputeUs: micros,
  decodeQueueUs: micros
})

const opened = f.checked(
  f.struct<Omit<OpenedMessage, 'type'>>({
    session,
    epoch,
    index,
    cachedTokens: position,
    keptStart: position,
    keptEnd: position,
    stats
  }),
  ({ cachedTokens, keptStart, keptEnd }) => {
    if (keptStart <= keptEnd && keptEnd <= cachedTokens) return
    throw f.badFrame(`outputs ${keptStart} to ${keptEnd} of ${cachedTokens} positions`)
  }
)

const sampled = f.struct<Omit<SampledMessage, 'type'>>({ session, epoch, ids })

const idsMessage = f.checked(
  f.struct<Omit<IdsMessage, 'type'>>({
    session,
    epoch,
    stop,
    position,
    sample: f.flag('the sample flag'),
    ids
  }),
  (message) => checkSpan(message.position, message.ids.length)
)

const replay = f.checked(
  f.struct<Omit<ReplayMessage, 'type'>>({
    session,
    epoch,
    index,
    stop,
    position,
    end: position
  }),
  (message) => {
    const nTokens = message.end - message.position
    if (nTokens < 1 || nTokens > CHUNK_TOKENS_MAX) {
      throw f.badFrame(`a replay of ${nTokens} positions, not 1 to ${CHUNK_TOKENS_MAX}`)
    }
    checkStop(message.index + 1, message.stop)
  }
)

const progress = f.struct<Omit<ProgressMessage, 'type'>>({ session, epoch, index, position })

const token = f.checked(
  f.struct<Omit<TokenMessage, 'type'>>({
    session,
    epoch,
    position,
    finish: f.oneOf(['none', 'stop', 'length'], 'the finish reason'),
    tokens: f.list(
      f.struct<SampledToken>({ id: tokenId, logitsHash }),
      1,
      1 + DRAFT_TOKENS_MAX,
      'tokens'
    )
  }),
  (message) => checkSpan(message.position, message.tokens.length - 1)
)

const close = f.struct<Omit<CloseMessage, 'type'>>({
  session,
  epoch,
  isReleased: f.flag('whether the session is given up')
})

const closed = f.struct<Omit<ClosedMessage, 'type'>>({ session, index, stats })

const failed = f.struct<Omit<FailedMessage, 'type'>>({
  session,
  epoch,
  peer: f.optional(peer, 'the peer that is out of reach'),
  code,
  text: f.text(ERROR_TEXT_BYTES_MAX, 'the error text')
})

const save = f.struct<Omit<SaveMessage, 'type'>>({
  session,
  epoch,
  index,
  name: session,
  tokens: f.whole(4, 1, CONTEXT_TOKENS_MAX, 'the positions to save')
})

const saved = f.struct<Omit<SavedMessage, 'type'>>({
  session,
  index,
  name: session,
  tokens: position,
  text: f.text(ERROR_TEXT_BYTES_MAX, 'the reason')
})

// A UTF-16 unit takes three bytes at most.
const stopText = f.text(3 * STOP_TEXT_CHARS_MAX, 'a stop text')

const logFields = {
  promptTokens: f.whole(4, 1, CONTEXT_TOKENS_MAX, 'the tokens of the prompt'),
  endTokens: f.whole(4, 1, CONTEXT_TOKENS_MAX, 'the ids of a log'),
  logitsHash,
  stops: f.list(stopText, 0, STOP_TEXTS_MAX, 'stop texts'),
  isAtStart: f.flag('whether the answer is at the start'),
  position,
  ids: idList(LOG_CHUNK_IDS_MAX)
}

const log = f.checked(
  f.struct<Omit<LogMessage, 'type'>>({ session, epoch, ...logFields }),
  checkLog
)

const recall = f.struct<Omit<RecallMessage, 'type'>>({ session, position })

const recalled = f.checked(
  f.struct<Omit<RecalledMessage, 'type'>>({ session, ...terms, ...logFields }),
  checkLog
)

const listed = f.struct<Omit<ListedMessage, 'type'>>({
  sessions: f.list(
    f.struct<ListedSession>({
      session,
      origin: peer,
      epoch,
      state: f.oneOf(SESSION_STATES, 'the state of a session'),
      modelId: hash,
      promptTokens: logFields.promptTokens,
      tokens: position,
      ageMs: f.whole(8, 0, Number.MAX_SAFE_INTEGER, 'the age')
    }),
    0,
    SESSIONS_MAX,
    'sessions'
  )
})

/** @throws WIRE_BAD_FRAME when a part of a log is outside of it. */
function checkLog({ promptTokens, endTokens, position, ids }: LogHead & LogPart): void {
  if (promptTokens <= endTokens && position + ids.length <= endTokens) return
  const part = `ids ${position} to ${position + ids.length}`
  throw f.badFrame(`${part} do not fit a log of ${endTokens} behind a prompt of ${promptTokens}`)
}

type LogPart = Pick<LogMessage, 'position' | 'ids'>

/** @throws WIRE_BAD_FRAME when positions [position, position + nTokens) exceed every context. */
export function checkSpan(position: number, nTokens: number): void {
  const end = position + nTokens
  if (end <= CONTEXT_TOKENS_MAX) return
  throw f.badFrame(`positions ${position} to ${end} are beyond ${CONTEXT_TOKENS_MAX}`)
}

/** @throws WIRE_BAD_FRAME when a chunk ends before the stage that it is sent to. */
export function checkStop(index: number, stop: number): void {
  if (index <= stop) return
  throw f.badFrame(`a chunk for stage ${index} ends at stage ${stop}`)
}

/** Every message but the activation, whose number is ACTIVATION_NUMBER. */
export const BODIES: Bodies<Exclude<SessionMessage, ActivationMessage>> = {
  open: { number: 1, body: open },
  opened: { number: 2, body: opened },
  ids: { number: 3, body: idsMessage },
  progress: { number: 5, body: progress },
  token: { number: 6, body: token },
  close: { number: 7, body: close },
  closed: { number: 8, body: closed },
  failed: { number: 9, body: failed },
  sampled: { number: 10, body: sampled },
  replay: { number: 11, body: replay },
  log: { number: 12, body: log },
  recall: { number: 13, body: recall },
  recalled: { number: 14, body: recalled },
  list: { number: 15, body: f.struct<Omit<ListMessage, 'type'>>({}) },
  listed: { number: 16, body: listed },
  save: { number: 17, body: save },
  saved: { number: 18, body: saved }
}

export const ACTIVATION_NUMBER = 4
