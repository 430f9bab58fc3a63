// When a neighbour counts as gone. Pure: it is told of every sign of life and of every tick, and counts
// only time in which this process was able to listen, so that a stall of our own loop (a garbage
// collection, a busy machine, a suspended laptop) is never blamed on the peer.
//
// Any byte is a sign of life. How long a silence is excused depends on the heartbeats (heartbeats.ts):
// while they come, on their jitter; where they cannot come, on what an ordered stream may lose.

import { every, type Clock, type Timer } from '../../base/clock.ts'
import { Jitter, silenceLimitMs } from './jitter.ts'

/** How often links look at their peers. Small beside the least limit, so that it adds little to it. */
export const TICK_MS = 50

/** Ticks between two pings: one each 250 ms, so that four in a row must be missing. */
export const PING_TICKS = 5

/**
 * Silence after which a peer is gone that no heartbeat reaches us from: with one tick on top it is noticed
 * within 1.5 s. Less one ping period, it is what a peer's own machine may stall before we give it up:
 * 1.1 s, since small and busy ones do stall for some hundred ms, and a lost segment is sent anew.
 */
export const SILENCE_LIMIT_MS = 1350

/**
 * Silence of the link's own connection after which it is given up although the peer is heard elsewhere:
 * its cable was pulled, or a box on the way forgot it. TCP that lost a few segments in a row is back by then.
 */
export const CONNECTION_LIMIT_MS = 3000

/** Gaps between heartbeats before they are relied on: a second says whether they get through. */
export const GAPS_TRUSTED = 10

/**
 * The part of the time between two ticks in which a peer could have been heard. A tick that comes late
 * by more than a period means that we were away; what was sent meanwhile is still unread.
 */
export function listenedMs(sinceLastTickMs: number): number {
  return Math.min(Math.max(sinceLastTickMs, 0), 2 * TICK_MS)
}

/** Like clock.after, but counts only time in which this process was able to listen. */
export function afterListening(clock: Clock, delayMs: number, fn: () => void): Timer {
  let lastMs = clock.now()
  let waitedMs = 0
  const timer = every(clock, TICK_MS, () => {
    const nowMs = clock.now()
    waitedMs += listenedMs(nowMs - lastMs)
    lastMs = nowMs
    if (waitedMs < delayMs) return
    timer.cancel()
    fn()
  })
  return timer
}

/** What is silent: the peer itself, or only the connection that the link has. */
export type Verdict = 'peer' | 'connection'

export class Silence {
  readonly #any: Stopwatch
  readonly #connection: Stopwatch
  /** Since the last heartbeat; null while none has come, or none comes any more. */
  #beat: Stopwatch | null = null
  #jitter = new Jitter()

  constructor(nowMs: number) {
    this.#any = new Stopwatch(nowMs)
    this.#connection = new Stopwatch(nowMs)
  }

  /** The silence that is excused now. */
  get limitMs(): number {
    return this.#isTrusted ? silenceLimitMs(this.#jitter.p99Ms) : SILENCE_LIMIT_MS
  }

  /** Of the heartbeats; null while they are not relied on. */
  get jitterMs(): number | null {
    return this.#isTrusted ? this.#jitter.p99Ms : null
  }

  /** Any byte of the peer is a sign of life. @param isOwn it came on the link's own connection. */
  heard(nowMs: number, isOwn = true): void {
    this.#any.restart(nowMs)
    if (isOwn) this.#connection.restart(nowMs)
  }

  /**
   * A heartbeat is one too, and tells how evenly they come.
   * @param gapMs since the one before, by the clock of who received it; null when that is not known.
   */
  beat(nowMs: number, gapMs: number | null): void {
    this.#any.restart(nowMs)
    this.#beat ??= new Stopwatch(nowMs)
    this.#beat.restart(nowMs)
    if (gapMs !== null) this.#jitter.sample(gapMs)
  }

  /** This machine was away, and the network may still be: the silence begins anew, with the long limit. */
  renew(nowMs: number): void {
    this.#any.restart(nowMs)
    this.#connection.restart(nowMs)
    this.#distrust()
  }

  /**
   * @param listenedMs of the time since the last tick.
   * @returns what has been silent for longer than its limit.
   */
  tick(listenedMs: number, nowMs: number): Verdict | null {
    const silentMs = this.#any.tick(listenedMs, nowMs)
    const unbeatenMs = this.#beat?.tick(listenedMs, nowMs) ?? 0
    const connectionMs = this.#connection.tick(listenedMs, nowMs)
    const isSilent = silentMs > this.limitMs
    // It was heard when heartbeats had failed for so long: they do not get through any more.
    if (unbeatenMs - silentMs > this.limitMs) this.#distrust()
    if (isSilent) return 'peer'
    return connectionMs > CONNECTION_LIMIT_MS ? 'connection' : null
  }

  get #isTrusted(): boolean {
    return this.#beat !== null && this.#jitter.nGaps >= GAPS_TRUSTED
  }

  #distrust(): void {
    this.#beat = null
    this.#jitter = new Jitter()
  }
}

/** Time since something in which we could have heard more, in ms. */
class Stopwatch {
  #startMs: number
  #listenedMs = 0

  constructor(nowMs: number) {
    this.#startMs = nowMs
  }

  restart(nowMs: number): void {
    this.#startMs = nowMs
    this.#listenedMs = 0
  }

  tick(sinceTickMs: number, nowMs: number): number {
    this.#listenedMs = Math.min(this.#listenedMs + sinceTickMs, nowMs - this.#startMs)
    return this.#listenedMs
  }
}
