// Bytes in pieces -> JSON values, one per line. Owns the half line and the half character between two
// pieces, and the bound on a line; empty lines are pings and skipped.

import { StringDecoder } from 'node:string_decoder'
import { SwarmError } from '../base/errors.ts'
import { formatSize } from '../base/text.ts'

export class NdjsonDecoder {
  readonly #lineBytesMax: number
  readonly #decoder = new StringDecoder('utf8')
  #pieces: string[] = []
  #sizeBytes = 0

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax
  }

  /** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
  push(bytes: Uint8Array): unknown[] {
    const values: unknown[] = []
    const parts = this.#decoder.write(Buffer.from(bytes)).split('\n')
    const last = parts.pop() as string
    for (const part of parts) {
      this.#keep(part)
      const line = this.#pieces.join('')
      this.#pieces = []
      this.#sizeBytes = 0
      if (line !== '') values.push(parseLine(line))
    }
    this.#keep(last)
    return values
  }

  /** @throws WIRE_BAD_FRAME when the bytes end inside a line. */
  end(): void {
    if (this.#pieces.join('') + this.#decoder.end() === '') return
    throw new SwarmError('WIRE_BAD_FRAME', 'a stream of the peer ends in the middle of a line')
  }

  #keep(part: string): void {
    // Characters are counted, not bytes: never more than bytes, so memory is bounded either way.
    this.#sizeBytes += part.length
    if (this.#sizeBytes > this.#lineBytesMax) {
      const text = `a line of the peer is longer than ${formatSize(this.#lineBytesMax)}`
      throw new SwarmError('WIRE_TOO_LARGE', text)
    }
    this.#pieces.push(part)
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new SwarmError('WIRE_BAD_FRAME', 'a line of the peer is not JSON', { cause: error })
  }
}
