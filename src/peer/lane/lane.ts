// Flow A's socket: one TCP connection to one peer, both ends proven, that carries session frames. Owns
// framing, in-place encryption, its own heartbeat and round trip time. One frame is one message of the
// secret stream: a byte for its kind, then the session message, which is passed on as a view.
// Does not know what frames mean (hops.ts) nor when to dial again (lane-slot.ts).

import { SwarmError, toSwarmError } from '../../base/errors.ts'
import { ACTIVATION_BYTES_MAX, LANE_PINGS_BURST, LANE_PINGS_PER_SECOND } from '../../base/limits.ts'
import { Bucket } from '../bucket.ts'
import { Pings, RttEstimate } from '../link/rtt.ts'
import { Silence } from '../link/silence.ts'
import { Stuck } from '../link/stuck.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'
import type { Carrier, OutgoingFrame } from './carrier.ts'

const KIND_SESSION = 0
const KIND_PING = 1
const KIND_PONG = 2
const PING_BYTES = 5

/** What the secret stream puts around a message: length 3, tag 1, MAC 16. */
const ENVELOPE_BYTES = 20

export interface LaneHandlers {
  /** What it throws ends the lane with that error. */
  onFrame(frame: Uint8Array): void
  onHeard(): void
  /** Once, whichever side ended it. */
  onClosed(error: SwarmError): void
}

export class Lane implements Carrier {
  readonly kind = 'tcp'
  readonly #stream: NoiseSecretStream
  readonly #clock: Clock
  readonly #handlers: LaneHandlers
  readonly #silence: Silence
  readonly #stuck = new Stuck()
  readonly #pingsTaken: Bucket
  readonly #pings = new Pings()
  readonly #rtt = new RttEstimate()
  #writtenBytes: number
  #pingAgain = false
  #closed = false

  /** @param stream after its handshake and both proofs, with no listener for 'data'. */
  constructor(stream: NoiseSecretStream, clock: Clock, handlers: LaneHandlers) {
    this.#stream = stream
    this.#clock = clock
    this.#handlers = handlers
    this.#silence = new Silence(clock.now())
    this.#pingsTaken = new Bucket(clock, LANE_PINGS_PER_SECOND, LANE_PINGS_BURST)
    this.#writtenBytes = stream.rawBytesWritten
    stream.on('data', (message: Uint8Array) => this.#receive(message))
    stream.on('error', () => this.#end(broken('the connection failed')))
    stream.on('close', () => this.#end(broken('the other side closed it')))
    // A large frame takes many packets; each of them shows that the peer is there.
    stream.rawStream.on('data', () => {
      this.#silence.heard(clock.now())
      handlers.onHeard()
    })
  }

  get rttMs(): number | null {
    return this.#rtt.valueMs
  }

  get backlogBytes(): number {
    const waitingBytes = Math.max(0, this.#writtenBytes - this.#stream.rawBytesWritten)
    return waitingBytes + (this.#stream.rawStream.writableLength ?? 0)
  }

  ship(bytes: Uint8Array): void {
    const message = new Uint8Array(1 + bytes.byteLength)
    message[0] = KIND_SESSION
    message.set(bytes, 1)
    this.#write(message)
  }

  /** The frame lies inside the stream's own buffer and is encrypted where it is. */
  allocate(sizeBytes: number): OutgoingFrame {
    const message = this.#stream.alloc(1 + sizeBytes)
    message[0] = KIND_SESSION
    return { bytes: message.subarray(1), ship: () => this.#write(message) }
  }

  /** @param pingNow whether this tick sends a ping. */
  tick(listenedMs: number, pingNow: boolean): void {
    if (this.#closed) return
    const nowMs = this.#clock.now()
    if (this.#silence.tick(listenedMs, nowMs)) this.close(broken('it went silent'))
    else if (this.#stuck.tick(listenedMs, this.backlogBytes > 0, this.#stream.rawBytesWritten)) {
      this.close(new SwarmError('PEER_BUSY', 'The other side of a lane reads nothing'))
    } else if (pingNow) {
      this.#pingAgain = true
      this.#ping()
    }
  }

  close(error: SwarmError): void {
    this.#end(error)
  }

  #receive(message: Uint8Array): void {
    if (this.#closed) return
    switch (message[0]) {
      case KIND_SESSION:
        if (message.byteLength - 1 > ACTIVATION_BYTES_MAX) {
          const text = `a frame of ${message.byteLength} bytes is above ${ACTIVATION_BYTES_MAX}`
          this.close(new SwarmError('WIRE_TOO_LARGE', text))
        } else {
          this.#passOn(message.subarray(1))
        }
        return
      case KIND_PING:
      case KIND_PONG:
        this.#receivePing(message)
        return
      default:
        this.close(new SwarmError('WIRE_BAD_FRAME', 'a lane frame has an unknown kind'))
    }
  }

  #passOn(frame: Uint8Array): void {
    try {
      this.#handlers.onFrame(frame)
    } catch (error) {
      this.close(toSwarmError(error, 'WIRE_BAD_FRAME'))
    }
  }

  #receivePing(message: Uint8Array): void {
    if (message.byteLength !== PING_BYTES) {
      this.close(new SwarmError('WIRE_BAD_FRAME', 'a ping on a lane has a wrong length'))
      return
    }
    const id = new DataView(message.buffer, message.byteOffset).getUint32(1, true)
    if (message[0] === KIND_PING) {
      if (this.#pingsTaken.take()) this.#write(pingMessage(KIND_PONG, id))
      else this.close(new SwarmError('WIRE_TOO_LARGE', 'a lane was pinged without end'))
      return
    }
    const rttMs = this.#pings.answered(id, this.#clock.now())
    if (rttMs === null) return
    this.#rtt.sample(rttMs)
    // The first ping after a pause measures how long sleeping processors take to wake up (several times
    // the way itself); the second one, sent at once, what a token of a running session will see.
    if (this.#pingAgain) this.#ping()
    this.#pingAgain = false
  }

  #ping(): void {
    this.#write(pingMessage(KIND_PING, this.#pings.next(this.#clock.now())))
  }

  #write(message: Uint8Array): void {
    if (this.#closed) return
    this.#writtenBytes += message.byteLength + ENVELOPE_BYTES
    this.#stream.write(message)
  }

  #end(error: SwarmError): void {
    if (this.#closed) return
    this.#closed = true
    this.#stream.destroy()
    this.#handlers.onClosed(error)
  }
}

function pingMessage(kind: number, id: number): Uint8Array {
  const message = new Uint8Array(PING_BYTES)
  message[0] = kind
  new DataView(message.buffer).setUint32(1, id, true)
  return message
}

function broken(why: string): SwarmError {
  return new SwarmError('PEER_GONE', `The lane was lost: ${why}`)
}
