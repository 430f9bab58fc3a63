// What turns a text into a point of the sphere. Records carry the id of the space that made them; points
// of different spaces are never compared.

export interface Embedder {
  /** 16 hex digits: the start of a hash of everything that decides a vector. */
  readonly spaceId: string
  /** @returns (EMBEDDING_DIM,), of length 1, the same bits on every machine; also of an empty text. */
  embed(text: string): Float32Array
}
