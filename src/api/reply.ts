// Writing answers: one JSON body, or a stream of lines that waits for its reader. Owns the stall limit:
// a reader that stops reading loses its stream, so that it cannot hold a session for ever.

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { every, type Clock, type Timer } from '../base/clock.ts'
import { SwarmError } from '../base/errors.ts'
import { httpErrorOf } from './http-error.ts'

/** How often a silent stream says that it is alive, so that proxies and clients do not give up on it. */
const PING_PERIOD_MS = 15_000

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body) + '\n')
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.byteLength
  })
  response.end(bytes)
}

/** Only before the first byte of another answer. */
export function sendError(response: ServerResponse, error: unknown, openai: boolean): void {
  const { status, headers, body } = httpErrorOf(error, openai)
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  // The rest of a body that was refused would otherwise be read to its end before the next request.
  if (hasUnreadBody(response.req)) response.setHeader('connection', 'close')
  sendJson(response, status, body)
}

function hasUnreadBody({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

export interface StreamReplyOptions {
  clock: Clock
  stallMs: number
  contentType: 'text/event-stream' | 'application/x-ndjson'
  /** Sent after a silence; a comment in the stream's own format. */
  ping: string
  signal: AbortSignal
}

export class StreamReply {
  readonly #response: ServerResponse
  readonly #options: StreamReplyOptions
  readonly #pings: Timer
  #waiting = false

  /** Sends the headers. */
  constructor(response: ServerResponse, options: StreamReplyOptions) {
    this.#response = response
    this.#options = options
    response.writeHead(200, {
      'content-type': `${options.contentType}; charset=utf-8`,
      'cache-control': 'no-store',
      // Told to nginx and its like, which otherwise collect a stream before they pass it on.
      'x-accel-buffering': 'no'
    })
    response.flushHeaders()
    this.#pings = every(options.clock, PING_PERIOD_MS, () => {
      if (!this.#waiting) response.write(options.ping)
    })
    response.once('close', () => this.#pings.cancel())
  }

  /**
   * Resolves when the reader has room for more.
   * @throws PEER_TIMEOUT when it takes nothing for `stallMs`; AbortError when it leaves.
   */
  async write(text: string): Promise<void> {
    this.#options.signal.throwIfAborted()
    if (this.#response.write(text)) return
    this.#waiting = true
    const { clock, stallMs, signal } = this.#options
    const stalled = new AbortController()
    const timer = clock.after(stallMs, () => {
      const text = `the reader of a stream took nothing for ${stallMs} ms`
      stalled.abort(new SwarmError('PEER_TIMEOUT', text))
    })
    try {
      await once(this.#response, 'drain', { signal: AbortSignal.any([signal, stalled.signal]) })
    } catch (error) {
      throw stalled.signal.aborted ? stalled.signal.reason : error
    } finally {
      timer.cancel()
      this.#waiting = false
    }
  }

  end(): void {
    this.#pings.cancel()
    this.#response.end()
  }

  /** Cuts the connection: the reader must not take what it has for a whole answer. */
  cut(): void {
    this.#response.destroy()
  }
}
