// The shared memory of one scripted peer: the real index and embedder over facts that live in memory, or
// in a file between two commands. Ids are hashes of the texts, as the store's are.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { KnowledgeService } from '../../src/api/service.ts'
import { SwarmError } from '../../src/base/errors.ts'
import { KnowledgeIndex } from '../../src/knowledge/index/knowledge-index.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type {
  Fact,
  Forgotten,
  Hit,
  KnowledgeStatus,
  LearnRequest,
  Learnt,
  QueryRequest,
  Scope
} from '../../src/wire/knowledge.ts'
import { ANNA, basinOf, factOf } from './facts.ts'

export class MemoryKnowledge implements KnowledgeService {
  readonly requests: (LearnRequest | QueryRequest | string)[] = []
  readonly #index = new KnowledgeIndex()
  readonly #facts = new Map<string, { author: PeerId; fact: Fact; scope: Scope }>()
  readonly #path: string | null
  readonly #scopeMax: Scope

  /** @param path where to keep it. @param scopeMax `local` before a topic was joined. */
  constructor(path: string | null = null, scopeMax: Scope = 'swarm') {
    this.#path = path
    this.#scopeMax = scopeMax
    if (path === null || !existsSync(path)) return
    for (const { author, fact, scope } of JSON.parse(readFileSync(path, 'utf8')))
      this.put(author, fact, scope)
  }

  put(author: PeerId, fact: Fact, scope: Scope = 'swarm'): void {
    this.#facts.set(fact.id, { author, fact, scope })
    this.#index.putFact(author, fact, scope)
    this.#index.putBasin(author, basinOf(fact))
  }

  async learn(request: LearnRequest): Promise<Learnt> {
    this.requests.push(request)
    const { answer, scope: wanted = 'swarm', ...texts } = request
    const scope = this.#scopeMax === 'local' ? 'local' : wanted
    const fact = factOf(answer, texts)
    const isKnown = this.#facts.has(fact.id)
    this.put(ANNA, fact, scope)
    return { id: fact.id, scope, isKnown }
  }

  query(request: QueryRequest): Hit[] {
    this.requests.push(request)
    return this.#index.query(request)
  }

  async forget(id: string): Promise<Forgotten> {
    this.requests.push(id)
    const known = this.#facts.get(id)
    if (known === undefined) throw new SwarmError('USAGE_BAD_VALUE', `there is no entry ${id}`)
    this.#facts.delete(id)
    this.#index.remove(known.author, id)
    return { id, isOwn: known.author === ANNA }
  }

  idsLike(prefix: string): string[] {
    return this.#index.idsLike(prefix)
  }

  status(): KnowledgeStatus {
    return { entries: this.#index.size, own: this.#index.size, authors: [], trouble: null }
  }

  save(): void {
    if (this.#path !== null) writeFileSync(this.#path, JSON.stringify([...this.#facts.values()]))
  }
}
