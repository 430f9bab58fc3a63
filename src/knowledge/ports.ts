// What the shared memory needs from beside it: the index that it fills, the embedder that makes vectors, the
// key that signs. Shapes only; the index and the embedder are in their own folders, the signer is made of
// the identity by whoever joins the parts.

import type { PeerId } from '../wire/ids.ts'
import type { Basin, Fact, Hit, QueryRequest } from '../wire/knowledge.ts'

/** Facts and basins come in any order and more than once. */
export interface KnowledgeIndex {
  putFact(author: PeerId, fact: Fact): void
  putBasin(author: PeerId, basin: Basin): void
  /** The entry is forgotten by its author, or hidden here. */
  remove(author: PeerId, id: string): void
  forgetAuthor(author: PeerId): void
  /** Best first; knows neither names nor scopes, which are filled in by knowledge.ts. */
  query(request: QueryRequest): Hit[]
  readonly size: number
}

export interface Embedder {
  /** 16 hex digits. */
  readonly spaceId: string
  /** (EMBEDDING_DIM,), of length 1. */
  embed(text: string): Float32Array
}

/** The identity as the logs need it: peer/identity.ts. */
export interface Signer {
  readonly id: PeerId
  /** ed25519, 64 bytes. */
  sign(statement: Uint8Array): Uint8Array
  verify(author: PeerId, statement: Uint8Array, signature: Uint8Array): boolean
}

/** What happened to the logs that a person would want to read. */
export interface KnowledgeEvent {
  /**
   * `flood`: an author writes faster than we take it. `fault`: a block or card of an author is malformed.
   * `refused`: its logs are followed no further. The rest are about our own logs.
   */
  kind:
    'flood' | 'fault' | 'refused' | 'restoring' | 'restored' | 'new-logs' | 'trouble' | 'recovered'
  /** Whose logs. */
  author: PeerId
  /** One sentence, safe to print. */
  text: string
}
