// Which refused peers the user hears of: each now and then, and all together at a slow pace, because a
// peer may try again every second and a stranger may come with a new key each time. Pure but for the
// clock; the refusing is done where the connection is.

import { HINTS_MAX } from '../base/limits.ts'
import { Bucket } from '../base/bucket.ts'

import type { Clock } from '../base/clock.ts'
import type { SwarmError } from '../base/errors.ts'
import type { PeerId } from '../wire/ids.ts'

/** Between two reports of the same refused peer: it may try again every second. */
const REPORT_MS = 30_000
/** The same for a peer that the user shut out: it is no news. */
const SHUT_OUT_REPORT_MS = 600_000
/** Reports per second, and at once: a stranger can come with a new key each time. */
const REPORTS_PER_SECOND = 0.2
const REPORTS_BURST = 8

export class Refusals {
  readonly #clock: Clock
  readonly #reports: Bucket
  readonly #reportedMs = new Map<PeerId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#reports = new Bucket(clock, REPORTS_PER_SECOND, REPORTS_BURST)
  }

  /** Whether this refusal is to be told; then it is taken as told. */
  isNews(peer: PeerId, error: SwarmError): boolean {
    const nowMs = this.#clock.now()
    const pauseMs = error.code === 'PEER_REFUSED' ? SHUT_OUT_REPORT_MS : REPORT_MS
    const reportedMs = this.#reportedMs.get(peer) ?? -Infinity
    if (nowMs - reportedMs < pauseMs || !this.#reports.take()) return false
    if (this.#reportedMs.size >= HINTS_MAX) this.#reportedMs.clear()
    this.#reportedMs.set(peer, nowMs)
    return true
  }
}
