// The name of an entry: a hash of who says it and what. The same entry learnt twice is one, and nobody can
// put another text under an id that somebody has seen. Not the time: it changes with every attempt.

import { createHash } from 'node:crypto'

import type { PeerId } from '../../wire/ids.ts'
import type { Fact } from '../../wire/knowledge.ts'

/** 32 hex digits: the first 16 bytes of BLAKE2b-512 over the author's key and each text with its length. */
export function entryId(
  author: PeerId,
  { kind, question, answer, source }: Pick<Fact, 'kind' | 'question' | 'answer' | 'source'>
): string {
  const hash = createHash('blake2b512').update(Buffer.from(author, 'hex'))
  for (const text of [kind, question, answer, source]) {
    const bytes = Buffer.from(text)
    const size = Buffer.alloc(4)
    size.writeUInt32LE(bytes.byteLength)
    hash.update(size).update(bytes)
  }
  return hash.digest('hex').slice(0, 32)
}
