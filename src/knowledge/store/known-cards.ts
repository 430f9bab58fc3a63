// The cards of one topic that we hold, checked, bounded and remembered: signature and rate on the way in, the
// book's choice, the file on disk. Says what each message of a peer comes to; following the logs is
// log-set.ts's.

import { Bucket } from '../../base/bucket.ts'
import { DIRECTORY_RECORDS_MAX, LOG_CARDS_BURST, LOG_CARDS_PER_SECOND } from '../../base/limits.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import { logStatement, type LogCard, type LogPair } from '../../wire/log-card.ts'
import { CardBook } from './card-book.ts'
import { readCards, writeCards } from './card-file.ts'

import type { Clock } from '../../base/clock.ts'
import type { KnowledgeEvent, Signer } from '../ports.ts'

export interface Taken {
  fresh: LogCard[]
  /** Those whose place they take. */
  dropped: LogCard[]
  /** Peers have other logs under the number of those that we write, and keep to them. */
  isContradicted: boolean
}

export interface CardPorts {
  signer: Signer
  clock: Clock
  onEvent(event: KnowledgeEvent): void
}

export class KnownCards {
  readonly #path: string
  /** Discovery key, or zeros for the logs of this machine alone. */
  readonly #topic: Uint8Array
  readonly #ports: CardPorts
  readonly #book: CardBook
  readonly #buckets = new Map<PeerId, Bucket>()
  #saving: Promise<void> = Promise.resolve()

  /** @param path of their file. */
  constructor(path: string, topic: Uint8Array | null, ports: CardPorts) {
    this.#path = path
    this.#topic = topic ?? new Uint8Array(32)
    this.#ports = ports
    this.#book = new CardBook(ports.signer.id)
  }

  /** @throws what reading throws. */
  async load(): Promise<void> {
    for (const { card, via } of await readCards(this.#path)) {
      if (this.#isSigned(card)) this.#book.take(card, via)
    }
  }

  get all(): LogCard[] {
    return this.#book.all.map(({ card }) => card)
  }

  /** Of one author, oldest first. */
  of(author: PeerId): LogCard[] {
    return this.#book.of(author)
  }

  /** The card of logs of ours that were just begun; on disk when it resolves. */
  async sign(logs: LogPair): Promise<LogCard> {
    const { signer } = this.#ports
    const card = { ...logs, signature: signer.sign(logStatement(this.#topic, logs)) }
    this.#book.take(card, signer.id)
    await this.#save()
    return card
  }

  /** What a peer says about logs, its own or others'. */
  take(from: PeerId, cards: LogCard[]): Taken {
    const fresh: LogCard[] = []
    const dropped: LogCard[] = []
    let isContradicted = false
    for (const card of cards) {
      if (!this.#isKnown(card) && !this.#isGood(from, card)) continue
      const verdict = this.#book.take(card, from)
      const { author, epoch } = card
      if (verdict.is === 'new') {
        fresh.push(card)
        dropped.push(...verdict.dropped)
      } else if (verdict.is === 'contradiction') {
        isContradicted ||= author === this.#ports.signer.id && epoch === this.#newestOwn
        const text = `${shortId(author)} signed two different logs as number ${epoch}`
        this.#tell('fault', author, `${text}; the first one stays`)
      } else if (verdict.is === 'full') {
        this.#tell('refused', from, `${shortId(from)} tells of more authors than are followed here`)
      }
    }
    return { fresh, dropped, isContradicted }
  }

  /** Puts the file in step. @throws what writing throws. */
  save(): Promise<void> {
    return this.#save()
  }

  async close(): Promise<void> {
    await this.#saving
  }

  get #newestOwn(): number | undefined {
    return this.#book.of(this.#ports.signer.id).at(-1)?.epoch
  }

  #isKnown({ author, epoch, basins, facts }: LogCard): boolean {
    const known = this.#book.of(author).find((card) => card.epoch === epoch)
    return known?.basins === basins && known.facts === facts
  }

  #isGood(from: PeerId, card: LogCard): boolean {
    if (!this.#bucket(from).take()) {
      this.#tell('flood', from, `${shortId(from)} sends more log cards than are looked at`)
      return false
    }
    if (this.#isSigned(card)) return true
    this.#tell('fault', from, `${shortId(from)} sent a log card that its author did not sign`)
    return false
  }

  #bucket(from: PeerId): Bucket {
    const found = this.#buckets.get(from)
    if (found !== undefined) return found
    const bucket = new Bucket(this.#ports.clock, LOG_CARDS_PER_SECOND, LOG_CARDS_BURST)
    this.#buckets.set(from, bucket)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > DIRECTORY_RECORDS_MAX) this.#buckets.delete(oldest as PeerId)
    return bucket
  }

  #isSigned(card: LogCard): boolean {
    const statement = logStatement(this.#topic, card)
    return this.#ports.signer.verify(card.author, statement, card.signature)
  }

  #save(): Promise<void> {
    const next = this.#saving.then(() => writeCards(this.#path, this.#book.all))
    this.#saving = next.catch(() => {})
    return next
  }

  #tell(kind: KnowledgeEvent['kind'], author: PeerId, text: string): void {
    this.#ports.onEvent({ kind, author, text })
  }
}
