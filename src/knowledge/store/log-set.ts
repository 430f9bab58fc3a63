// The logs of one topic, or of this machine alone: our own, which are written, and those of every author that
// a card names, which are followed and offered on. Owns who is followed; which of our pairs is written is
// own-writer.ts's, what is taken from peers known-cards.ts's, what an author's logs come to author-logs.ts's.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { AuthorLogs, type AuthorSink } from './author-logs.ts'
import { KnownCards } from './known-cards.ts'
import { OwnWriter } from './own-writer.ts'
import { Replication } from './replication.ts'

import type Hypercore from 'hypercore'
import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { LogCard } from '../../wire/log-card.ts'
import type { KnowledgeEvent, Signer } from '../ports.ts'
import type { Change } from './own-pair.ts'
import type { Shelf } from './shelf.ts'

export interface LogSetOptions {
  shelf: Shelf
  /** Of this set's own small files; its parent exists. */
  folder: string
  /** Discovery key, 32 bytes; null for the logs of this machine alone, which nobody is told of. */
  topic: Uint8Array | null
  signer: Signer
  clock: Clock
  sink: AuthorSink
  /** How long a log of ours waits for its tail before a new one is begun. */
  restoreMs: number
  /** An author is followed no longer. */
  onForgotten(author: PeerId): void
  onEvent(event: KnowledgeEvent): void
  /** Cards, ours or others', that are new here; `from`: who told them, null for ours. */
  onCards(cards: LogCard[], from: PeerId | null): void
}

export class LogSet {
  readonly replication = new Replication()
  readonly #options: LogSetOptions
  readonly #cards: KnownCards
  readonly #writer: OwnWriter
  readonly #authors = new Map<PeerId, AuthorLogs>()
  #following: Promise<void> = Promise.resolve()
  #isClosed = false

  private constructor(options: LogSetOptions) {
    const { signer, shelf, folder, topic, clock, restoreMs, onEvent } = options
    this.#options = options
    this.#cards = new KnownCards(join(folder, 'cards'), topic, { signer, clock, onEvent })
    this.#writer = new OwnWriter({
      self: signer.id,
      shelf,
      folder,
      topic,
      clock,
      cards: this.#cards,
      restoreMs,
      onPair: (epoch, { basins, facts }) => this.#start(signer.id, epoch, basins.core, facts.core),
      onCard: (card) => options.onCards([card], null),
      tell: (kind, text) => onEvent({ kind, author: signer.id, text })
    })
  }

  /** @throws STORE_* */
  static async open(options: LogSetOptions): Promise<LogSet> {
    const set = new LogSet(options)
    try {
      await mkdir(options.folder, { recursive: true, mode: 0o700 })
      await set.#cards.load()
      const known = set.#cards.all
      await set.#writer.open()
      for (const card of known) if (!set.#writer.writes(card)) await set.#follow(card)
      return set
    } catch (error) {
      await set.close()
      throw options.shelf.error(error)
    }
  }

  /** Every card that is known, ours included. */
  get cards(): LogCard[] {
    return this.#options.topic === null ? [] : this.#cards.all
  }

  /** Of the pair that we write; null in the logs of this machine alone. */
  get ownCard(): LogCard | null {
    return this.cards.find((card) => this.#writer.writes(card)) ?? null
  }

  get authors(): AuthorLogs[] {
    return [...this.#authors.values()]
  }

  /** Ours. */
  get own(): AuthorLogs {
    return this.#author(this.#options.signer.id)
  }

  get isRestoring(): boolean {
    return this.#writer.isRestoring
  }

  /** What a peer says about logs, its own or others'. */
  takeCards(from: PeerId, cards: LogCard[]): void {
    const { fresh, dropped, isContradicted } = this.#cards.take(from, cards)
    if (isContradicted) this.#after(() => this.#writer.overtaken())
    if (fresh.length === 0) return
    this.#after(() => this.#cards.save())
    for (const card of dropped) this.#after(() => this.#drop(card))
    for (const card of fresh) this.#after(() => this.#followNew(card))
    this.#options.onCards(fresh, from)
  }

  /** Durable and read when it resolves; one caller at a time. @throws STORE_* */
  async commit(changes: Change[]): Promise<void> {
    await this.#writer.commit(changes)
    await this.own.caughtUp()
  }

  /** Resolves when the logs that were begun to be followed are, and what is here is read. */
  async settled(): Promise<void> {
    await this.#following
    for (const author of this.authors) await author.caughtUp()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#following
    this.replication.close()
    for (const author of this.#authors.values()) await author.close()
    await this.#writer.close()
    await this.#cards.close()
  }

  async #followNew(card: LogCard): Promise<void> {
    await this.#follow(card)
    const newest = this.#cards.of(this.#options.signer.id).at(-1)
    const isOurs = card.author === this.#options.signer.id
    if (isOurs && !this.#writer.writes(newest)) await this.#writer.overtaken()
  }

  async #follow({ author, epoch, basins, facts }: LogCard): Promise<void> {
    const { shelf } = this.#options
    this.#start(author, epoch, await shelf.keyed(basins), await shelf.keyed(facts))
  }

  async #drop({ author, epoch }: LogCard): Promise<void> {
    await this.#authors.get(author)?.drop(epoch)
    if (this.#cards.of(author).length > 0) return
    this.#authors.delete(author)
    this.#options.onForgotten(author)
  }

  /** One after the other, so that what a card displaces has gone before it is followed. */
  #after(work: () => Promise<void>): void {
    this.#following = this.#following
      .then(() => (this.#isClosed ? undefined : work()))
      .catch((error) => this.#trouble(error))
  }

  #start(author: PeerId, epoch: number, basins: Hypercore, facts: Hypercore): void {
    this.#author(author).follow(epoch, basins, facts)
    if (this.#options.topic === null) return
    this.replication.offer(facts)
    this.replication.offer(basins)
  }

  #author(author: PeerId): AuthorLogs {
    const found = this.#authors.get(author)
    if (found !== undefined) return found
    const { clock, sink, onEvent, signer } = this.#options
    const isOwn = author === signer.id
    const logs = new AuthorLogs(author, {
      clock,
      sink,
      onEvent,
      onChange: () => {
        if (isOwn) this.#writer.changed().catch((error) => this.#trouble(error))
      },
      withdraw: (core) => this.replication.withdraw(core),
      onError: (error) => this.#trouble(error),
      onRecovered: () => {
        const text = 'The store can be written again'
        this.#options.onEvent({ kind: 'recovered', author: signer.id, text })
      }
    })
    this.#authors.set(author, logs)
    return logs
  }

  #trouble(error: unknown): void {
    if (this.#isClosed) return
    const { message: text } = this.#options.shelf.error(error)
    this.#options.onEvent({ kind: 'trouble', author: this.#options.signer.id, text })
  }
}
