// The body of POST /swarm/generate -> GenerateRequest: the same names as in service.ts, checked like a
// stranger's, because any program of the same user may send it.

import { SwarmError } from '../base/errors.ts'
import { given } from '../base/given.ts'
import { FLAG_REPEATS_MAX, GATE_KEYS_MAX, LOGIT_BIAS_MAX, VOCAB_MAX } from '../base/limits.ts'
import type { GateEdit } from '../wire/gate.ts'
import type { GenerateRequest } from '../wire/generation.ts'
import { KV_TYPES, type KvType, type Sampling } from '../wire/session.ts'
import { badField, booleanField, fieldOf, isJsonObject, listField, numberField } from './fields.ts'
import { objectField, textField, type JsonObject } from './fields.ts'
import { readSaved } from '../wire/saved-prefix.ts'
import { readMessages, readStop } from './request-fields.ts'
import { SAMPLING_RANGES, type NumberRange } from './sampling-options.ts'

/** @throws USAGE_MISSING, USAGE_BAD_VALUE, USAGE_UNSUPPORTED */
export function readControlRequest(body: JsonObject): GenerateRequest {
  const prompt = textField(body, 'prompt')
  const messages = readMessages(body)
  if ((prompt === undefined) === (messages === undefined)) {
    throw new SwarmError('USAGE_MISSING', 'give either prompt or messages', { param: 'prompt' })
  }
  const maxTokens = numberField(body, 'maxTokens', SAMPLING_RANGES.maxTokens)
  const contextTokens = numberField(body, 'contextTokens', SAMPLING_RANGES.contextTokens)
  const verify = numberField(body, 'verify', SAMPLING_RANGES.verify)
  const speculation = booleanField(body, 'speculation')
  const keep = booleanField(body, 'keep')
  const session = readSession(body)
  const saved = objectField(body, 'saved')
  const isPrivate = booleanField(body, 'private')
  return {
    ...(prompt === undefined ? {} : { prompt }),
    ...(messages === undefined ? {} : { messages }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    sampling: readSampling(objectField(body, 'sampling') ?? {}),
    stop: readStop(body),
    kvType: readKvType(body),
    ...(verify === undefined ? {} : { verify }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(speculation === undefined ? {} : { speculation }),
    ...(keep === undefined ? {} : { keep }),
    ...(session === undefined ? {} : { session }),
    ...(isPrivate === undefined ? {} : { private: isPrivate }),
    ...(saved === undefined ? {} : { saved: readSaved(saved) })
  }
}

const TOKEN_ID: NumberRange = { min: 0, max: VOCAB_MAX - 1, whole: true }

/** A session as the result of a generation named it. @throws USAGE_BAD_VALUE */
export function readSession(body: JsonObject): string | undefined {
  const session = textField(body, 'session')
  if (session === undefined || /^[0-9a-f]{32}$/.test(session)) return session
  throw badField('session', '32 hexadecimal digits', session)
}

/** The session that a body names. @throws USAGE_MISSING, USAGE_BAD_VALUE */
export function mustReadSession(body: JsonObject): string {
  const session = readSession(body)
  if (session !== undefined) return session
  const text = 'session is missing from the request body'
  throw new SwarmError('USAGE_MISSING', text, { param: 'session' })
}

/** The body of POST /swarm/plan; what each change says is checked where it is made. @throws USAGE_* */
export function readWhatIf(body: JsonObject): string[] {
  const changes = listField(body, 'whatIf', FLAG_REPEATS_MAX) ?? []
  return changes.map((change) => {
    if (typeof change === 'string') return change
    throw badField('whatIf', 'an array of changes such as +24GiB@45GB/s', change)
  })
}

const GATE_ACTIONS = ['allow', 'revoke', 'restore', 'open'] as const

/** The body of POST /swarm/gate. @throws USAGE_BAD_VALUE */
export function readGateEdit(body: JsonObject): GateEdit {
  const given = textField(body, 'action')
  const action = GATE_ACTIONS.find((known) => known === given)
  if (action === undefined) throw badField('action', `one of ${GATE_ACTIONS.join(', ')}`, given)
  const keys = (listField(body, 'keys', GATE_KEYS_MAX) ?? []).map((key) => {
    if (typeof key === 'string' && /^[0-9a-f]{8,64}$/.test(key)) return key
    throw badField('keys', 'an array of keys, 8 to 64 hexadecimal digits each', key)
  })
  return { action, keys }
}

function readSampling(body: JsonObject): GenerateRequest['sampling'] {
  const ranges = SAMPLING_RANGES
  return given({
    temperature: numberField(body, 'temperature', ranges.temperature),
    topK: numberField(body, 'topK', ranges.topK),
    topP: numberField(body, 'topP', ranges.topP),
    minP: numberField(body, 'minP', ranges.minP),
    presencePenalty: numberField(body, 'presencePenalty', ranges.penalty),
    frequencyPenalty: numberField(body, 'frequencyPenalty', ranges.penalty),
    bias: readBias(body),
    seed: numberField(body, 'seed', ranges.seed)
  })
}

function readBias(body: JsonObject): Sampling['bias'] {
  return (listField(body, 'bias', LOGIT_BIAS_MAX) ?? []).map((entry) => {
    if (!isJsonObject(entry)) throw badField('bias', 'an array of objects with id and value', entry)
    const id = numberField(entry, 'id', TOKEN_ID)
    const value = numberField(entry, 'value', SAMPLING_RANGES.bias)
    if (id === undefined || value === undefined) {
      throw badField('bias', 'an array of objects with id and value', undefined)
    }
    return { id, value }
  })
}

function readKvType(body: JsonObject): KvType {
  const value = fieldOf(body, 'kvType')
  if (value === undefined) return 'f16'
  const known = KV_TYPES.find((kvType) => kvType === value)
  if (known !== undefined) return known
  throw badField('kvType', "'f16', 'f32' or 'q8_0'", value)
}
