// The logs of the shared memory on the links: each link that is up gets the logs of the topic on its own
// connection, and the cards that say which these are; new cards go to everybody. Declares what it needs of
// the store, which opens after the first link may be up, or never. Never opens a log, and judges no card:
// knowledge/ does both.

import { LOG_CARDS_MAX } from '../base/limits.ts'

import type { ControlMessage } from '../wire/control.ts'
import type { PeerId } from '../wire/ids.ts'
import type { LogCard } from '../wire/log-card.ts'

/** The store's side, as knowledge/knowledge.ts has it. */
export interface LogPort {
  /** @param mux Protomux of the connection of a link that is up. */
  attach(peer: PeerId, mux: unknown): void
  detach(peer: PeerId): void
  /** Of the logs that this peer writes; null while there are none. */
  ownCard(): LogCard | null
  /** Every card that is known. */
  cards(): LogCard[]
  onCards(from: PeerId, cards: LogCard[]): void
  /** Sets who is told of cards that are new; `from` is who told them. */
  onNews(handler: (cards: LogCard[], from: PeerId | null) => void): void
}

/** A link that is up, as far as logs go. */
export interface LogLink {
  readonly peer: PeerId
  readonly mux: unknown
  readonly hello: { logs: LogCard | null }
  send(message: ControlMessage): void
}

export class LogExchange {
  readonly #links = new Map<PeerId, LogLink>()
  /** What came before the store was open, of each link. */
  readonly #early = new Map<PeerId, LogCard[]>()
  #port: LogPort | null = null

  /** The store is open; once. */
  open(port: LogPort): void {
    this.#port = port
    port.onNews((cards, from) => {
      for (const link of this.#links.values()) if (link.peer !== from) sendCards(link, cards)
    })
    for (const link of this.#links.values()) this.#begin(port, link)
  }

  /** For our hello; null before the store is open. */
  get ownCard(): LogCard | null {
    return this.#port?.ownCard() ?? null
  }

  linkUp(link: LogLink): void {
    this.#links.set(link.peer, link)
    if (link.hello.logs !== null) this.#early.set(link.peer, [link.hello.logs])
    if (this.#port !== null) this.#begin(this.#port, link)
  }

  linkDown(peer: PeerId): void {
    this.#early.delete(peer)
    if (this.#links.delete(peer)) this.#port?.detach(peer)
  }

  receive(peer: PeerId, cards: LogCard[]): void {
    if (this.#port !== null) this.#port.onCards(peer, cards)
    else {
      const early = [...(this.#early.get(peer) ?? []), ...cards]
      this.#early.set(peer, early.slice(0, LOG_CARDS_MAX))
    }
  }

  #begin(port: LogPort, link: LogLink): void {
    port.attach(link.peer, link.mux)
    sendCards(link, port.cards())
    const early = this.#early.get(link.peer) ?? []
    this.#early.delete(link.peer)
    if (early.length > 0) port.onCards(link.peer, early)
  }
}

function sendCards(link: LogLink, cards: LogCard[]): void {
  for (let at = 0; at < cards.length; at += LOG_CARDS_MAX) {
    link.send({ type: 'log-cards', cards: cards.slice(at, at + LOG_CARDS_MAX) })
  }
}
