// Flow B towards a client: the events of one generation, written as they come, in either format. Owns
// what happens at the edges: an error before the first byte is an HTTP status, one after it is the last
// line; a client that leaves aborts the generation; a server that closes says so.

import { isAbort, SwarmError } from '../base/errors.ts'
import type { GenerateEvent, GenerateRequest, GenerateResult } from '../wire/generation.ts'
import type { Exchange } from './exchange.ts'
import { StreamReply } from './reply.ts'

export interface StreamFormat {
  contentType: 'text/event-stream' | 'application/x-ndjson'
  ping: string
  /** Text to send for an event; empty sends nothing. */
  event(event: GenerateEvent): string
  error(error: unknown): string
}

/** Streams a whole generation. @throws what the generation throws before its first event. */
export async function streamGeneration(
  exchange: Exchange,
  generation: AsyncIterable<GenerateEvent>,
  format: StreamFormat
): Promise<void> {
  const { signal, response, clock, stallMs, log } = exchange
  const events = generation[Symbol.asyncIterator]()
  let next = await firstOf(events, exchange)
  const { contentType, ping } = format
  const reply = new StreamReply(response, { clock, stallMs, contentType, ping, signal })
  try {
    while (!next.done) {
      const text = format.event(next.value)
      if (text !== '') await reply.write(text)
      if (next.value.type === 'done') break
      next = await events.next()
    }
    reply.end()
  } catch (error) {
    const shown = stoppingError(error, exchange)
    if (isAbort(shown)) return reply.cut()
    log.debug(`a stream ended with an error: ${String(shown)}`)
    // Not through write(): its signal may be what ended the stream.
    response.write(format.error(shown))
    reply.end()
  } finally {
    await events.return?.()
  }
}

/** Runs a whole generation. @throws what it throws; PEER_GONE when this peer stops meanwhile. */
export async function collectGeneration(
  exchange: Exchange,
  request: GenerateRequest
): Promise<GenerateResult> {
  try {
    for await (const event of exchange.service.generate(request, exchange.signal)) {
      if (event.type === 'done') return event.result
    }
  } catch (error) {
    throw stoppingError(error, exchange)
  }
  throw new SwarmError('PEER_GONE', 'the generation ended without a result; try again')
}

async function firstOf(
  events: AsyncIterator<GenerateEvent>,
  exchange: Exchange
): Promise<IteratorResult<GenerateEvent>> {
  try {
    return await events.next()
  } catch (error) {
    throw stoppingError(error, exchange)
  }
}

function stoppingError(error: unknown, exchange: Exchange): unknown {
  if (!isAbort(error) || !exchange.isClosing()) return error
  return new SwarmError('PEER_GONE', 'the peer is stopping; ask again when it is back', {
    cause: error
  })
}
