// The shared memory in words: what is learnt, asked and answered, as the command line, the control
// socket and the index exchange it (as JSON), and what the logs carry (as bytes: the codecs are beside).
// Only shapes; bounds are in base/limits.ts, checks in the codecs and in the API's request readers.

import type { PeerId } from './ids.ts'

/** `text`: a passage. `fix`: the question is a failed command with its error, the answer a command line. */
export type FactKind = 'text' | 'fix'

/** `swarm`: replicates to every member of the topic. `local`: in a log that nobody is told of. */
export type Scope = 'swarm' | 'local'

/** One entry of a knowledge bee. Signed by construction: only the author can write to its log. */
export interface Fact {
  /** 32 hex digits of a hash of author, kind and texts: the same entry learnt twice is one. */
  id: string
  kind: FactKind
  /** What the answer answers; empty for a passage. */
  question: string
  answer: string
  /** Where it comes from, as the author says: a file name, a program. */
  source: string
  /** By the author's own wall clock: shown, never decided on. */
  wallMs: number
}

/** One record of a basin log: the point of the sphere that stands for an entry. */
export interface Basin {
  /** Of the entry. */
  id: string
  /** 16 hex digits of the embedder that made the vector; different spaces are never compared. */
  spaceId: string
  /** (256,), of length 1. */
  vector: Float32Array
  wallMs: number
}

export interface LearnRequest {
  kind?: FactKind
  question?: string
  answer: string
  source?: string
  scope?: Scope
}

export interface Learnt {
  id: string
  scope: Scope
  /** It was known already, by this author in these words. */
  isKnown: boolean
}

export interface QueryRequest {
  text: string
  /** Answers at most; absent: 10. */
  limit?: number
  kind?: FactKind
  /** Only of this author; at least 8 digits of the key. */
  author?: string
  /** Only sources that contain this text. */
  source?: string
  /** Only entries since then, by their authors' clocks. */
  sinceMs?: number
}

/** An answer, best first. Texts are foreign: whoever shows them makes them printable. */
export interface Hit extends Fact {
  author: PeerId
  /** The author's name as its peer gives it; null when that is not known. */
  authorName: string | null
  scope: Scope
  /** Fused score, above 0; comparable within one answer only. */
  score: number
  /** Cosine of the angle to the question; null without a vector of our space. */
  similarity: number | null
}

export interface Forgotten {
  id: string
  /** Whether the author is this installation: then all members forget it; else it is hidden here. */
  isOwn: boolean
}

export interface KnowledgeStatus {
  /** Entries that can be found. */
  entries: number
  own: number
  authors: { author: PeerId; entries: number; bytes: number; isComplete: boolean }[]
  /** Why nothing can be learnt now (a full disk, a log being restored); null when all is well. */
  trouble: string | null
}
