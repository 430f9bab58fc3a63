// The shared memory of the accuracy bench: learnt fixes ranked by BM25 over their questions. The ranking
// is the plain textbook one, so that the figures say what replaying fixes is worth.

import { toPeerId } from '../src/wire/ids.ts'
import type { Hit } from '../src/wire/knowledge.ts'

const K1 = 1.2
const B = 0.75

const termsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}_-]+/gu) ?? []

export class FixMemory {
  readonly #entries: { hit: Hit; counts: Map<string, number>; length: number }[] = []
  readonly #documents = new Map<string, number>()

  learn(question: string, answer: string): void {
    const id = String(this.#entries.length).padStart(32, '0')
    const where = {
      id,
      author: toPeerId('b'.repeat(64)),
      authorName: 'other',
      scope: 'swarm' as const
    }
    const what = { kind: 'fix' as const, question, answer, source: 'shell', wallMs: 0 }
    const counts = new Map<string, number>()
    const terms = termsOf(question)
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
    for (const term of counts.keys())
      this.#documents.set(term, (this.#documents.get(term) ?? 0) + 1)
    this.#entries.push({
      hit: { ...where, ...what, score: 1, similarity: null },
      counts,
      length: terms.length
    })
  }

  ask(question: string, limit: number): Hit[] {
    const total = this.#entries.length
    const mean = this.#entries.reduce((sum, { length }) => sum + length, 0) / Math.max(1, total)
    const scored = this.#entries.map(({ hit, counts, length }) => {
      let score = 0
      for (const term of new Set(termsOf(question))) {
        const count = counts.get(term) ?? 0
        const found = this.#documents.get(term) ?? 0
        const idf = Math.log(1 + (total - found + 0.5) / (found + 0.5))
        score += (idf * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / mean))
      }
      return { ...hit, score }
    })
    const found = scored.filter(({ score }) => score > 0)
    return found.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, limit)
  }
}
