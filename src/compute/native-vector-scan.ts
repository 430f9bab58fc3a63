// The exact search on the addon. Owns nothing but the native object; the search itself is in
// native/search/vector_index.cpp, with the proof that its coarse pass loses nothing.

import { fromNative, loadKernels, type NativeVectorIndex } from './addon.ts'
import type { ScanHit, VectorScan } from './vector-scan.ts'

export class NativeVectorScan implements VectorScan {
  readonly #native: NativeVectorIndex
  #isClosed = false

  /** @param table kernel table; the process's own unless a test compares tables. */
  constructor(table = loadKernels().table) {
    this.#native = new (loadKernels().addon.VectorIndex)(table)
  }

  get size(): number {
    return this.#native.size()
  }

  get sizeBytes(): number {
    return this.#native.sizeBytes()
  }

  set(label: number, key: Uint8Array, vector: Float32Array): boolean {
    try {
      return this.#native.set(label, key, vector)
    } catch (error) {
      throw fromNative(error)
    }
  }

  remove(label: number): void {
    this.#native.remove(label)
  }

  search(question: Float32Array, limit: number, allowed: Uint8Array | null): ScanHit[] {
    const found = this.#native.search(question, limit, allowed)
    if (found === null) return []
    return Array.from(found.labels, (label, at) => ({ label, score: found.scores[at] as number }))
  }

  score(question: Float32Array, label: number): number | null {
    return this.#native.score(question, label)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#native.close()
  }
}
