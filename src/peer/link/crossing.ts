// Which of two connections to one peer stays. Pure. Two peers find each other in several ways at once, so
// connections cross, over TCP and UDX, each side seeing them in another order; and one that one side has
// lost may still look alive to the other. Both sides must keep the same one, and without a word about it:
//
// - Whoever opens a connection offers it (doorstep.ts) only while it has none that works. So where one
//   works nothing is ever replaced, and an offer says that the other side has lost what it had.
// - Offers that crossed each other are as young as the link they meet: then the greater key's stays.

/** A link that is there, as far as the choice depends on it. */
export interface Standing {
  /** Whether we opened its connection. */
  initiator: boolean
  kind: 'tcp' | 'udx'
  /** Whether anything came back on it: one that UDX opened may exist on our side only. */
  isAnswered: boolean
  /** Since both hellos; null before. */
  upForMs: number | null
}

/** A connection that was just opened, by us, or by the peer who then has offered it. */
export interface Newcomer {
  initiator: boolean
  kind: 'tcp' | 'udx'
}

/**
 * How long an offer may be on its way. A link that has been up for longer was up on the other side too
 * when the offer was made, so it must have been lost there.
 */
export const CROSSING_MS = 2000

/** @param isGreater whether our key is the greater one. */
export function takesOver(newcomer: Newcomer, standing: Standing, isGreater: boolean): boolean {
  if (newcomer.initiator) return !standing.isAnswered
  if (standing.upForMs !== null && standing.upForMs > CROSSING_MS) return true
  if (standing.initiator) return !isGreater
  // Of two from the same peer the later offer counts. They may overtake each other on two ways: then TCP,
  // since one over TCP works from the start and its peer offers no other.
  return newcomer.kind === 'tcp' || standing.kind === 'udx'
}
