// The lane of one link: carries out what lane-choice.ts decides. Owns the dial in progress, the lane in
// use and the time between tries. One slot lives as long as its link.

import { SwarmError } from '../../base/errors.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import { Lane } from './lane.ts'
import { firstChoice, nextChoice, type LaneChoice, type LaneEvent } from './lane-choice.ts'
import { DIAL_TIMEOUT_MS, LaneDial } from './lane-dial.ts'
import { exchangeProofs } from '../link/proof-exchange.ts'
import { PROOF_TIMEOUT_MS } from '../link/unproven.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Carrier } from './carrier.ts'
import type { Link } from '../link/link.ts'

/** Before the other side has said whether it could dial, it gets this long and some to spare. */
const WAIT_LIMIT_MS = 2 * (DIAL_TIMEOUT_MS + PROOF_TIMEOUT_MS)

/** A lane that keeps breaking is opened again after 250, 500, ... 4000 ms. */
const RETRY_STEP_MS = 250
const RETRY_MAX_MS = 4000
/** A lane that held for this long was a good one: the next break is retried at once. */
const STABLE_MS = 30_000

export interface SlotOptions {
  self: PeerId
  keyPair: KeyPair
  proofKey: Uint8Array
  clock: Clock
}

export interface SlotHandlers {
  /** A carrier is chosen. Any earlier one was reported lost before. */
  onCarrier(carrier: Carrier): void
  onCarrierLost(error: SwarmError): void
  onFrame(frame: Uint8Array): void
}

export class LaneSlot {
  readonly #link: Link
  readonly #options: SlotOptions
  readonly #handlers: SlotHandlers
  readonly #lowerKey: boolean
  #choice: LaneChoice
  #carrier: Carrier | null = null
  #lane: Lane | null = null
  #dial: { cancel(): void } | null = null
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

  /** @param stream dialled by the peer, both proofs done. */
  accept(stream: NoiseSecretStream): void {
    if (this.#closed) stream.destroy()
    else this.#adopt(stream, 'accepted')
  }

  /** The peer says that it could not reach us. */
  theirFailed(): void {
    this.#move('their-failed')
  }

  tick(listenedMs: number, pingNow: boolean): void {
    this.#lane?.tick(listenedMs, pingNow)
    if (this.#choice.phase !== 'wait') return
    this.#waitedMs += listenedMs
    if (this.#waitedMs > WAIT_LIMIT_MS) this.#move('their-failed')
  }

  /** The link is down: so is the lane, without further word. */
  close(): void {
    this.#closed = true
    this.#stopDialling()
    this.#lane?.close(new SwarmError('PEER_GONE', 'The link is down'))
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
    else if (this.#choice.phase === 'udx') this.#use(this.#link)
  }

  #dialLater(): void {
    this.#stopDialling()
    this.#retry = this.#options.clock.after(this.#retryMs, () => {
      const { lane } = this.#link.hello
      const host = this.#link.remoteHost
      const target = {
        hosts: host === null ? lane.addresses : [host, ...lane.addresses],
        port: lane.port,
        publicKey: Buffer.from(this.#link.peer, 'hex')
      }
      this.#dial = new LaneDial(target, this.#options.keyPair, this.#options.clock, (stream) => {
        if (stream === null) this.#dialFailed()
        else this.#prove(stream)
      })
    })
  }

  #prove(stream: NoiseSecretStream): void {
    const { proofKey, clock } = this.#options
    const proofs = exchangeProofs(stream, proofKey, { use: 'lane', clock }, (error) => {
      stream.off('close', onClose)
      if (error === null) this.#adopt(stream, 'dialled')
      else {
        stream.destroy()
        this.#dialFailed()
      }
    })
    const cancel = () => {
      proofs.cancel()
      stream.off('close', onClose)
      stream.destroy()
    }
    // A peer that does not want this lane closes it instead of proving itself.
    const onClose = () => {
      proofs.cancel()
      this.#dialFailed()
    }
    stream.on('close', onClose)
    this.#dial = { cancel }
  }

  #dialFailed(): void {
    this.#dial = null
    this.#link.send({ type: 'no-lane' })
    this.#move('dial-failed')
  }

  #adopt(stream: NoiseSecretStream, event: 'dialled' | 'accepted'): void {
    if (event === 'dialled') this.#dial = null
    this.#stopDialling()
    const lane: Lane = new Lane(stream, this.#options.clock, {
      onFrame: this.#handlers.onFrame,
      onHeard: () => this.#link.heard(),
      onClosed: (error) => this.#lost(lane, error)
    })
    // A lane in use is replaced: whoever opened the new one has lost the old one.
    const before = this.#lane
    this.#lane = lane
    this.#adoptedMs = this.#options.clock.now()
    before?.close(new SwarmError('PEER_GONE', 'A new lane took over'))
    this.#use(lane)
    this.#move(event)
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
  }

  #lost(lane: Lane, error: SwarmError): void {
    if (this.#lane !== lane) return
    this.#lane = null
    this.#carrier = null
    if (this.#closed) return
    const heldMs = this.#options.clock.now() - this.#adoptedMs
    this.#retryMs = heldMs > STABLE_MS ? 0 : Math.min(this.#retryMs + RETRY_STEP_MS, RETRY_MAX_MS)
    this.#handlers.onCarrierLost(error)
    if (error.family === 'WIRE') this.#link.close(error)
    else this.#move('broken')
  }

  #stopDialling(): void {
    this.#retry?.cancel()
    this.#dial?.cancel()
    this.#dial = null
  }
}
