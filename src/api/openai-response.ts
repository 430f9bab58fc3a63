// GenerateResult -> OpenAI's response bodies and stream chunks. Pure: shapes only. What the shapes have
// no field for (seed, logits hash, stages) is added under `swarm`, which clients ignore.

import type { GenerateResult } from '../wire/generation.ts'
import type { NodeStatus } from './service.ts'

/** What stays the same in every chunk of one answer. */
export interface AnswerHead {
  id: string
  /** Seconds since 1970. */
  created: number
  /** The model's name as the peer gives it. */
  model: string
}

export type AnswerKind = 'completion' | 'chat'

const OBJECT = { completion: 'text_completion', chat: 'chat.completion' } as const
const CHUNK_OBJECT = { completion: 'text_completion', chat: 'chat.completion.chunk' } as const

export function answerBody(kind: AnswerKind, head: AnswerHead, result: GenerateResult): object {
  const { text, finishReason } = result
  const rest = { index: 0, logprobs: null, finish_reason: finishReason }
  return {
    id: head.id,
    object: OBJECT[kind],
    created: head.created,
    model: head.model,
    choices: [
      kind === 'chat'
        ? { ...rest, message: { role: 'assistant', content: text } }
        : { ...rest, text }
    ],
    usage: usageOf(result),
    swarm: extrasOf(result)
  }
}

/** The first chunk of a chat names the role; a completion has no such chunk. */
export function roleChunk(head: AnswerHead, includeUsage: boolean): object {
  return chunk('chat', head, includeUsage, { delta: { role: 'assistant', content: '' } }, null)
}

export function textChunk(
  kind: AnswerKind,
  head: AnswerHead,
  includeUsage: boolean,
  text: string
): object {
  return chunk(
    kind,
    head,
    includeUsage,
    kind === 'chat' ? { delta: { content: text } } : { text },
    null
  )
}

export function finishChunk(
  kind: AnswerKind,
  head: AnswerHead,
  includeUsage: boolean,
  result: GenerateResult
): object {
  const content = kind === 'chat' ? { delta: {} } : { text: '' }
  return {
    ...chunk(kind, head, includeUsage, content, result.finishReason),
    swarm: extrasOf(result)
  }
}

/** Sent after the finish chunk when `stream_options.include_usage` is true: no choices, only usage. */
export function usageChunk(kind: AnswerKind, head: AnswerHead, result: GenerateResult): object {
  return {
    id: head.id,
    object: CHUNK_OBJECT[kind],
    created: head.created,
    model: head.model,
    choices: [],
    usage: usageOf(result)
  }
}

export function modelBody(status: NodeStatus, created: number): object | null {
  if (status.model === null) return null
  const { id, name, nLayers } = status.model
  return {
    id: name,
    object: 'model',
    created,
    owned_by: 'swarm',
    swarm: { modelId: id, layers: nLayers, arithmeticVersion: status.arithmeticVersion }
  }
}

function chunk(
  kind: AnswerKind,
  head: AnswerHead,
  includeUsage: boolean,
  content: object,
  finishReason: string | null
): object {
  return {
    id: head.id,
    object: CHUNK_OBJECT[kind],
    created: head.created,
    model: head.model,
    choices: [{ index: 0, ...content, logprobs: null, finish_reason: finishReason }],
    // With include_usage every chunk has the field, null but in the last.
    ...(includeUsage ? { usage: null } : {})
  }
}

function usageOf(result: GenerateResult): object {
  const [prompt, completion] = [result.promptIds.length, result.ids.length]
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion
  }
}

function extrasOf(result: GenerateResult): object {
  const { seed, logitsHash, arithmeticVersion, stages } = result
  return { seed, logitsHash, arithmeticVersion, stages }
}
