// Flow A, serving side, audit: what one stage took in and gave on, position by position, as two chains of
// hashes: each value stands for all rows up to its position. Kept only for sessions whose origin may ask.
// A stage can say something else than it did; what convicts it is that its neighbours were told the rows,
// and that another machine computes the same bits (docs/security.md).

import { createHash } from 'node:crypto'

import { toHex } from '../base/text.ts'

const HASH_BYTES = 32

/** Hashes of rows [0, position), 64 hex digits each. */
export interface AuditClaim {
  /** Of the ids at the first stage, int32 little-endian, else of the activations that came. */
  input: string
  /** Of the activations that were given on; of nothing at the last stage. */
  output: string
}

export class AuditTrail {
  readonly #input = new RowChain()
  readonly #output = new RowChain()

  /** @param input, output rows of whole positions from `position` on; no output at the last stage. */
  put(position: number, nTokens: number, input: Uint8Array, output: Uint8Array | null): void {
    this.#input.put(position, nTokens, input)
    this.#output.put(position, nTokens, output ?? new Uint8Array(0))
  }

  /** Forgets positions from `end` on. */
  truncate(end: number): void {
    this.#input.truncate(end)
    this.#output.truncate(end)
  }

  /** Null where not every row before `position` passed here. */
  at(position: number): AuditClaim | null {
    const input = this.#input.at(position)
    const output = this.#output.at(position)
    return input === null || output === null ? null : { input, output }
  }
}

/** The claim about these ids that an honest first stage makes. */
export function hashOfIds(ids: readonly number[]): string {
  const chain = new RowChain()
  const words = Int32Array.from(ids)
  chain.put(0, words.length, new Uint8Array(words.buffer))
  return chain.at(words.length) as string
}

/** BLAKE2b of the hash before and the row, cut to 32 bytes; zeros before the first row. */
class RowChain {
  #hashes = new Uint8Array(HASH_BYTES * 64)
  #end = 0

  /** Rows behind `position` are forgotten; behind a gap nothing is known any more. */
  put(position: number, nTokens: number, rows: Uint8Array): void {
    this.truncate(position)
    if (position !== this.#end) return
    const rowBytes = rows.byteLength / nTokens
    for (let i = 0; i < nTokens; i++) this.#add(rows.subarray(i * rowBytes, (i + 1) * rowBytes))
  }

  truncate(end: number): void {
    this.#end = Math.min(this.#end, end)
  }

  at(position: number): string | null {
    return position > this.#end ? null : toHex(this.#hashAt(position))
  }

  #hashAt(position: number): Uint8Array {
    return this.#hashes.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES)
  }

  #add(row: Uint8Array): void {
    const hash = createHash('blake2b512').update(this.#hashAt(this.#end)).update(row).digest()
    this.#end++
    const needBytes = (this.#end + 1) * HASH_BYTES
    if (needBytes > this.#hashes.byteLength) {
      const grown = new Uint8Array(2 * needBytes)
      grown.set(this.#hashes)
      this.#hashes = grown
    }
    this.#hashAt(this.#end).set(hash.subarray(0, HASH_BYTES))
  }
}
