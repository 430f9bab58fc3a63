// OpenAI's request bodies -> GenerateRequest. Owns which fields are read, which are ignored because
// they change nothing here, and which are refused by name because dropping them would change the
// answer. Knows nothing of HTTP. Field names: OpenAI API reference, "Create completion" and "Create
// chat completion"; top_k and min_p are llama.cpp's.

import { SwarmError } from '../base/errors.ts'
import { given } from '../base/given.ts'
import { clip } from '../base/text.ts'
import type { GenerateRequest } from '../wire/generation.ts'
import { badField, booleanField, fieldOf, isJsonObject, numberField } from './fields.ts'
import { objectField, textField, type JsonObject } from './fields.ts'
import { readBias, readMessages, readStop, unsupported } from './request-fields.ts'
import { SAMPLING_RANGES } from './sampling-options.ts'

export interface OpenAiRequest {
  generate: GenerateRequest
  stream: boolean
  includeUsage: boolean
  /** The model asked for; undefined leaves it to the peer, which serves one. */
  model: string | undefined
}

/** @throws USAGE_MISSING, USAGE_BAD_VALUE, USAGE_UNSUPPORTED, each with the field as `param`. */
export function readCompletionRequest(body: JsonObject): OpenAiRequest {
  refuseUnsupported(body, COMPLETION_ONLY)
  return { ...readCommon(body), generate: { ...readGenerate(body), prompt: readPrompt(body) } }
}

/** @throws as `readCompletionRequest`. */
export function readChatRequest(body: JsonObject): OpenAiRequest {
  refuseUnsupported(body, CHAT_ONLY)
  const messages = readMessages(body)
  if (messages === undefined) throw missing('messages')
  return { ...readCommon(body), generate: { ...readGenerate(body), messages } }
}

function readCommon(body: JsonObject): Omit<OpenAiRequest, 'generate'> {
  const options = objectField(body, 'stream_options')
  return {
    stream: booleanField(body, 'stream') ?? false,
    includeUsage: options !== undefined && (booleanField(options, 'include_usage') ?? false),
    model: textField(body, 'model')
  }
}

function readGenerate(body: JsonObject): GenerateRequest {
  const ranges = SAMPLING_RANGES
  const maxTokens = readMaxTokens(body)
  return {
    sampling: given({
      temperature: numberField(body, 'temperature', ranges.temperature),
      topK: numberField(body, 'top_k', ranges.topK),
      topP: numberField(body, 'top_p', ranges.topP),
      minP: numberField(body, 'min_p', ranges.minP),
      presencePenalty: numberField(body, 'presence_penalty', ranges.penalty),
      frequencyPenalty: numberField(body, 'frequency_penalty', ranges.penalty),
      bias: readBias(objectField(body, 'logit_bias'), 'logit_bias'),
      seed: numberField(body, 'seed', ranges.seed)
    }),
    stop: readStop(body),
    kvType: 'f16',
    // A client of HTTP is tied to the peer it asked; its prompts need not lie on others.
    private: booleanField(body, 'private') ?? true,
    ...(maxTokens === undefined ? {} : { maxTokens })
  }
}

/** `max_completion_tokens` is the newer name of `max_tokens`; both with different values is a mistake. */
function readMaxTokens(body: JsonObject): number | undefined {
  const older = numberField(body, 'max_tokens', SAMPLING_RANGES.maxTokens)
  const newer = numberField(body, 'max_completion_tokens', SAMPLING_RANGES.maxTokens)
  if (older !== undefined && newer !== undefined && older !== newer) {
    throw new SwarmError(
      'USAGE_BAD_VALUE',
      `max_tokens (${older}) and max_completion_tokens (${newer}) mean the same; give one of them`,
      { param: 'max_tokens' }
    )
  }
  return newer ?? older
}

function readPrompt(body: JsonObject): string {
  const value = fieldOf(body, 'prompt')
  if (value === undefined) throw missing('prompt')
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) throw badField('prompt', 'a string', value)
  const [first] = value
  if (value.length === 1 && typeof first === 'string') return first
  throw unsupported('prompt', 'a list of several prompts or of token ids')
}

function missing(name: string): SwarmError {
  return new SwarmError('USAGE_MISSING', `${name} is missing from the request body`, {
    param: name
  })
}

// A field that would change the answer, and the values with which it does not.
type Harmless = (value: unknown) => boolean
const isOff: Harmless = (value) => value === false
const isOne: Harmless = (value) => value === 1
const isEmptyList: Harmless = (value) => Array.isArray(value) && value.length === 0
const isTextOnly: Harmless = (value) => Array.isArray(value) && value.every((v) => v === 'text')
const isTextFormat: Harmless = (value) => isJsonObject(value) && value['type'] === 'text'
const never: Harmless = () => false

const BOTH: Record<string, Harmless> = { n: isOne, logprobs: isOff }
const COMPLETION_ONLY: Record<string, Harmless> = {
  ...BOTH,
  best_of: isOne,
  echo: isOff,
  suffix: (value) => value === ''
}
const CHAT_ONLY: Record<string, Harmless> = {
  ...BOTH,
  audio: never,
  function_call: (value) => value === 'none',
  functions: isEmptyList,
  modalities: isTextOnly,
  response_format: isTextFormat,
  tool_choice: (value) => value === 'none' || value === 'auto',
  tools: isEmptyList,
  top_logprobs: (value) => value === 0
}

function refuseUnsupported(body: JsonObject, table: Record<string, Harmless>): void {
  for (const [name, harmless] of Object.entries(table)) {
    const value = fieldOf(body, name)
    if (value === undefined || harmless(value)) continue
    throw unsupported(name, `the value ${clip(JSON.stringify(value), 40)}`)
  }
}
