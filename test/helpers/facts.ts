// Facts and basins of made-up peers, for tests of what is learnt.

import { createHash } from 'node:crypto'
import { hashEmbedder } from '../../src/knowledge/embedder/hash-embedder.ts'
import { basinText } from '../../src/knowledge/index/entry-text.ts'
import { toPeerId, type PeerId } from '../../src/wire/ids.ts'
import type { Basin, Fact } from '../../src/wire/knowledge.ts'

export const [ANNA, BERT, CARA] = ['a1', 'b2', 'c3'].map((two) => toPeerId(two.repeat(32))) as [
  PeerId,
  PeerId,
  PeerId
]

export function factOf(answer: string, other: Partial<Fact> = {}): Fact {
  const { kind = 'text', question = '', source = '', wallMs = 1000 } = other
  const hash = createHash('sha256').update(`${kind} ${question} ${answer} ${source}`).digest('hex')
  return { id: hash.slice(0, 32), kind, question, answer, source, wallMs, ...other }
}

export function basinOf(fact: Fact): Basin {
  const vector = hashEmbedder.embed(basinText(fact))
  return { id: fact.id, spaceId: hashEmbedder.spaceId, vector, wallMs: fact.wallMs }
}
