// The search without the addon: the canonical product with every row. JavaScript's numbers are the
// binary64 that it is defined in, so the order and the scores are the addon's, to the bit.

import { BestOf } from '../base/best-of.ts'
import { EMBEDDING_DIM } from '../base/limits.ts'
import { SCAN_KEY_BYTES, VECTOR_LENGTH_TOLERANCE } from './vector-scan.ts'
import type { ScanHit, VectorScan } from './vector-scan.ts'

const CHUNK_ROWS = 1024
const LANES = 16

interface Row {
  key: Uint8Array
  vector: Float32Array
}

export class PlainVectorScan implements VectorScan {
  #rows: (Row | undefined)[] = []
  /** Vectors lie in chunks: one large array per vector would cost as much again in headers. */
  #free: Float32Array[] = []
  readonly #lanes = new Float64Array(LANES)
  #chunks = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get sizeBytes(): number {
    return this.#chunks * CHUNK_ROWS * EMBEDDING_DIM * 4 + this.#size * SCAN_KEY_BYTES
  }

  set(label: number, key: Uint8Array, vector: Float32Array): boolean {
    if (!(Math.abs(this.#product(vector, vector) - 1) <= VECTOR_LENGTH_TOLERANCE)) return false
    const row = this.#rows[label] ?? { key, vector: this.#takeVector() }
    if (this.#rows[label] === undefined) this.#size++
    row.key = key.slice()
    row.vector.set(vector)
    this.#rows[label] = row
    return true
  }

  remove(label: number): void {
    const row = this.#rows[label]
    if (row === undefined) return
    this.#free.push(row.vector)
    this.#rows[label] = undefined
    this.#size--
  }

  search(question: Float32Array, limit: number, allowed: Uint8Array | null): ScanHit[] {
    if (!(Math.abs(this.#product(question, question) - 1) <= VECTOR_LENGTH_TOLERANCE)) return []
    const best = new BestOf<ScanHit>(limit, (a, b) => this.#isBefore(a, b))
    for (const [label, row] of this.#rows.entries()) {
      if (row === undefined || (allowed !== null && allowed[label] !== 1)) continue
      const score = this.#product(question, row.vector)
      const { worst } = best
      if (worst === undefined || score >= worst.score) best.offer({ label, score })
    }
    return best.sorted()
  }

  score(question: Float32Array, label: number): number | null {
    const row = this.#rows[label]
    return row === undefined ? null : this.#product(question, row.vector)
  }

  close(): void {
    this.#rows = []
    this.#free = []
    this.#chunks = 0
    this.#size = 0
  }

  #product(a: Float32Array, b: Float32Array): number {
    return product(a, b, this.#lanes)
  }

  #takeVector(): Float32Array {
    if (this.#free.length === 0) {
      const chunk = new Float32Array(CHUNK_ROWS * EMBEDDING_DIM)
      this.#chunks++
      for (let row = CHUNK_ROWS - 1; row >= 0; row--) {
        this.#free.push(chunk.subarray(row * EMBEDDING_DIM, (row + 1) * EMBEDDING_DIM))
      }
    }
    return this.#free.pop() as Float32Array
  }

  #isBefore(a: ScanHit, b: ScanHit): boolean {
    if (a.score !== b.score) return a.score > b.score
    const [x, y] = [this.#rows[a.label] as Row, this.#rows[b.label] as Row]
    return Buffer.compare(x.key, y.key) < 0
  }
}

/**
 * The canonical product, docs/arithmetic.md section 11. NaN, and so refused by whoever compares it, when
 * an element is not finite.
 * @param lanes (16,), scratch.
 */
function product(a: Float32Array, b: Float32Array, lanes: Float64Array): number {
  lanes.fill(0)
  for (let k = 0; k < EMBEDDING_DIM; k += LANES) {
    for (let lane = 0; lane < LANES; lane++) {
      lanes[lane] = (lanes[lane] as number) + (a[k + lane] as number) * (b[k + lane] as number)
    }
  }
  for (let width = LANES >> 1; width > 0; width >>= 1) {
    for (let lane = 0; lane < width; lane++) {
      lanes[lane] = (lanes[lane] as number) + (lanes[lane + width] as number)
    }
  }
  return lanes[0] as number
}
