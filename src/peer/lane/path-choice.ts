// Whether a spare lane on another path takes over from the one in use. Pure: round trip times in, a
// verdict out. The lower key of the two peers asks it; the other side follows. Being moved costs little
// but not nothing (both directions drain, caches of the route cool), and measured times wobble with the
// load of both machines, so only a clear gain counts, and only when it is seen several times in a row.

/** The spare's round trip must be this many times shorter: cable against Wi-Fi or a VPN is 3 or more. */
export const BETTER_FACTOR = 1.5

/** And shorter by this: a token crosses a hop once, and 0.1 ms of it is 1 % of a fast token of 10 ms. */
export const GAIN_MIN_MS = 0.2

/** Rounds in a row that a spare must win. Each is the least of several pings on both lanes. */
export const WINS_NEEDED = 3

export type PathVerdict = 'move' | 'again' | 'keep'

/**
 * @param wins rounds that this spare has won so far, all it was in.
 * @param usedMs least round trip of the lane in use in this round; null when there is none and frames
 *               go over the link itself, which any lane is better than.
 * @param spareMs least round trip of the spare in this round.
 * @returns 'again': it won, and is to be measured once more; 'keep': it lost and may be closed.
 */
export function judgePath(wins: number, usedMs: number | null, spareMs: number): PathVerdict {
  if (usedMs === null) return 'move'
  const isBetter = spareMs * BETTER_FACTOR <= usedMs && usedMs - spareMs >= GAIN_MIN_MS
  if (!isBetter) return 'keep'
  return wins + 1 >= WINS_NEEDED ? 'move' : 'again'
}
