// Flow C, who looks at the links: their round trips as they come, and once what each path carries. Owns the
// pace; what is made of it is neighbour-table.ts's.

import { every, type Clock, type Timer } from '../base/clock.ts'
import { NeighbourTable } from './neighbour-table.ts'

import type { MeasuredPath } from '../peer/lane/bursts.ts'
import type { LinkInfo } from '../peer/network-options.ts'
import type { PeerId } from '../wire/ids.ts'
import type { NeighbourRecord } from '../wire/record.ts'

/** As often as links are pinged, so that a new one is known in a moment. */
const LOOK_MS = 250
/**
 * After a lane is there both ends measure it, the one with the higher key so much later: beside each other
 * they would measure half.
 */
const UPPER_WAITS_MS = 500
/** Between two measurements of one path: one may come to nothing, and lanes may come and go. */
const RETRY_MS = 60_000

export interface NeighbourWatchOptions {
  self: PeerId
  clock: Clock
  links: () => Pick<LinkInfo, 'peer' | 'lane' | 'rttMs' | 'upMs'>[]
  /** Sends some hundred KB; null when it came to nothing. */
  measurePath: (peer: PeerId) => Promise<MeasuredPath | null>
  /** There is something else to publish than before. */
  onChange: (neighbours: NeighbourRecord[]) => void
}

export class NeighbourWatch {
  readonly #options: NeighbourWatchOptions
  readonly #table = new NeighbourTable()
  readonly #retryMs = new Map<PeerId, number>()
  readonly #timer: Timer
  #isMeasuring = false
  #published = '[]'

  constructor(options: NeighbourWatchOptions) {
    this.#options = options
    this.#timer = every(options.clock, LOOK_MS, () => this.#look())
  }

  /** Whether a link is so new that what plans count with is still to come. */
  get isSettling(): boolean {
    const nowMs = this.#options.clock.now()
    const links = this.#options.links()
    return links.some(({ peer, lane }) => lane !== null && this.#table.isSettling(peer, nowMs))
  }

  /** A stage of this peer read weights at this rate in a session that was begun here. */
  seen(peer: PeerId, mibps: number): void {
    this.#table.seen(peer, mibps, this.#options.clock.now())
    this.#publish()
  }

  close(): void {
    this.#timer.cancel()
  }

  #look(): void {
    const { clock, links } = this.#options
    const nowMs = clock.now()
    const linked = new Set<PeerId>()
    for (const { peer, lane, rttMs } of links()) {
      if (lane === null) continue
      linked.add(peer)
      this.#table.delay(peer, lane, rttMs, nowMs)
      if (!this.#isMeasuring && this.#isDue(peer, nowMs)) void this.#measure(peer)
    }
    this.#table.keep(linked, nowMs)
    for (const [peer, untilMs] of this.#retryMs) if (untilMs <= nowMs) this.#retryMs.delete(peer)
    this.#publish()
  }

  #isDue(peer: PeerId, nowMs: number): boolean {
    if (nowMs < (this.#retryMs.get(peer) ?? 0)) return false
    const waitMs = this.#options.self < peer ? 0 : UPPER_WAITS_MS
    return this.#table.needsPath(peer, waitMs, nowMs)
  }

  async #measure(peer: PeerId): Promise<void> {
    const { clock, measurePath } = this.#options
    this.#isMeasuring = true
    this.#retryMs.set(peer, clock.now() + RETRY_MS)
    try {
      const path = await measurePath(peer)
      if (path === null) return
      this.#table.path(peer, path, clock.now())
      this.#publish()
    } finally {
      this.#isMeasuring = false
    }
  }

  #publish(): void {
    const records = this.#table.records(this.#options.clock.now())
    const text = JSON.stringify(records)
    if (text === this.#published) return
    this.#published = text
    this.#options.onChange(records)
  }
}
