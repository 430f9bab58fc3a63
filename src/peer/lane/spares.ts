// The proven lanes to one peer that carry nothing: new ones until it is said what they are for, those on
// other paths while they are compared with the one in use, and one that was left until it is closed.
// Owns them and measures them; the verdict is path-choice.ts's, and whoever owns this object acts on it.
// Bounded in number and in time.

import { SwarmError } from '../../base/errors.ts'
import { LANE_SPARES_MAX } from '../../base/limits.ts'
import { judgePath } from './path-choice.ts'

import type { Lane } from './lane.ts'

/** Time for a spare to be named, measured and judged, with nothing left to send: that takes a second or
 * two, on a slow path as well. */
const SPARE_LIMIT_MS = 10_000

/** With more than this to send on the lane in use, its round trip is that of its queue: not measured. */
const BUSY_BYTES = 64 * 2 ** 10

interface Spare {
  ageMs: number
  /** Whether it may carry session frames, as far as we know. */
  offered: boolean
  wins: number
}

export class Spares {
  readonly #spares = new Map<Lane, Spare>()
  readonly #onBetter: (lane: Lane) => void
  #isMeasuring = false

  /** @param onBetter a spare that is to take over; it is no spare any more. */
  constructor(onBetter: (lane: Lane) => void) {
    this.#onBetter = onBetter
  }

  get count(): number {
    return this.#spares.size
  }

  has(lane: Lane): boolean {
    return this.#spares.has(lane)
  }

  add(lane: Lane, offered: boolean): void {
    this.#spares.set(lane, { ageMs: 0, offered, wins: 0 })
    const [oldest] = this.#spares.keys()
    if (oldest && this.#spares.size > LANE_SPARES_MAX) this.#drop(oldest)
  }

  offered(lane: Lane): void {
    const spare = this.#spares.get(lane)
    if (spare !== undefined) spare.offered = true
  }

  /** Lets go of it, without closing it. @returns whether it was one. */
  take(lane: Lane): boolean {
    return this.#spares.delete(lane)
  }

  /** Any that may carry session frames, to be used at once. */
  takeOffered(): Lane | null {
    for (const [lane, { offered }] of this.#spares) {
      if (offered && this.#spares.delete(lane)) return lane
    }
    return null
  }

  tick(listenedMs: number, pingNow: boolean): void {
    for (const [lane, spare] of this.#spares) {
      if (lane.backlogBytes === 0) spare.ageMs += listenedMs
      if (spare.ageMs > SPARE_LIMIT_MS) this.#drop(lane)
      else lane.tick(listenedMs, pingNow)
    }
  }

  /** A round of comparing all of them with the lane in use; null: the link itself is used. */
  compare(used: Lane | null): void {
    const lanes = [...this.#spares].filter(([, { offered }]) => offered).map(([lane]) => lane)
    if (this.#isMeasuring || lanes.length === 0) return
    if (used !== null && used.backlogBytes > BUSY_BYTES) return
    this.#isMeasuring = true
    let left = lanes.length + (used === null ? 0 : 1)
    let usedMs: number | null = null
    const spareMs = new Map<Lane, number>()
    const done = () => {
      if (--left > 0) return
      this.#isMeasuring = false
      this.#judge(usedMs, spareMs)
    }
    used?.measure((leastMs) => {
      usedMs = leastMs
      done()
    })
    for (const lane of lanes) {
      lane.measure((leastMs) => {
        spareMs.set(lane, leastMs)
        done()
      })
    }
  }

  /** One of those being measured is gone, so that the round will not end. */
  interrupt(): void {
    this.#isMeasuring = false
  }

  close(): void {
    for (const lane of this.#spares.keys()) this.#drop(lane)
  }

  #judge(usedMs: number | null, spareMs: Map<Lane, number>): void {
    const winners: Lane[] = []
    for (const [lane, leastMs] of spareMs) {
      const spare = this.#spares.get(lane)
      if (spare === undefined) continue
      const verdict = judgePath(spare.wins, usedMs, leastMs)
      if (verdict === 'keep') this.#drop(lane)
      else spare.wins++
      if (verdict === 'move') winners.push(lane)
    }
    const timeOf = (lane: Lane) => spareMs.get(lane) ?? Infinity
    const best = winners.toSorted((a, b) => timeOf(a) - timeOf(b))[0]
    if (best !== undefined && this.#spares.delete(best)) this.#onBetter(best)
  }

  #drop(lane: Lane): void {
    this.#spares.delete(lane)
    lane.close(new SwarmError('PEER_GONE', 'A spare lane was not needed'))
  }
}
