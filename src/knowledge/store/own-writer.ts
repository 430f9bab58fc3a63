// Which of our pairs is written, and when a new one begins:
//
//   open --> none yet --the first entry--> new pair, its card
//     \--> pair --ready--> commit
//           |  \--restoring--> wait for peers --time-out--> new pair, a higher epoch, a new card
//           \--lost, full---------------------------------> new pair
//
// Who has nothing to say costs nobody a log: peers follow what has a card, with some 200 KiB of memory each.
// A pair that was left is followed and offered on (log-set.ts): what peers still have of it comes back.

import { SwarmError } from '../../base/errors.ts'
import {
  FACT_BLOCK_BYTES_MAX,
  LOG_BLOCKS_MAX,
  LOG_BYTES_MAX,
  LOG_EPOCHS_MAX
} from '../../base/limits.ts'
import { toHex } from '../../base/text.ts'
import { OwnPair, type Change } from './own-pair.ts'
import { RestoreWatch } from './restore-watch.ts'

import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { LogCard } from '../../wire/log-card.ts'
import type { KnowledgeEvent } from '../ports.ts'
import type { KnownCards } from './known-cards.ts'
import type { OwnState } from './own-log.ts'
import type { Shelf } from './shelf.ts'

export interface WriterOptions {
  self: PeerId
  shelf: Shelf
  /** Of the marks; exists. */
  folder: string
  topic: Uint8Array | null
  clock: Clock
  cards: KnownCards
  restoreMs: number
  /** A pair is written from now on: it is to be followed. */
  onPair(epoch: number, pair: OwnPair): void
  /** A new pair has this card. */
  onCard(card: LogCard): void
  tell(kind: KnowledgeEvent['kind'], text: string): void
}

export class OwnWriter {
  readonly #options: WriterOptions
  readonly #restore: RestoreWatch
  readonly #pairs: OwnPair[] = []
  #isClosed = false

  constructor(options: WriterOptions) {
    this.#options = options
    this.#restore = new RestoreWatch(options.clock, options.restoreMs)
  }

  /** Whether our logs wait for their tail. */
  get isRestoring(): boolean {
    return this.#restore.isWaiting
  }

  /** Whether a card names the pair that is written. */
  writes(card: LogCard | undefined): boolean {
    const pair = this.#current
    return pair !== undefined && pair.basins.key === card?.basins && pair.facts.key === card.facts
  }

  /** The pair of our newest card, when the store still has it. @throws STORE_* */
  async open(): Promise<void> {
    const card = this.#newestCard
    if (card === undefined) return
    const pair = await this.#openPair(card.epoch)
    // The store was made anew: what our card names is to be had from peers, if at all.
    if (pair.basins.key !== card.basins || pair.facts.key !== card.facts) return pair.close()
    this.#write(pair, card.epoch)
    if ((await pair.state()) === 'restoring') this.#wait()
  }

  /** Durable when it resolves; one caller at a time. @throws STORE_* */
  async commit(changes: Change[]): Promise<void> {
    const pair = await this.#writable(changes.length)
    await pair.commit(changes)
  }

  /** Peers remember a pair of ours that is newer than what this store has: all was lost. */
  async overtaken(): Promise<void> {
    if (this.#current !== undefined) await this.#beginNext('lost')
  }

  /** More of our logs is here. @throws STORE_* */
  async changed(): Promise<void> {
    this.#restore.stir()
    if (!this.#restore.isWaiting || this.#isClosed) return
    const pair = this.#current
    const state = await pair?.state()
    if (state !== 'ready' || pair !== this.#current || !this.#restore.isWaiting) return
    this.#restore.reset()
    this.#options.tell('restored', 'All of our own log is back')
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#restore.reset()
    for (const pair of this.#pairs) await pair.close()
  }

  /** Undefined before the first entry. */
  get #current(): OwnPair | undefined {
    return this.#pairs.at(-1)
  }

  get #newestCard(): LogCard | undefined {
    return this.#options.cards.of(this.#options.self).at(-1)
  }

  /**
   * The time, so that logs made anew after all was lost come behind those that peers remember. A clock that
   * is wrong costs nothing but a new pair as soon as a peer tells of the old one.
   */
  #firstEpoch(): number {
    return Math.max(0, Math.floor(this.#options.clock.wallMs() / 1000)) % 2 ** 31
  }

  #openPair(epoch: number): Promise<OwnPair> {
    const { shelf, folder, topic, clock } = this.#options
    return OwnPair.open(shelf, folder, topic === null ? 'local' : toHex(topic), epoch, clock)
  }

  /** Makes a new pair, signs its card, and writes to it from now on. */
  async #begin(from: number): Promise<void> {
    const { self, cards, onCard } = this.#options
    if (cards.of(self).length >= LOG_EPOCHS_MAX) {
      const text = `Peers follow ${LOG_EPOCHS_MAX} logs of one installation, and this one has filled them`
      throw new SwarmError('STORE_FULL', `${text}; learn with another data directory`)
    }
    let epoch = from
    let pair = await this.#openPair(epoch)
    // A mark without its log: of a store that was lost together with its cards.
    while ((await pair.state()) === 'lost') {
      await pair.close()
      pair = await this.#openPair(++epoch)
    }
    const keys = { basins: pair.basins.key, facts: pair.facts.key }
    const card = await cards.sign({ author: self, epoch, ...keys })
    this.#write(pair, epoch)
    onCard(card)
  }

  #write(pair: OwnPair, epoch: number): void {
    this.#pairs.push(pair)
    this.#restore.reset()
    this.#options.onPair(epoch, pair)
  }

  async #writable(count: number): Promise<OwnPair> {
    for (;;) {
      const pair = this.#current
      const { changes } = this.#restore
      const state = (await pair?.state()) ?? 'lost'
      if (this.#isClosed) throw new SwarmError('STORE_BUSY', 'The store is being closed; try again')
      if (pair !== undefined && state === 'ready' && !isFull(pair, count)) return pair
      if (state === 'restoring') {
        this.#wait()
        if (await this.#restore.wait(changes)) continue
      }
      await this.#beginNext(state)
    }
  }

  async #beginNext(state: OwnState): Promise<void> {
    const last = this.#newestCard
    if (last === undefined) return this.#begin(this.#firstEpoch())
    const why = {
      ready: 'the last one is full',
      restoring: 'no peer could give back what the last one has lost',
      lost: 'the last one is damaged'
    }[state]
    await this.#begin(last.epoch + 1)
    const text = `A new log was begun: ${why}. What peers have of it stays readable`
    this.#options.tell('new-logs', text)
  }

  #wait(): void {
    if (this.#restore.isWaiting) return
    this.#restore.begin()
    const text = 'A part of our own log is missing; it is fetched back before anything is added'
    this.#options.tell('restoring', text)
  }
}

function isFull({ basins, facts }: OwnPair, count: number): boolean {
  const blocks = Math.max(basins.core.length, facts.core.length) + 1 + count
  const bytes = facts.core.byteLength + count * FACT_BLOCK_BYTES_MAX
  return blocks > LOG_BLOCKS_MAX || bytes > LOG_BYTES_MAX
}
