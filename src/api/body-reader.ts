// A request body as JSON, within bounds: bytes of one, bytes of all at once, and time. Owns the count of
// bytes held; what the fields mean is the routes' business.

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { SwarmError } from '../base/errors.ts'
import { formatSize } from '../base/text.ts'
import { isJsonObject, type JsonObject } from './fields.ts'

export interface BodyLimits {
  bodyBytesMax: number
  bodiesBytesMax: number
  bodyTimeoutMs: number
}

export class BodyReader {
  readonly #clock: Clock
  readonly #limits: BodyLimits
  #heldBytes = 0

  constructor(clock: Clock, limits: BodyLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Reads the whole body. An empty one counts as `{}`, so that `POST /swarm/stop` needs none.
   * @throws USAGE_TOO_LARGE, USAGE_TOO_SLOW, USAGE_BAD_JSON, PEER_BUSY; AbortError when the client leaves.
   */
  async json(request: IncomingMessage, signal: AbortSignal): Promise<JsonObject> {
    let heldBytes = 0
    try {
      const chunks = await this.#collect(request, signal, (bytes) => {
        heldBytes += bytes
        this.#heldBytes += bytes
      })
      return parse(Buffer.concat(chunks))
    } finally {
      this.#heldBytes -= heldBytes
    }
  }

  #collect(
    request: IncomingMessage,
    signal: AbortSignal,
    onBytes: (bytes: number) => void
  ): Promise<Buffer[]> {
    const { bodyBytesMax, bodiesBytesMax, bodyTimeoutMs } = this.#limits
    const announced = Number(request.headers['content-length'] ?? 0)
    const tooLarge = new SwarmError(
      'USAGE_TOO_LARGE',
      `the request body is larger than ${formatSize(bodyBytesMax)}; send less`
    )
    if (announced > bodyBytesMax) return Promise.reject(tooLarge)
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let sizeBytes = 0
      const finish = (settle: () => void): void => {
        timer.cancel()
        signal.removeEventListener('abort', onAbort)
        request.off('data', onData).off('end', onEnd)
        settle()
      }
      const fail = (error: unknown): void => {
        // What still arrives is not kept; the connection closes with the answer.
        finish(() => reject(error))
      }
      const onAbort = (): void => fail(signal.reason)
      const onEnd = (): void => finish(() => resolve(chunks))
      const onData = (chunk: Buffer): void => {
        sizeBytes += chunk.byteLength
        onBytes(chunk.byteLength)
        if (sizeBytes > bodyBytesMax) fail(tooLarge)
        else if (this.#heldBytes > bodiesBytesMax) {
          fail(
            new SwarmError('PEER_BUSY', 'too many large requests at once; try again in a moment')
          )
        } else chunks.push(chunk)
      }
      const timer = this.#clock.after(bodyTimeoutMs, () => {
        const text = `the request body did not arrive within ${bodyTimeoutMs} ms`
        fail(new SwarmError('USAGE_TOO_SLOW', text))
      })
      signal.addEventListener('abort', onAbort, { once: true })
      request.on('data', onData).on('end', onEnd)
      if (signal.aborted) onAbort()
    })
  }
}

function parse(bytes: Buffer): JsonObject {
  if (bytes.byteLength === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    const cause = error instanceof Error ? error.message : 'unreadable'
    throw new SwarmError('USAGE_BAD_JSON', `the request body is not JSON: ${cause}`, { cause })
  }
  if (!isJsonObject(value)) {
    throw new SwarmError('USAGE_BAD_JSON', 'the request body must be a JSON object')
  }
  return value
}
