// Flow A's socket: one TCP connection to one peer, both ends proven, that carries session frames or
// weights. Owns framing (lane-message.ts), in-place encryption, its own heartbeat and round trip time.
// What arrives is passed on as a view.
// Does not know what frames mean (hops.ts) nor which lane is in use (lane-slot.ts).

import { SwarmError, toSwarmError } from '../../base/errors.ts'
import {
  ACTIVATION_BYTES_MAX,
  LANE_PINGS_BURST,
  LANE_PINGS_PER_SECOND,
  PADDINGS_BURST,
  PADDINGS_PER_SECOND,
  PADDING_BYTES_MAX
} from '../../base/limits.ts'
import { Bucket } from '../../base/bucket.ts'
import { Pings, RttEstimate } from '../link/rtt.ts'
import { Silence } from '../link/silence.ts'
import { Stuck } from '../link/stuck.ts'
import { BURST_BYTES, Bursts, type MeasuredPath } from './bursts.ts'
import {
  KIND_PADDING,
  KIND_PIECE,
  KIND_PING,
  KIND_PONG,
  KIND_SESSION,
  KIND_SIGNAL,
  pingIdOf,
  pingMessage,
  signalMessage,
  signalOf,
  type LaneSignal
} from './lane-message.ts'
import { PIECE_HEADER_BYTES, writePieceHeader } from './weights-piece.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'
import type { Carrier, OutgoingFrame } from './carrier.ts'

/** What the secret stream puts around a message: length 3, tag 1, MAC 16. */
const ENVELOPE_BYTES = 20

/** Pings of one measurement, each sent when the last was answered; the least of them is the result. */
const MEASURE_PINGS = 8

export interface LaneHandlers {
  /** What it throws ends the lane with that error; so with the next two. */
  onFrame(frame: Uint8Array): void
  /** @param move the number of the move that it belongs to; 0 when to none. */
  onSignal(signal: LaneSignal, move: number): void
  /** A piece of a block of weights, as weights-piece.ts describes it. */
  onPiece(piece: Uint8Array): void
  onHeard(): void
  /** Once, whichever side ended it. */
  onClosed(error: SwarmError): void
}

export class Lane implements Carrier {
  readonly kind = 'tcp'
  /** Whether we opened the connection. */
  readonly initiator: boolean
  readonly #stream: NoiseSecretStream
  readonly #clock: Clock
  readonly #handlers: LaneHandlers
  readonly #silence: Silence
  readonly #stuck = new Stuck()
  readonly #pingsTaken: Bucket
  readonly #paddingsTaken: Bucket
  readonly #pings = new Pings()
  readonly #rtt = new RttEstimate()
  #writtenBytes: number
  #pingAgain = false
  #measuring: { left: number; leastMs: number; onDone(leastMs: number): void } | null = null
  #bursts: Bursts | null = null
  #held = false
  #waitingForRoom: (() => void)[] = []
  #closed = false

  /** @param stream after its handshake and both proofs, with no listener for 'data'. */
  constructor(stream: NoiseSecretStream, clock: Clock, handlers: LaneHandlers) {
    this.initiator = stream.isInitiator
    this.#stream = stream
    this.#clock = clock
    this.#handlers = handlers
    this.#silence = new Silence(clock.now())
    this.#pingsTaken = new Bucket(clock, LANE_PINGS_PER_SECOND, LANE_PINGS_BURST)
    this.#paddingsTaken = new Bucket(clock, PADDINGS_PER_SECOND, PADDINGS_BURST)
    this.#writtenBytes = stream.rawBytesWritten
    stream.on('data', (message: Uint8Array) => this.#receive(message))
    stream.on('drain', () => this.#wakeWriters())
    stream.on('error', () => this.#end(broken('the connection failed')))
    stream.on('close', () => this.#end(broken('the other side closed it')))
    // A large frame takes many packets; each of them shows that the peer is there.
    stream.rawStream.on('data', () => {
      this.#silence.heard(clock.now())
      handlers.onHeard()
    })
  }

  /** The peer's address on this path; null when the connection was gone before it was asked for. */
  get remoteHost(): string | null {
    return this.#stream.rawStream.remoteAddress ?? null
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

  signal(signal: LaneSignal, move = 0): void {
    this.#write(signalMessage(signal, move))
  }

  /** One piece of a block: `block` from `offset`, `sizeBytes` long. */
  shipPiece(block: Uint8Array, offset: number, sizeBytes: number): void {
    const message = this.#stream.alloc(1 + PIECE_HEADER_BYTES + sizeBytes)
    message[0] = KIND_PIECE
    writePieceHeader(message.subarray(1), block.byteLength, offset)
    message.set(block.subarray(offset, offset + sizeBytes), 1 + PIECE_HEADER_BYTES)
    this.#write(message)
  }

  /**
   * Resolves when at most `aheadBytes` wait for the socket, or the lane is closed; never before other
   * sockets of this process have had their turn.
   */
  async room(aheadBytes: number): Promise<void> {
    await new Promise(setImmediate)
    while (!this.#closed && this.backlogBytes > aheadBytes) {
      await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve))
    }
  }

  /** Measures the round trip anew. `onDone` is not called when the lane ends before. */
  measure(onDone: (leastMs: number) => void): void {
    this.#measuring = { left: MEASURE_PINGS, leastMs: Infinity, onDone }
    this.#ping()
  }

  /**
   * Measures how long the path is and what it carries, with some hundred KB. Not beside other bytes of this
   * lane. `onDone` is not called when the lane ends before.
   */
  measurePath(onDone: (path: MeasuredPath) => void): void {
    this.measure((rttMs) => {
      this.#bursts = new Bursts(rttMs, (path) => {
        this.#bursts = null
        onDone(path)
      })
      this.#burst()
    })
  }

  /** Reads no further until release(), so that the peer is slowed down; the last message is done with. */
  hold(): void {
    this.#held = true
    this.#stream.pause()
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    this.#silence.heard(this.#clock.now())
    this.#stream.resume()
  }

  /** @param pingNow whether this tick sends a ping. */
  tick(listenedMs: number, pingNow: boolean): void {
    if (this.#closed) return
    this.#wakeWriters()
    const nowMs = this.#clock.now()
    // Who does not read cannot hear; the lane that is waited for is watched instead.
    const isSilent = !this.#held && this.#silence.tick(listenedMs, nowMs)
    if (isSilent) this.close(broken('it went silent'))
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
          this.#guard(() => this.#handlers.onFrame(message.subarray(1)))
        }
        return
      case KIND_PING:
      case KIND_PONG:
        this.#receivePing(message)
        return
      case KIND_SIGNAL:
        this.#receiveSignal(message)
        return
      case KIND_PIECE:
        this.#guard(() => this.#handlers.onPiece(message.subarray(1)))
        this.#giveWay()
        return
      case KIND_PADDING:
        this.#receivePadding(message)
        return
      default:
        this.close(new SwarmError('WIRE_BAD_FRAME', 'a lane frame has an unknown kind'))
    }
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.close(toSwarmError(error, 'WIRE_BAD_FRAME'))
    }
  }

  // One socket may have megabytes to read; an activation on another must not wait for all of them.
  #giveWay(): void {
    if (this.#held || this.#closed) return
    this.#stream.pause()
    setImmediate(() => {
      if (!this.#held && !this.#closed) this.#stream.resume()
    })
  }

  #receiveSignal(message: Uint8Array): void {
    const said = signalOf(message)
    if (said !== null) this.#guard(() => this.#handlers.onSignal(said.signal, said.move))
    else this.close(new SwarmError('WIRE_BAD_FRAME', 'a signal on a lane is unknown'))
  }

  #receivePadding(message: Uint8Array): void {
    if (message.byteLength - 1 > PADDING_BYTES_MAX || !this.#paddingsTaken.take()) {
      this.close(new SwarmError('WIRE_TOO_LARGE', 'a lane was filled with padding'))
    } else this.#giveWay()
  }

  #receivePing(message: Uint8Array): void {
    const id = pingIdOf(message)
    if (id === null) {
      this.close(new SwarmError('WIRE_BAD_FRAME', 'a ping on a lane has a wrong length'))
      return
    }
    if (message[0] === KIND_PING) {
      if (this.#pingsTaken.take()) this.#write(pingMessage(KIND_PONG, id))
      else this.close(new SwarmError('WIRE_TOO_LARGE', 'a lane was pinged without end'))
      return
    }
    const nowMs = this.#clock.now()
    const rttMs = this.#pings.answered(id, nowMs)
    if (rttMs === null) return
    const isMore = this.#bursts?.answered(id, nowMs) ?? null
    if (isMore === true) this.#burst()
    // It waited behind a burst.
    if (isMore !== null) return
    this.#rtt.sample(rttMs)
    if (this.#measuring !== null) this.#measured(rttMs)
    // The first ping after a pause measures how long sleeping processors take to wake up (several times
    // the way itself); the second one, sent at once, what a token of a running session will see.
    else if (this.#pingAgain) this.#ping()
    this.#pingAgain = false
  }

  #measured(rttMs: number): void {
    const measuring = this.#measuring
    if (measuring === null) return
    measuring.leastMs = Math.min(measuring.leastMs, rttMs)
    measuring.left--
    if (measuring.left > 0) this.#ping()
    else {
      this.#measuring = null
      measuring.onDone(measuring.leastMs)
    }
  }

  #ping(): number {
    const id = this.#pings.next(this.#clock.now())
    this.#write(pingMessage(KIND_PING, id))
    return id
  }

  #burst(): void {
    // What the buffer held before is nobody's business.
    const padding = this.#stream.alloc(1 + BURST_BYTES).fill(0)
    padding[0] = KIND_PADDING
    const nowMs = this.#clock.now()
    this.#write(padding)
    this.#bursts?.sent(this.#ping(), nowMs)
  }

  #write(message: Uint8Array): void {
    if (this.#closed) return
    this.#writtenBytes += message.byteLength + ENVELOPE_BYTES
    this.#stream.write(message)
  }

  #wakeWriters(): void {
    for (const wake of this.#waitingForRoom.splice(0)) wake()
  }

  #end(error: SwarmError): void {
    if (this.#closed) return
    this.#closed = true
    this.#wakeWriters()
    this.#stream.destroy()
    this.#handlers.onClosed(error)
  }
}

function broken(why: string): SwarmError {
  return new SwarmError('PEER_GONE', `The lane was lost: ${why}`)
}
