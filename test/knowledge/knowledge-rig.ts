// Knowledge for tests, with the real store below it: a tiny index, an embedder of word hashes, identities
// from a seed, and two of them joined by a real encrypted connection inside this process.

import { createHash } from 'node:crypto'
import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Test } from 'brittle'

import { systemClock, type Clock } from '../../src/base/clock.ts'
import { EMBEDDING_DIM } from '../../src/base/limits.ts'
import { openKnowledge, type Knowledge } from '../../src/knowledge/knowledge.ts'
import {
  identityOf,
  signStatement,
  verifyStatement,
  type Identity
} from '../../src/peer/identity.ts'
import { LinkMux } from '../../src/peer/link/mux.ts'
import { memoryPair } from '../peer/memory-pair.ts'

import type { Embedder, KnowledgeEvent, KnowledgeIndex, Signer } from '../../src/knowledge/ports.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { Basin, Fact, Hit, QueryRequest } from '../../src/wire/knowledge.ts'

export const TOPIC = new Uint8Array(32).fill(7)

/** Each test's stores are opened a few times, and wait for each other. */
export const STORE = { timeout: 120_000 }

export function identity(number: number): Identity {
  return identityOf(new Uint8Array(32).fill(number))
}

export function signerOf(identity: Identity): Signer {
  return {
    id: identity.id,
    sign: (statement) => signStatement(identity, statement),
    verify: verifyStatement
  }
}

/** A vector that depends on the text alone. */
export const wordEmbedder: Embedder = {
  spaceId: '00000000000000aa',
  embed(text) {
    const bytes = createHash('shake256', { outputLength: EMBEDDING_DIM }).update(text).digest()
    const vector = Float32Array.from(bytes, (byte) => byte - 127.5)
    const length = Math.sqrt(vector.reduce((sum, element) => sum + element * element, 0))
    return vector.map((element) => element / length)
  }
}

/** Finds what contains the text. */
export class TinyIndex implements KnowledgeIndex {
  readonly facts = new Map<string, { author: PeerId; fact: Fact }>()
  readonly basins = new Map<string, Basin>()

  get size(): number {
    return this.facts.size
  }

  putFact(author: PeerId, fact: Fact): void {
    this.facts.set(fact.id, { author, fact })
  }

  putBasin(_author: PeerId, basin: Basin): void {
    this.basins.set(basin.id, basin)
  }

  remove(_author: PeerId, id: string): void {
    this.facts.delete(id)
    this.basins.delete(id)
  }

  forgetAuthor(author: PeerId): void {
    for (const [id, entry] of this.facts) if (entry.author === author) this.remove(author, id)
  }

  query({ text, limit = 10 }: QueryRequest): Hit[] {
    const found = [...this.facts.values()].filter(({ fact }) => fact.answer.includes(text))
    return found.slice(0, limit).map(({ author, fact }) => {
      return { ...fact, author, authorName: null, scope: 'swarm', score: 1, similarity: null }
    })
  }
}

export interface RigOptions {
  identity?: Identity
  topic?: Uint8Array | null
  dataDir?: string
  clock?: Clock
  restoreMs?: number
  embedder?: Embedder
}

/** One installation: a folder and an identity, opened and closed at will. */
export class Installation {
  readonly identity: Identity
  readonly dataDir: string
  readonly events: KnowledgeEvent[] = []
  readonly #options: RigOptions
  #knowledge: Knowledge | null = null
  index = new TinyIndex()

  constructor(dataDir: string, options: RigOptions = {}) {
    this.identity = options.identity ?? identity(1)
    this.dataDir = dataDir
    this.#options = options
  }

  get id(): PeerId {
    return this.identity.id
  }

  get knowledge(): Knowledge {
    return this.#knowledge as Knowledge
  }

  async open(changes: RigOptions = {}): Promise<Knowledge> {
    const options = { ...this.#options, ...changes }
    this.index = new TinyIndex()
    this.#knowledge = await openKnowledge({
      dataDir: this.dataDir,
      topic: options.topic === undefined ? TOPIC : options.topic,
      signer: signerOf(this.identity),
      index: this.index,
      embedder: options.embedder ?? wordEmbedder,
      clock: options.clock ?? systemClock,
      ...(options.restoreMs === undefined ? {} : { restoreMs: options.restoreMs }),
      onEvent: (event) => this.events.push(event)
    })
    await this.#knowledge.settled()
    return this.#knowledge
  }

  async close(): Promise<void> {
    const knowledge = this.#knowledge
    this.#knowledge = null
    await knowledge?.close()
  }

  /** Kinds of what was told, in order. */
  get kinds(): string[] {
    return this.events.map(({ kind }) => kind)
  }

  finds(text: string): boolean {
    return this.knowledge.query({ text }).length > 0
  }
}

/** An installation in a folder of the test, open, and closed at its end. */
export async function installation(t: Test, options: RigOptions = {}): Promise<Installation> {
  const made = new Installation(options.dataDir ?? (await t.tmp()), options)
  t.teardown(() => made.close(), { order: 1 })
  await made.open()
  return made
}

export interface Joint {
  /** Ends the connection; both sides have noticed when it resolves. */
  cut(): Promise<void>
  streams: [NoiseSecretStream, NoiseSecretStream]
}

/** A link between two, as the network makes it: cards both ways, and news passed on. */
export async function join(t: Test, a: Installation, b: Installation): Promise<Joint> {
  const streams = await memoryPair(a.identity, b.identity)
  const sides = [
    { own: a, other: b, stream: streams[0] },
    { own: b, other: a, stream: streams[1] }
  ]
  const muxes = streams.map((stream) => new LinkMux(stream, systemClock, () => {}))
  const ports = sides.map(({ own }) => own.knowledge.replication)
  let isCut = false
  for (const [at, { own, other }] of sides.entries()) {
    const [near, far] = [ports[at], ports[1 - at]] as [(typeof ports)[0], (typeof ports)[0]]
    const heard = (cards: Parameters<typeof far.onCards>[1], from: PeerId | null) => {
      if (!isCut && from !== other.id) far.onCards(own.id, cards)
    }
    listeners(near).add(heard)
    near.attach(other.id, muxes[at])
    far.onCards(own.id, near.cards())
  }
  const cut = async () => {
    isCut = true
    for (const [at, { other }] of sides.entries()) ports[at]?.detach(other.id)
    const closed = streams.map((stream) => new Promise((resolve) => stream.on('close', resolve)))
    for (const stream of streams) if (!stream.destroyed) stream.destroy()
    await Promise.race([Promise.all(closed), new Promise(setImmediate)])
  }
  t.teardown(cut, { order: 0 })
  return { cut, streams }
}

type Port = Knowledge['replication']
type Heard = (cards: ReturnType<Port['cards']>, from: PeerId | null) => void
const heardBy = new WeakMap<Port, Set<Heard>>()

/** A port has one listener; an installation may have several links. */
function listeners(port: Port): Set<Heard> {
  let set = heardBy.get(port)
  if (set === undefined) {
    const made = new Set<Heard>()
    set = made
    heardBy.set(port, made)
    port.onNews((cards, from) => {
      for (const heard of made) heard(cards, from)
    })
  }
  return set
}
