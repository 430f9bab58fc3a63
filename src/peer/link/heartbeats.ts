// The heartbeats of all links: every BEAT_INTERVAL_MS one datagram to each linked neighbour, and the
// check of those that arrive. Owns the numbers against replay, the round trip times and where a neighbour
// was last heard, which is where heartbeats to it go; so an address translation on the way does no harm.
// Knows no socket and no link: it is driven by heartbeat-thread.ts, and what is heard is judged in
// silence.ts. Nobody is answered, so a forged datagram cannot make this process send anything.

import { HEARTBEATS_BURST, HEARTBEATS_PER_SECOND } from '../../base/limits.ts'
import {
  addressedLink,
  decodeHeartbeat,
  encodeHeartbeat,
  heartbeatAddress
} from '../../wire/heartbeat.ts'
import { Bucket } from '../../base/bucket.ts'
import { BEAT_INTERVAL_MS } from './jitter.ts'
import { RttEstimate } from './rtt.ts'

import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { Address } from '../address.ts'

/** A neighbour unheard for so long is looked for again wherever it may be. */
const LOST_MS = 3000
/** Sent heartbeats whose time is known, for the round trip: 6 s of them. */
const SENT_KEPT = 64

/** A linked neighbour, as both sides' hellos describe it. Plain data: it goes to another thread. */
export interface BeatNeighbour {
  peer: PeerId
  /** Drawn by us: under this one its heartbeats come. */
  ownKey: Uint8Array
  /** Drawn by it: under this one ours go. */
  theirKey: Uint8Array
  /** Where it may be reached, likeliest first. */
  addresses: Address[]
}

export interface HeartbeatsHandlers {
  send(bytes: Uint8Array, to: Address): void
  onBeat(beat: Beat): void
}

/** An authentic heartbeat was heard. */
export interface Beat {
  peer: PeerId
  /** Since the one before; null for the first, and when a stall of our own has made it longer. */
  gapMs: number | null
  /** Round trip time; null until one could be measured. */
  rttMs: number | null
}

interface Beating {
  neighbour: BeatNeighbour
  theirAddress: bigint
  checks: Bucket
  rtt: RttEstimate
  /** Number of the newest one sent, and when each of the last ones was. */
  number: number
  sentMs: Map<number, number>
  /** Of the newest one heard; 0 for none. */
  heard: number
  heardMs: number
  /** Where that came from; null: not heard lately. */
  from: Address | null
  nextAddress: number
}

export class Heartbeats {
  readonly #clock: Clock
  readonly #handlers: HeartbeatsHandlers
  readonly #byAddress = new Map<bigint, Beating>()
  readonly #byPeer = new Map<PeerId, bigint>()
  #tickMs: number
  /** The end of our last stall. */
  #stalledMs = -Infinity

  constructor(clock: Clock, handlers: HeartbeatsHandlers) {
    this.#clock = clock
    this.#handlers = handlers
    this.#tickMs = clock.now()
  }

  /** Begins with a neighbour; what there was with the same one before ends. */
  add(neighbour: BeatNeighbour): void {
    this.remove(neighbour.peer)
    const address = heartbeatAddress(neighbour.ownKey)
    this.#byPeer.set(neighbour.peer, address)
    this.#byAddress.set(address, {
      neighbour,
      theirAddress: heartbeatAddress(neighbour.theirKey),
      checks: new Bucket(this.#clock, HEARTBEATS_PER_SECOND, HEARTBEATS_BURST),
      rtt: new RttEstimate(),
      number: 0,
      sentMs: new Map(),
      heard: 0,
      heardMs: -Infinity,
      from: null,
      nextAddress: 0
    })
  }

  remove(peer: PeerId): void {
    const address = this.#byPeer.get(peer)
    if (address === undefined) return
    this.#byPeer.delete(peer)
    this.#byAddress.delete(address)
  }

  /** To be called every BEAT_INTERVAL_MS. */
  tick(): void {
    this.#noteStall(this.#clock.now())
    this.#tickMs = this.#clock.now()
    for (const beating of this.#byAddress.values()) this.#send(beating)
  }

  /** A datagram from anybody. */
  receive(bytes: Uint8Array, source: Address): void {
    const address = addressedLink(bytes)
    const beating = address === null ? undefined : this.#byAddress.get(address)
    if (beating === undefined || !beating.checks.take()) return
    const { neighbour, rtt, sentMs } = beating
    const heartbeat = decodeHeartbeat(bytes, neighbour.ownKey, beating.heard)
    if (heartbeat === null) return
    const nowMs = this.#clock.now()
    this.#noteStall(nowMs)
    const isKnown = beating.heard > 0 && beating.heardMs >= this.#stalledMs
    const gapMs = isKnown ? nowMs - beating.heardMs : null
    beating.heard = heartbeat.number
    beating.heardMs = nowMs
    beating.from = source
    const echoedMs = sentMs.get(heartbeat.heard)
    if (echoedMs !== undefined) {
      sentMs.delete(heartbeat.heard)
      rtt.sample(Math.max(0, nowMs - echoedMs - heartbeat.heardAgoUs / 1000))
    }
    this.#handlers.onBeat({ peer: neighbour.peer, gapMs, rttMs: rtt.valueMs })
  }

  /** A tick that is late by more than an interval: what arrived meanwhile was not read in time. */
  #noteStall(nowMs: number): void {
    if (nowMs - this.#tickMs > 2 * BEAT_INTERVAL_MS) this.#stalledMs = nowMs
  }

  #send(beating: Beating): void {
    const nowMs = this.#clock.now()
    if (nowMs - beating.heardMs > LOST_MS) beating.from = null
    const to = beating.from ?? this.#next(beating)
    if (to === null) return
    const number = ++beating.number
    beating.sentMs.set(number, nowMs)
    if (beating.sentMs.size > SENT_KEPT) {
      beating.sentMs.delete(beating.sentMs.keys().next().value as number)
    }
    const { heard, heardMs, theirAddress, neighbour } = beating
    const heardAgoUs = heard === 0 ? 0 : (nowMs - heardMs) * 1000
    this.#handlers.send(
      encodeHeartbeat({ number, heard, heardAgoUs }, theirAddress, neighbour.theirKey),
      to
    )
  }

  /** One address per heartbeat, in turn, until one of ours was answered from somewhere. */
  #next(beating: Beating): Address | null {
    const { addresses } = beating.neighbour
    return addresses[beating.nextAddress++ % addresses.length] ?? null
  }
}
