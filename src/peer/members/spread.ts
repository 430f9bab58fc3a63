// Claims about members on their way to all others, as SWIM spreads them: each goes to a few neighbours a
// round, until it was told so often that theory says that everybody has it. Owns how often each was sent;
// what is claimed is membership.ts's.

import type { MemberClaim } from '../../wire/control.ts'
import type { PeerId } from '../../wire/ids.ts'

/** Neighbours told per round, and in all per claim and log2 of the members (SWIM's lambda). */
const FANOUT = 3
const RETRANSMIT_FACTOR = 3

export class Spread {
  readonly #claims = new Map<PeerId, { claim: MemberClaim; nSent: number }>()

  get isQuiet(): boolean {
    return this.#claims.size === 0
  }

  /** News, whatever was claimed of this member before. */
  begin(claim: MemberClaim): void {
    this.#claims.set(claim.key, { claim, nSent: 0 })
  }

  /** What was claimed of it is no news any more. */
  end(peer: PeerId): void {
    this.#claims.delete(peer)
  }

  /**
   * One round.
   * @param neighbours in random order.
   * @returns who is told, and the claims that each is told.
   */
  round(neighbours: PeerId[], nPresent: number): { to: PeerId[]; claims: MemberClaim[] } {
    const claims = [...this.#claims.values()].map(({ claim }) => claim)
    const to = neighbours.slice(0, FANOUT)
    const nSentMax = RETRANSMIT_FACTOR * Math.ceil(Math.log2(nPresent + 1))
    for (const told of this.#claims.values()) {
      told.nSent += to.length
      if (told.nSent >= nSentMax) this.end(told.claim.key)
    }
    return { to, claims }
  }
}
