// Flow A, the sending end of one hop: session messages to one peer in order, on whatever carrier the
// link has, or kept for a short while until it has one. Owns the bound on what may wait. A hop ends with
// its carrier: what is sent on it afterwards goes nowhere, because the peer was reported gone.

import { SwarmError } from '../../base/errors.ts'
import { HOP_BACKLOG_BYTES_MAX } from '../../base/limits.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import {
  ACTIVATION_HEADER_BYTES,
  activationBytes,
  encodeSessionMessage,
  writeActivationHeader
} from '../../wire/session-codec.ts'

import type { ActivationFrame, Hop } from '../../pipeline/hop.ts'
import type { ActivationHeader, SessionMessage } from '../../wire/session.ts'
import type { Carrier } from '../lane/carrier.ts'

export class PeerHop implements Hop {
  readonly peer: PeerId
  /** The peer does not take what it is sent; called instead of sending. */
  readonly #onTooSlow: (error: SwarmError) => void
  #carrier: Carrier | null
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #gone = false

  constructor(peer: PeerId, carrier: Carrier | null, onTooSlow: (error: SwarmError) => void) {
    this.peer = peer
    this.#carrier = carrier
    this.#onTooSlow = onTooSlow
  }

  get backlogBytes(): number {
    return this.#waitingBytes + (this.#carrier?.backlogBytes ?? 0)
  }

  send(message: Exclude<SessionMessage, { type: 'activation' }>): void {
    const bytes = encodeSessionMessage(message)
    if (this.#hasRoom(bytes.byteLength)) this.#shipOrWait(bytes)
  }

  allocate(header: ActivationHeader): ActivationFrame {
    const sizeBytes = ACTIVATION_HEADER_BYTES + activationBytes(header)
    const carrier = this.#carrier
    const frame = carrier?.allocate(sizeBytes) ?? null
    const bytes = frame?.bytes ?? new Uint8Array(sizeBytes)
    writeActivationHeader(header, bytes)
    let sent = false
    return {
      payload: bytes.subarray(ACTIVATION_HEADER_BYTES),
      send: () => {
        // Once: what was sent is encrypted in place, and a second time would send that.
        if (sent || !this.#hasRoom(sizeBytes)) return
        sent = true
        // On another carrier than it was made for it is copied: the earlier one has ended.
        if (frame !== null && carrier === this.#carrier) frame.ship()
        else this.#shipOrWait(bytes)
      }
    }
  }

  /** A carrier was chosen, the first or one instead of another: what waited goes first. */
  attach(carrier: Carrier): void {
    this.#carrier = carrier
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const bytes of waiting) carrier.ship(bytes)
  }

  /** The carrier or the link is gone, and with it everything on its way. */
  end(): void {
    this.#gone = true
    this.#carrier = null
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #hasRoom(sizeBytes: number): boolean {
    if (this.#gone) return false
    if (this.backlogBytes + sizeBytes <= HOP_BACKLOG_BYTES_MAX) return true
    this.#onTooSlow(
      new SwarmError(
        'PEER_BUSY',
        `${shortId(this.peer)} is too slow: ${this.backlogBytes} bytes wait for it already`
      )
    )
    return false
  }

  #shipOrWait(bytes: Uint8Array): void {
    if (this.#carrier !== null) this.#carrier.ship(bytes)
    else {
      this.#waiting.push(bytes)
      this.#waitingBytes += bytes.byteLength
    }
  }
}
