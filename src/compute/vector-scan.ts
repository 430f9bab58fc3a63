// The exact search among unit vectors, as the knowledge index uses it: native-vector-scan.ts answers with
// the addon, plain-vector-scan.ts without one (slower). Both promise the same bits: the best by canonical
// product with the question (docs/arithmetic.md section 11), equal products by key, whatever order the
// rows came in.

/** Bytes of the key that orders equal products: an author's key and an entry's id. */
export const SCAN_KEY_BYTES = 48
/** How far the squared length of a vector may lie from 1. */
export const VECTOR_LENGTH_TOLERANCE = 1e-3

export interface ScanHit {
  label: number
  /** Product of the two unit vectors: the cosine of their angle. */
  score: number
}

export interface VectorScan {
  readonly size: number
  readonly sizeBytes: number
  /**
   * Adds a row or replaces the one of this label.
   * @param label the caller's number for the row, from 0, below 2^24 and dense.
   * @param key (SCAN_KEY_BYTES,). @param vector (EMBEDDING_DIM,), of length 1.
   * @returns false, and changes nothing, when the vector is not finite or not of length 1.
   * @throws NATIVE_OUT_OF_MEMORY
   */
  set(label: number, key: Uint8Array, vector: Float32Array): boolean
  remove(label: number): void
  /**
   * @param allowed holds 1 at the labels that count; null: all do.
   * @returns at most `limit` rows, best first; none when the question is no unit vector.
   */
  search(question: Float32Array, limit: number, allowed: Uint8Array | null): ScanHit[]
  /** The product with one row; null when there is none. */
  score(question: Float32Array, label: number): number | null
  close(): void
}
