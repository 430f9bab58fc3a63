// Which logs of a topic are followed: the cards that we know, and whom we have each from. Pure; signatures
// were checked before. Whoever is a member can sign cards of authors that it made up, so what one peer
// introduces is bounded, and an author that comes with its own card takes the place of one that was only
// heard of.

import { LOG_AUTHORS_INTRODUCED_MAX, LOG_AUTHORS_MAX, LOG_EPOCHS_MAX } from '../../base/limits.ts'

import type { PeerId } from '../../wire/ids.ts'
import type { LogCard } from '../../wire/log-card.ts'

export interface KnownCard {
  card: LogCard
  /** The peer that told us; the author itself once it has. */
  via: PeerId
}

export type CardVerdict =
  /** It is in the book now; what it displaced is not. */
  | { is: 'new'; dropped: LogCard[] }
  | { is: 'known' }
  /** Another card of this author and epoch was there first. */
  | { is: 'contradiction' }
  /** Older than all that are followed of its author. */
  | { is: 'old' }
  /** No room for another author. */
  | { is: 'full' }

export class CardBook {
  readonly #self: PeerId
  readonly #authors = new Map<PeerId, Map<number, KnownCard>>()

  /** @param self whose own logs always have room. */
  constructor(self: PeerId) {
    this.#self = self
  }

  get all(): KnownCard[] {
    return [...this.#authors.values()].flatMap((cards) => [...cards.values()])
  }

  /** Of one author, oldest first. */
  of(author: PeerId): LogCard[] {
    const cards = [...(this.#authors.get(author)?.values() ?? [])].map(({ card }) => card)
    return cards.toSorted((a, b) => a.epoch - b.epoch)
  }

  /** @param from the peer that sent it. */
  take(card: LogCard, from: PeerId): CardVerdict {
    const { author, epoch } = card
    const cards = this.#authors.get(author)
    if (cards === undefined) return this.#takeAuthor(card, from)
    const same = cards.get(epoch)
    if (same !== undefined) {
      if (!isSame(same.card, card)) return { is: 'contradiction' }
      if (from === author) same.via = from
      return { is: 'known' }
    }
    const oldest = Math.min(...cards.keys())
    if (cards.size >= LOG_EPOCHS_MAX && epoch < oldest) return { is: 'old' }
    const dropped = cards.size < LOG_EPOCHS_MAX ? [] : [cards.get(oldest) as KnownCard]
    if (dropped.length > 0) cards.delete(oldest)
    cards.set(epoch, { card, via: from })
    return { is: 'new', dropped: dropped.map((known) => known.card) }
  }

  #takeAuthor(card: LogCard, from: PeerId): CardVerdict {
    const { author, epoch } = card
    const isHearsay = from !== author && author !== this.#self
    const introduced = this.#introduced()
    if (isHearsay && (introduced.get(from)?.length ?? 0) >= LOG_AUTHORS_INTRODUCED_MAX) {
      return { is: 'full' }
    }
    let dropped: LogCard[] = []
    const others = this.#authors.size - Number(this.#authors.has(this.#self))
    if (author !== this.#self && others >= LOG_AUTHORS_MAX) {
      if (isHearsay) return { is: 'full' }
      // Of the peer that introduced most, the author that came last.
      const most = [...introduced.values()].toSorted((a, b) => b.length - a.length)[0]
      const victim = most?.at(-1)
      if (victim === undefined) return { is: 'full' }
      dropped = this.of(victim)
      this.#authors.delete(victim)
    }
    this.#authors.set(author, new Map([[epoch, { card, via: from }]]))
    return { is: 'new', dropped }
  }

  /** Authors that have not come themselves, by who told of them, in the order of coming. */
  #introduced(): Map<PeerId, PeerId[]> {
    const result = new Map<PeerId, PeerId[]>()
    for (const [author, cards] of this.#authors) {
      const vias = [...cards.values()].map(({ via }) => via)
      const [via] = vias
      if (via === undefined || author === this.#self || vias.includes(author)) continue
      result.set(via, [...(result.get(via) ?? []), author])
    }
    return result
  }
}

function isSame(a: LogCard, b: LogCard): boolean {
  return a.basins === b.basins && a.facts === b.facts
}
