// The shared memory of the accuracy bench: the project's own index, filled with the fixes that another
// peer has learnt. Leaves one entry out while it is asked about, as if that had never been learnt.

import { PlainVectorScan } from '../src/compute/plain-vector-scan.ts'
import { hashEmbedder } from '../src/knowledge/embedder/hash-embedder.ts'
import { basinText } from '../src/knowledge/index/entry-text.ts'
import { KnowledgeIndex } from '../src/knowledge/index/knowledge-index.ts'
import { toPeerId } from '../src/wire/ids.ts'
import type { Fact, Hit } from '../src/wire/knowledge.ts'

const AUTHOR = toPeerId('b'.repeat(64))

export class FixMemory {
  // Ranks alike on every machine, with the addon or without: the plain scan needs no build.
  readonly #index = new KnowledgeIndex({ scan: new PlainVectorScan() })
  readonly #facts: Fact[]

  /** @param learnt questions of failures with their fixes. */
  constructor(learnt: readonly { question: string; answer: string }[]) {
    this.#facts = learnt.map((one, at) => {
      const id = at.toString(16).padStart(32, '0')
      return { ...one, id, kind: 'fix', source: 'shell', wallMs: 0 }
    })
    for (const fact of this.#facts) this.#put(fact)
  }

  /** @param leftOut the number of the one that is not there. */
  ask(text: string, limit: number, leftOut: number): Hit[] {
    const fact = this.#facts[leftOut] as Fact
    this.#index.remove(AUTHOR, fact.id)
    const hits = this.#index.query({ text, limit, kind: 'fix' })
    this.#put(fact)
    return hits
  }

  #put(fact: Fact): void {
    const vector = hashEmbedder.embed(basinText(fact))
    this.#index.putFact(AUTHOR, fact)
    this.#index.putBasin(AUTHOR, { id: fact.id, spaceId: hashEmbedder.spaceId, vector, wallMs: 0 })
  }
}
