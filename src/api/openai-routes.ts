// The routes that any OpenAI client knows: models, completions, chat completions, and health. Owns the
// order of a streamed answer (role, text, finish, usage, [DONE]); shapes are in openai-response.ts.

import { SwarmError } from '../base/errors.ts'
import { clip, toHex } from '../base/text.ts'
import type { GenerateEvent, GenerateResult } from '../wire/generation.ts'
import type { Exchange, Route } from './exchange.ts'
import { collectGeneration, streamGeneration } from './generation-stream.ts'
import { errorBody } from './http-error.ts'
import { readChatRequest, readCompletionRequest, type OpenAiRequest } from './openai-request.ts'
import { answerBody, finishChunk, modelBody, roleChunk } from './openai-response.ts'
import { textChunk, usageChunk, type AnswerHead, type AnswerKind } from './openai-response.ts'
import { sendJson } from './reply.ts'

export const OPENAI_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/health', openai: true, handle: health },
  { method: 'GET', path: '/v1/models', openai: true, handle: listModels },
  { method: 'GET', path: '/v1/models', rest: true, openai: true, handle: oneModel },
  {
    method: 'POST',
    path: '/v1/completions',
    openai: true,
    handle: async (exchange) =>
      answer('completion', exchange, readCompletionRequest(await exchange.body()))
  },
  {
    method: 'POST',
    path: '/v1/chat/completions',
    openai: true,
    handle: async (exchange) => answer('chat', exchange, readChatRequest(await exchange.body()))
  }
]

/** Ready when the layers of a whole model are: what a load balancer wants to know. */
function health({ service, response }: Exchange): void {
  const { ready } = service.plan()
  sendJson(response, ready ? 200 : 503, { status: ready ? 'ok' : 'loading', ready })
}

function listModels(exchange: Exchange): void {
  const model = modelBody(exchange.service.status(), startedAt(exchange))
  sendJson(exchange.response, 200, { object: 'list', data: model === null ? [] : [model] })
}

function oneModel(exchange: Exchange): void {
  checkModel(exchange, exchange.rest)
  sendJson(exchange.response, 200, modelBody(exchange.service.status(), startedAt(exchange)) ?? {})
}

async function answer(kind: AnswerKind, exchange: Exchange, request: OpenAiRequest): Promise<void> {
  if (request.model !== undefined) checkModel(exchange, request.model)
  const head: AnswerHead = {
    id: `${kind === 'chat' ? 'chatcmpl' : 'cmpl'}-${toHex(exchange.random.bytes(12))}`,
    created: Math.floor(exchange.clock.wallMs() / 1000),
    model: exchange.service.status().model?.name ?? ''
  }
  if (!request.stream) {
    const result = finished(await collectGeneration(exchange, request.generate))
    return sendJson(exchange.response, 200, answerBody(kind, head, result))
  }
  let started = false
  const generation = exchange.service.generate(request.generate, exchange.signal)
  await streamGeneration(exchange, generation, {
    contentType: 'text/event-stream',
    ping: ': ping\n\n',
    error: (error) => frame({ error: errorBody(error, true) }),
    event(event) {
      const role = kind === 'chat' && !started ? frame(roleChunk(head, request.includeUsage)) : ''
      started = true
      return role + framesOf(kind, head, request.includeUsage, event)
    }
  })
}

function framesOf(
  kind: AnswerKind,
  head: AnswerHead,
  includeUsage: boolean,
  event: GenerateEvent
): string {
  if (event.type === 'text') {
    return event.text === '' ? '' : frame(textChunk(kind, head, includeUsage, event.text))
  }
  // A comment: clients skip it, and whoever looks at the stream sees why nothing comes.
  if (event.type === 'queued' && event.before !== undefined) {
    return `: queued, ${event.before} before you\n\n`
  }
  if (event.type !== 'done') return ''
  const result = finished(event.result)
  return (
    frame(finishChunk(kind, head, includeUsage, result)) +
    (includeUsage ? frame(usageChunk(kind, head, result)) : '') +
    'data: [DONE]\n\n'
  )
}

/** OpenAI has no reason for an answer that was cut short from this side: it is an error there. */
function finished(result: GenerateResult): GenerateResult {
  if (result.finishReason !== 'cancelled') return result
  throw new SwarmError('PEER_GONE', 'the generation was cancelled by the peer; try again')
}

/** One server-sent event; JSON has no line break inside, so one `data:` line is enough. */
function frame(body: object): string {
  return `data: ${JSON.stringify(body)}\n\n`
}

/** A peer serves one model, under its name or its id. @throws USAGE_UNKNOWN_MODEL */
function checkModel({ service }: Exchange, asked: string): void {
  const model = service.status().model
  if (model !== null && (asked === model.name || asked === model.id)) return
  const served = model === null ? 'this peer has none yet' : `this peer serves '${model.name}'`
  throw new SwarmError('USAGE_UNKNOWN_MODEL', `no model is called '${clip(asked)}'; ${served}`, {
    param: 'model'
  })
}

/** OpenAI's `created` of a model: here since when this peer runs, in seconds since 1970. */
function startedAt({ service, clock }: Exchange): number {
  return Math.floor((clock.wallMs() - service.status().upMs) / 1000)
}
