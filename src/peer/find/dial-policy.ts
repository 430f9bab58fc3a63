// When a hint is worth a dial. Pure. Hints come every second from every machine in reach, and anybody
// can forge them, so dials are few: one side of a pair dials, the other steps in only if nothing comes
// of it, and each key and all keys together have their pace. Bounded in peers and in addresses.

import { HINTS_MAX, HINT_ADDRESSES_MAX } from '../../base/limits.ts'

import type { PeerId } from '../../wire/ids.ts'

/** Between two dials to one peer; hyperswarm's own retries come on top. */
const DIAL_INTERVAL_MS = 1000
/**
 * How long the side that should not dial waits for the one that should: on a LAN that takes 20 ms, and
 * where a firewall lets only one side through, two machines are still to meet within a second.
 */
const STEP_IN_MS = 500
/** An address that no beacon has confirmed for so long is not tried any more. */
const ADDRESS_AGE_MAX_MS = 5000
/** A peer unheard for so long is forgotten. */
const HINT_AGE_MAX_MS = 60_000

/** Where a peer was heard. */
export interface HintAddress {
  /** With its zone when it is IPv6 link-local. */
  host: string
  family: 'IPv4' | 'IPv6'
  /** UDP port of its DHT node, which speaks IPv4 only. */
  dhtPort: number
  /** TCP port for links and lanes; 0: none. */
  lanePort: number
}

interface Hinted {
  addresses: Map<string, { address: HintAddress; heardMs: number }>
  firstMs: number
  heardMs: number
  dialledMs: number
  heldUntilMs: number
}

export class DialPolicy {
  readonly #self: PeerId
  readonly #hinted = new Map<PeerId, Hinted>()
  /** When a peer was last dialled anew, also of peers that no beacon told of. */
  readonly #againMs = new Map<PeerId, number>()

  constructor(self: PeerId) {
    this.#self = self
  }

  /**
   * Notes a hint: this peer can be dialled there.
   * @returns a peer that is forgotten for it because there are too many, or null.
   */
  hint(peer: PeerId, address: HintAddress, nowMs: number): PeerId | null {
    let hinted = this.#hinted.get(peer)
    let forgotten: PeerId | null = null
    if (hinted === undefined) {
      if (this.#hinted.size >= HINTS_MAX) forgotten = this.#evict()
      hinted = {
        addresses: new Map(),
        firstMs: nowMs,
        heardMs: nowMs,
        dialledMs: -Infinity,
        heldUntilMs: -Infinity
      }
      this.#hinted.set(peer, hinted)
    }
    hinted.heardMs = nowMs
    const key = address.host // after a restart with other ports the old ones are of no use
    hinted.addresses.delete(key)
    hinted.addresses.set(key, { address, heardMs: nowMs })
    if (hinted.addresses.size > HINT_ADDRESSES_MAX) {
      hinted.addresses.delete(hinted.addresses.keys().next().value as string)
    }
    return forgotten
  }

  /** @returns whether to dial this unconnected peer now; if so, it is taken for done. */
  takeDial(peer: PeerId, nowMs: number): boolean {
    const hinted = this.#hinted.get(peer)
    if (hinted === undefined) return false
    // The greater key dials: of two crossing connections hyperswarm keeps its one.
    const dialsFromMs = this.#self > peer ? hinted.firstMs : hinted.firstMs + STEP_IN_MS
    const waitMs = Math.max(dialsFromMs, hinted.dialledMs + DIAL_INTERVAL_MS, hinted.heldUntilMs)
    if (nowMs < waitMs) return false
    hinted.dialledMs = nowMs
    return true
  }

  /**
   * Two connections crossed, and each side gave up another one: the side that should dial does so at
   * once, though not again and again. @returns as takeDial.
   */
  takeAgain(peer: PeerId, nowMs: number): boolean {
    const hinted = this.#hinted.get(peer)
    const lastMs = this.#againMs.get(peer) ?? -Infinity
    if (this.#self < peer || nowMs < lastMs + DIAL_INTERVAL_MS) return false
    if (hinted !== undefined && nowMs < hinted.heldUntilMs) return false
    if (this.#againMs.size >= HINTS_MAX) this.#againMs.clear()
    this.#againMs.set(peer, nowMs)
    if (hinted !== undefined) hinted.dialledMs = nowMs
    return true
  }

  /** Where to dial a peer, the address confirmed last first. */
  addresses(peer: PeerId, nowMs: number): HintAddress[] {
    const all = [...(this.#hinted.get(peer)?.addresses.values() ?? [])]
    return all
      .filter(({ heardMs }) => nowMs - heardMs <= ADDRESS_AGE_MAX_MS)
      .toSorted((a, b) => b.heardMs - a.heardMs)
      .map(({ address }) => address)
  }

  /** Not to be dialled for a while: it was refused, or asked to be left alone. */
  hold(peer: PeerId, untilMs: number): void {
    const hinted = this.#hinted.get(peer)
    if (hinted !== undefined) hinted.heldUntilMs = untilMs
  }

  /** A link was lost: the pair starts anew, and the side that should dial goes first again. */
  restart(peer: PeerId, nowMs: number): void {
    const hinted = this.#hinted.get(peer)
    if (hinted !== undefined) hinted.firstMs = nowMs
  }

  /** @returns peers that have not been heard for long and are now forgotten. */
  expire(nowMs: number): PeerId[] {
    const old = [...this.#hinted].filter(([, { heardMs }]) => nowMs - heardMs > HINT_AGE_MAX_MS)
    for (const [peer] of old) this.#hinted.delete(peer)
    return old.map(([peer]) => peer)
  }

  #evict(): PeerId {
    const [oldest] = [...this.#hinted].reduce((a, b) => (b[1].heardMs < a[1].heardMs ? b : a))
    this.#hinted.delete(oldest)
    return oldest
  }
}
