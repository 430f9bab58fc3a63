// Flow C, what this peer publishes of its neighbours: how far each is, what the way carries and how fast
// its stages were seen to read weights; all in steps of 19 % that noise does not move. Pure: the time is an
// argument. Measuring is neighbour-watch.ts's, what follows for plans sharding/claims.ts's.

import { NEIGHBOURS_MAX } from '../base/limits.ts'
import { averageRate, quantiseRate, type Average } from '../sharding/profile.ts'
import { compareText } from '../sharding/integer.ts'

import type { MeasuredPath } from '../peer/lane/bursts.ts'
import type { PeerId } from '../wire/ids.ts'
import type { NeighbourRecord } from '../wire/record.ts'

/** Nothing is nearer: on one machine half of a round trip is about this, and no plan depends on less. */
const DELAY_LEAST_US = 50
/**
 * Delays looked back at, one for each half minute: what is in the way only ever adds, so the least of ten
 * minutes is the way's own. A way that got longer is believed after as much.
 */
const DELAYS = 20
export const DELAY_EVERY_MS = 30_000
/** A path is measured again after so long, and not sooner when its link was renewed: it costs 600 KB. */
const BANDWIDTH_KEPT_MS = 60 * 60_000
/** A link that was lost is told of for so long, as long as who is gone is remembered by others. */
const LOST_KEPT_MS = 10 * 60_000
/** What was seen of a stage counts for so long; then its owner is believed again. */
const SEEN_KEPT_MS = 60 * 60_000
/** Peers remembered beyond those that are linked now: they come back. */
const REMEMBERED_MAX = 64

/**
 * Megabits per second of a link without a lane: what UDX carried on a cable of a gigabit and on one
 * machine, in steps of 19 % (measured from 630 to 1100); slower ways show in their delay.
 */
const UDX_MBPS = 609

/** Plans wait so long for what a new link is like; one without a lane is then told by its pings. */
const SETTLE_MS = 2000
/** One with a lane that could not be measured is told by its pings after as long as this. */
const UNMEASURED_MS = 2 * DELAY_EVERY_MS

export type LaneKind = 'tcp' | 'udx'

interface Neighbour {
  lane: LaneKind | null
  /** Since when. */
  laneMs: number
  /** Of the last half minutes, the newest last. */
  delaysUs: number[]
  delayMs: number
  publishedUs: number | null
  bandwidth: { average: Average; published: number; measuredMs: number } | null
  seen: { mibps: number; atMs: number } | null
  publishedMiBps: number | null
  /** When its link was last there. */
  touchedMs: number
}

export class NeighbourTable {
  readonly #all = new Map<PeerId, Neighbour>()

  /** A round trip on the way that frames take now. @param rttMs null where it is not known yet. */
  delay(peer: PeerId, lane: LaneKind, rttMs: number | null, nowMs: number): void {
    const known = this.#of(peer, nowMs)
    if (known.lane !== lane) Object.assign(known, newWay(lane, nowMs))
    if (rttMs === null) return
    const delayUs = delayOf(rttMs)
    const isNext = known.delaysUs.length === 0 || nowMs - known.delayMs >= DELAY_EVERY_MS
    if (isNext) {
      known.delayMs = nowMs
      known.delaysUs = [...known.delaysUs, delayUs].slice(-DELAYS)
      known.publishedUs = quantiseRate(known.publishedUs, Math.min(...known.delaysUs))
      return
    }
    known.delaysUs.push(Math.min(delayUs, known.delaysUs.pop() as number))
    // Of a way that is new, less is told at once: the two ends may have been busy when it was measured.
    const isNew = known.delaysUs.length === 1
    if (isNew) known.publishedUs = quantiseRate(known.publishedUs, known.delaysUs[0] as number)
  }

  /** The path as it was measured: the first figures of a new link that count. */
  path(peer: PeerId, { rttMs, mbps }: MeasuredPath, nowMs: number): void {
    const known = this.#of(peer, nowMs)
    known.delaysUs.push(Math.min(delayOf(rttMs), known.delaysUs.pop() ?? Infinity))
    known.publishedUs = quantiseRate(known.publishedUs, Math.min(...known.delaysUs))
    const average = averageRate(known.bandwidth?.average ?? null, mbps)
    const published = quantiseRate(known.bandwidth?.published ?? null, average.rate)
    known.bandwidth = { average, published, measuredMs: nowMs }
  }

  /** A path that was not measured, or not for long. @param waitMs after its lane came. */
  needsPath(peer: PeerId, waitMs: number, nowMs: number): boolean {
    const { lane = null, laneMs = nowMs, bandwidth = null } = this.#all.get(peer) ?? {}
    if (lane !== 'tcp' || nowMs - laneMs < waitMs) return false
    return bandwidth === null || nowMs - bandwidth.measuredMs > BANDWIDTH_KEPT_MS
  }

  /** A stage of this peer read weights at this rate; of an hour the fastest counts. */
  seen(peer: PeerId, mibps: number, nowMs: number): void {
    const known = this.#of(peer, this.#all.get(peer)?.touchedMs ?? nowMs)
    const before = known.seen
    if (before === null || mibps >= before.mibps || nowMs - before.atMs > SEEN_KEPT_MS) {
      known.seen = { mibps, atMs: nowMs }
      known.publishedMiBps = quantiseRate(known.publishedMiBps, mibps)
    }
  }

  /**
   * Who is not among these is out of reach, for a moment or for good. What is known of the way there is
   * told for a while longer: without it plans would take a far peer whose link comes and goes for a near one.
   */
  keep(linked: ReadonlySet<PeerId>, nowMs: number): void {
    for (const [peer, known] of this.#all) {
      if (linked.has(peer) || known.lane === null) continue
      // The next path may be another one: it begins with its own first figure.
      if (known.bandwidth !== null) known.bandwidth.average.samples = 0
      if (nowMs - known.touchedMs < LOST_KEPT_MS) continue
      Object.assign(known, newWay(null, nowMs))
    }
  }

  /** Whether something is still to be measured that will be published in a moment. */
  isSettling(peer: PeerId, nowMs: number): boolean {
    const known = this.#all.get(peer)
    return known === undefined || (!isTold(known, nowMs) && nowMs - known.laneMs <= SETTLE_MS)
  }

  /** What to say of them, ascending by key; of more than fit the farthest: the others are ordinary. */
  records(nowMs: number): NeighbourRecord[] {
    const records = [...this.#all].map(([peer, known]) => recordOf(peer, known, nowMs))
    return records
      .filter(({ delayUs, seenMiBps }) => delayUs > 0 || seenMiBps > 0)
      .toSorted((a, b) => b.delayUs - a.delayUs || compareText(a.peer, b.peer))
      .slice(0, NEIGHBOURS_MAX)
      .toSorted((a, b) => compareText(a.peer, b.peer))
  }

  #of(peer: PeerId, nowMs: number): Neighbour {
    const known = this.#all.get(peer) ?? {
      ...newWay(null, nowMs),
      seen: null,
      publishedMiBps: null,
      touchedMs: nowMs
    }
    known.touchedMs = nowMs
    this.#all.set(peer, known)
    if (this.#all.size > REMEMBERED_MAX) this.#forgetOldest()
    return known
  }

  #forgetOldest(): void {
    const idle = [...this.#all].filter(([, { lane }]) => lane === null)
    const [oldest] = idle.toSorted((a, b) => a[1].touchedMs - b[1].touchedMs)
    if (oldest !== undefined) this.#all.delete(oldest[0])
  }
}

/** Nothing that was measured of another way holds for it, nor is it told before it is measured itself. */
function newWay(lane: LaneKind | null, nowMs: number) {
  return { lane, laneMs: nowMs, delaysUs: [], delayMs: 0, publishedUs: null, bandwidth: null }
}

function delayOf(rttMs: number): number {
  return Math.max(DELAY_LEAST_US, Math.ceil((rttMs * 1000) / 2))
}

/**
 * Pings of a peer that is just starting, or of ours, wait for whatever keeps it busy: the first ones were
 * seen to take a thousand times as long as the way. Measuring a path sends several in a row.
 */
function isTold({ lane, laneMs, publishedUs, bandwidth }: Neighbour, nowMs: number): boolean {
  if (publishedUs === null) return false
  const isMeasured = lane === 'tcp' && bandwidth !== null
  return isMeasured || nowMs - laneMs > (lane === 'udx' ? SETTLE_MS : UNMEASURED_MS)
}

function recordOf(peer: PeerId, known: Neighbour, nowMs: number): NeighbourRecord {
  const { lane, publishedUs, bandwidth, seen, publishedMiBps } = known
  const isSeen = seen !== null && nowMs - seen.atMs <= SEEN_KEPT_MS
  const measured = lane === 'udx' ? UDX_MBPS : (bandwidth?.published ?? 0)
  const delayUs = isTold(known, nowMs) ? (publishedUs ?? 0) : 0
  return {
    peer,
    delayUs,
    mbps: delayUs === 0 ? 0 : measured,
    seenMiBps: isSeen ? (publishedMiBps ?? 0) : 0
  }
}
