// The lanes of one link: carries out what lane-choice.ts, path-choice.ts and handover.ts decide. Owns the
// way that session frames take now, the lane being opened, the spares beside it and the time between
// tries; the way of weights is weights-way.ts's. One slot lives as long as its link.

import { SwarmError } from '../../base/errors.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import { Handover, type HandoverStep } from './handover.ts'
import { Lane } from './lane.ts'
import { firstChoice, nextChoice, type LaneChoice, type LaneEvent } from './lane-choice.ts'
import { DIAL_TIMEOUT_MS } from './lane-dial.ts'
import { LaneOpening, type LaneOpeningOptions } from './lane-opening.ts'
import { PathSearch } from './path-search.ts'
import { Spares } from './spares.ts'
import { WeightsWay } from './weights-way.ts'
import { PROOF_TIMEOUT_MS } from '../link/unproven.ts'
import { STUCK_LIMIT_MS } from '../link/stuck.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Timer } from '../../base/clock.ts'
import type { Carrier } from './carrier.ts'
import type { LaneSignal } from './lane-message.ts'
import type { Link } from '../link/link.ts'
import type { BlockParts } from './weights-piece.ts'

/** Before the other side has said whether it could dial, it gets this long and some to spare. */
const WAIT_LIMIT_MS = 2 * (DIAL_TIMEOUT_MS + PROOF_TIMEOUT_MS)

/** A lane that keeps breaking is opened again after 250, 500, ... 4000 ms. */
const RETRY_STEP_MS = 250
const RETRY_MAX_MS = 4000
/** A lane that held for this long was a good one: the next break is retried at once. */
const STABLE_MS = 30_000

export interface SlotOptions extends LaneOpeningOptions {
  self: PeerId
}

export interface SlotHandlers {
  /**
   * Frames go this way from now on. After an earlier one was reported lost, or instead of it: then what
   * was given to the earlier one arrives first.
   */
  onCarrier(carrier: Carrier): void
  onCarrierLost(error: SwarmError): void
  onFrame(frame: Uint8Array): void
  onBlock(block: BlockParts): void | Promise<void>
}

export class LaneSlot {
  readonly weights: WeightsWay
  /** Where else the peer is to be found; it is told what both sides say of their addresses. */
  readonly paths: PathSearch
  readonly #link: Link
  readonly #options: SlotOptions
  readonly #handlers: SlotHandlers
  readonly #lowerKey: boolean
  readonly #handover: Handover<Carrier>
  readonly #spares: Spares
  #choice: LaneChoice
  #carrier: Carrier | null = null
  #lane: Lane | null = null
  #opening: LaneOpening | null = null
  #retry: Timer | null = null
  #waitedMs = 0
  #retryMs = 0
  #adoptedMs = 0
  #closed = false

  constructor(link: Link, options: SlotOptions, handlers: SlotHandlers) {
    this.#link = link
    this.#options = options
    this.#handlers = handlers
    this.#lowerKey = options.self < link.peer
    this.#handover = new Handover(this.#lowerKey)
    this.#spares = new Spares((lane) => this.#moveTo(lane))
    this.paths = new PathSearch(link, options.clock, {
      dial: (hosts, onDone) => this.#open(hosts, onDone),
      onStream: (stream) => this.#offer(this.#laneOf(stream))
    })
    this.weights = new WeightsWay(link, options.clock, this.#lowerKey, {
      carrier: () => this.#carrier,
      dial: (used, onDone) => this.#openForWeights(used, onDone),
      onBlock: handlers.onBlock
    })
    this.#choice = firstChoice(this.#lowerKey)
    this.#enter()
  }

  /** Null while none is chosen. */
  get carrier(): Carrier | null {
    return this.#carrier
  }

  get kind(): 'tcp' | 'udx' | null {
    return this.#carrier?.kind ?? null
  }

  /** Of the way that frames take; null while not measured. */
  get rttMs(): number | null {
    return this.#lane === null ? this.#link.rttMs : this.#lane.rttMs
  }

  /** The peer's address on the path that frames take; null while that is the link, or none. */
  get laneHost(): string | null {
    return this.#lane?.remoteHost ?? null
  }

  /** Proven lanes beside the one in use. */
  get nSpares(): number {
    return this.#spares.count
  }

  /** @param stream dialled by the peer, both proofs done. */
  accept(stream: NoiseSecretStream): void {
    if (this.#closed) stream.destroy()
    else this.#spares.add(this.#laneOf(stream), false)
  }

  /** The peer says that it could not reach us. */
  theirFailed(): void {
    this.#move('their-failed')
  }

  /** The peer says that no session frame follows on the link itself. */
  linkEnded(move: number): void {
    this.#step(this.#handover.end(this.#link, move))
  }

  tick(listenedMs: number, pingNow: boolean): void {
    this.#lane?.tick(listenedMs, pingNow)
    const { from } = this.#handover
    if (from instanceof Lane && from !== this.#lane) from.tick(listenedMs, pingNow)
    if (this.#handover.tick(listenedMs) > STUCK_LIMIT_MS) {
      const text = `${shortId(this.#link.peer)} does not end its old lane`
      this.#loseWays(new SwarmError('PEER_TIMEOUT', text))
    }
    this.#spares.tick(listenedMs, pingNow)
    this.weights.tick(listenedMs, pingNow)
    if (this.#carrier !== null && !this.#handover.isOpen) {
      if (this.#lowerKey && pingNow) this.#spares.compare(this.#lane)
      // Who could dial the lane in use looks for a better one; both, while there is none.
      if (this.#lane?.initiator !== false) this.paths.tick(listenedMs, this.laneHost)
    }
    if (this.#choice.phase !== 'wait') return
    this.#waitedMs += listenedMs
    if (this.#waitedMs > WAIT_LIMIT_MS) this.#move('their-failed')
  }

  /** The link is down: so are the lanes, without further word. */
  close(): void {
    this.#closed = true
    this.#stopOpening()
    this.paths.close()
    this.weights.close()
    this.#spares.close()
    const error = new SwarmError('PEER_GONE', 'The link is down')
    for (const way of this.#ways()) way.close(error)
  }

  #move(event: LaneEvent): void {
    const next = nextChoice(this.#choice, event, this.#lowerKey)
    if (this.#closed || next === this.#choice) return
    const before = this.#choice.phase
    this.#choice = next
    if (next.phase !== before || event === 'broken') this.#enter()
  }

  #enter(): void {
    this.#waitedMs = 0
    if (this.#choice.phase === 'dial') this.#dialLater()
    else if (this.#choice.phase === 'link') this.#use(this.#link)
  }

  #dialLater(): void {
    this.#stopOpening()
    this.#retry = this.#options.clock.after(this.#retryMs, () => {
      this.#opening = this.#open(this.paths.hosts, (stream) => {
        this.#opening = null
        if (stream === null) {
          this.#link.send({ type: 'no-lane' })
          this.#move('dial-failed')
        } else if (this.#lowerKey) this.#adopt(this.#laneOf(stream))
        else this.#offer(this.#laneOf(stream))
      })
    })
  }

  #open(hosts: string[], onDone: (stream: NoiseSecretStream | null) => void): LaneOpening {
    const { port } = this.#link.hello.lane
    const publicKey = Buffer.from(this.#link.peer, 'hex')
    return new LaneOpening({ hosts, port, publicKey }, this.#options, onDone)
  }

  #openForWeights(used: Lane, onDone: (lane: Lane | null) => void): LaneOpening {
    const hosts = used.remoteHost === null ? [] : [used.remoteHost]
    return this.#open(hosts, (stream) => {
      const lane = stream === null ? null : this.#laneOf(stream)
      lane?.signal('weights')
      onDone(lane)
    })
  }

  #laneOf(stream: NoiseSecretStream): Lane {
    const lane: Lane = new Lane(stream, this.#options.clock, {
      onFrame: (frame) => this.#frame(lane, frame),
      onSignal: (signal, move) => this.#signal(lane, signal, move),
      onPiece: (piece) => this.weights.receive(lane, piece),
      onHeard: () => this.#link.heard(),
      onClosed: (error) => this.#lost(lane, error)
    })
    return lane
  }

  /** A lane that may carry frames, if the lower key says so. */
  #offer(lane: Lane): void {
    lane.signal('offer')
    this.#spares.add(lane, true)
  }

  #frame(lane: Lane, frame: Uint8Array): void {
    const isInUse = lane === this.#lane || this.#handover.involves(lane)
    if (!isInUse || this.#handover.hasEnded(lane)) throw unexpected('a session frame')
    this.#handlers.onFrame(frame)
  }

  #signal(lane: Lane, signal: LaneSignal, move: number): void {
    const isSpare = this.#spares.has(lane)
    switch (signal) {
      case 'offer':
        if (!isSpare) throw unexpected(signal)
        this.#spares.offered(lane)
        if (this.#lowerKey && this.#lane === null && this.#choice.phase !== 'link') {
          this.#spares.take(lane)
          this.#adopt(lane)
        }
        return
      case 'use':
        if (this.#lowerKey || !this.#spares.take(lane)) throw unexpected(signal)
        this.#adopt(lane)
        return
      case 'after-lane':
      case 'after-link':
        this.#follow(lane, signal, move)
        return
      case 'end':
        if (lane !== this.#lane && lane !== this.#handover.from) throw unexpected(signal)
        this.#step(this.#handover.end(lane, move))
        return
      case 'weights':
        if (!this.#spares.take(lane)) throw unexpected(signal)
        this.weights.accept(lane)
        return
      case 'want-weights':
        if (lane !== this.#lane) throw unexpected(signal)
        this.weights.wanted()
    }
  }

  /** Takes a lane into use from nothing; lower key: says so. */
  #adopt(lane: Lane): void {
    if (this.#lowerKey) lane.signal('use')
    this.#stopOpening()
    // A lane in use is replaced: whoever opened the new one has lost the old one.
    const before = this.#ways()
    this.#handover.reset()
    this.#lane = lane
    for (const way of before) way.close(new SwarmError('PEER_GONE', 'A new lane took over'))
    this.#adoptedMs = this.#options.clock.now()
    this.#use(lane)
    this.#move(lane.initiator ? 'dialled' : 'accepted')
  }

  /** Lower key: a spare takes over from the way in use, with nothing lost. */
  #moveTo(lane: Lane): void {
    const from = this.#carrier
    if (from === null || this.#handover.isOpen) {
      lane.close(new SwarmError('PEER_GONE', 'The way in use changed meanwhile'))
      return
    }
    const move = this.#handover.nextMove
    this.#sayEnd(from, move)
    lane.signal(from === this.#link ? 'after-link' : 'after-lane', move)
    lane.hold()
    this.#switchTo(lane)
    this.#step(this.#handover.begin(from, lane, move))
  }

  /** Upper key: the peer moves to this lane. */
  #follow(lane: Lane, signal: 'after-lane' | 'after-link', move: number): void {
    if (this.#lowerKey || this.#handover.isOpen || !this.#spares.take(lane)) {
      throw unexpected(signal)
    }
    if ((signal === 'after-lane') !== (this.#lane !== null)) {
      // A lane was lost on one side and not yet on the other, which will notice and begin anew.
      lane.close(new SwarmError('PEER_GONE', 'The way before it is another here'))
      return
    }
    lane.hold()
    this.#step(this.#handover.begin(this.#lane ?? this.#link, lane, move))
  }

  #step(step: HandoverStep<Carrier>): void {
    if (step.type === 'wait') return
    const { from, to } = step
    if (!(to instanceof Lane)) return
    if (step.type === 'switch') {
      this.#sayEnd(from, step.move)
      this.#switchTo(to)
      // Until the other side, having heard that, closes it.
      if (from instanceof Lane) this.#spares.add(from, false)
    } else if (from instanceof Lane) {
      // Both ends have been heard: nothing is under way on it. The other side just sees it close.
      from.close(new SwarmError('PEER_GONE', 'A lane on a better path took over'))
    }
    to.release()
  }

  #sayEnd(way: Carrier, move: number): void {
    if (way instanceof Lane) way.signal('end', move)
    else this.#link.send({ type: 'frames-end', move })
  }

  #switchTo(lane: Lane): void {
    this.#stopOpening()
    this.#lane = lane
    this.#carrier = lane
    this.#adoptedMs = this.#options.clock.now()
    this.#handlers.onCarrier(lane)
    this.weights.carrierChanged()
    this.#move(lane.initiator ? 'dialled' : 'accepted')
  }

  #use(carrier: Carrier): void {
    if (this.#carrier !== null) {
      // Null while it is reported, so that whoever opens a new hop at once waits for the new one.
      this.#carrier = null
      const text = `The way to ${shortId(this.#link.peer)} changed; what was on it may be lost`
      this.#handlers.onCarrierLost(new SwarmError('PEER_GONE', text))
    }
    this.#carrier = carrier
    this.#handlers.onCarrier(carrier)
    this.weights.carrierChanged()
  }

  #lost(lane: Lane, error: SwarmError): void {
    this.weights.lost(lane)
    this.#spares.take(lane)
    this.#spares.interrupt()
    if (this.#closed) return
    if (this.#lane === lane || this.#handover.involves(lane)) this.#loseWays(error)
    if (error.family === 'WIRE') this.#link.close(error)
  }

  /** The way in use is gone, or what was under way between two of them. */
  #loseWays(error: SwarmError): void {
    const ways = this.#ways()
    this.#handover.reset()
    this.#lane = null
    this.#carrier = null
    for (const way of ways) way.close(new SwarmError('PEER_GONE', 'The lane beside it was lost'))
    const heldMs = this.#options.clock.now() - this.#adoptedMs
    this.#retryMs = heldMs > STABLE_MS ? 0 : Math.min(this.#retryMs + RETRY_STEP_MS, RETRY_MAX_MS)
    this.#handlers.onCarrierLost(error)
    if (error.family !== 'WIRE') this.#move('broken')
  }

  /** The lanes that session frames are on. */
  #ways(): Lane[] {
    const ways = [this.#lane, this.#handover.from, this.#handover.to]
    return [...new Set(ways.filter((way) => way instanceof Lane))]
  }

  #stopOpening(): void {
    this.#retry?.cancel()
    this.#opening?.cancel()
    this.#opening = null
  }
}

function unexpected(what: string): SwarmError {
  return new SwarmError('WIRE_BAD_FRAME', `'${what}' came on a lane where it has no place`)
}
