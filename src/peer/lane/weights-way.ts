// The way that weights take to one peer: a second lane beside that of the activations, so that neither
// waits for the other, or small pieces between the other messages of the link where no lane can be had.
// The lane is opened when the first block is to be sent, by the side that could dial the lane in use,
// and closed when nothing has come or gone on it for a while. Owns that lane, the blocks that wait and
// the blocks that arrive in pieces. Does not know what a block is.

import { SwarmError } from '../../base/errors.ts'
import {
  PATH_SEARCHES_BURST,
  PATH_SEARCHES_PER_SECOND,
  WEIGHTS_BLOCK_BYTES_MAX,
  WEIGHTS_QUEUE_BYTES_MAX
} from '../../base/limits.ts'
import { Bucket } from '../../base/bucket.ts'
import { Lane } from './lane.ts'
import {
  BlockAssembly,
  PIECE_HEADER_BYTES,
  writePieceHeader,
  type BlockParts
} from './weights-piece.ts'

import type { Clock, Timer } from '../../base/clock.ts'
import type { MeasuredPath } from './bursts.ts'
import type { Carrier } from './carrier.ts'

/** Bytes of one piece on a lane: 200 us of encryption, for which everything else has to wait. Half of
 * it costs a tenth of the throughput. */
export const LANE_PIECE_BYTES = 256 * 2 ** 10
/** Given to the socket before we wait for it: enough that it never runs dry between two turns. */
const LANE_AHEAD_BYTES = 4 * LANE_PIECE_BYTES

/** On the link a ping, or an activation that has no lane, waits for one piece: a few packets. */
export const LINK_PIECE_BYTES = 8 * 2 ** 10
/** How often we look whether the link has taken it: 4 MB/s at most, for a way of last resort. */
const LINK_POLL_MS = 2

/** First byte of a piece among the session frames of a link, whose numbers are small. */
export const LINK_PIECE_NUMBER = 240

/** For the peer to open the lane we asked for; then the link has to do, and for how long. */
const WANT_LIMIT_MS = 5000
const LINK_LIMIT_MS = 30_000

/** A lane without a block for so long is closed. */
const IDLE_LIMIT_MS = 30_000

export interface WeightsWayHandlers {
  /** The way that session frames take; null while none is chosen. */
  carrier(): Carrier | null
  /** Opens a lane along the one in use and names it; null when there is none to be had. */
  dial(used: Lane, onDone: (lane: Lane | null) => void): { cancel(): void }
  /** A block from the peer, ours to keep. The lane is not read before what it returns has settled. */
  onBlock(block: BlockParts): void | Promise<void>
}

interface Waiting {
  readonly block: Uint8Array
  readonly done: (error: unknown) => void
}

export class WeightsWay {
  readonly #link: Carrier
  readonly #clock: Clock
  readonly #lowerKey: boolean
  readonly #handlers: WeightsWayHandlers
  readonly #waiting: Waiting[] = []
  /** The one that has begun to leave. */
  #leaving: Waiting | null = null
  #waitingBytes = 0
  #isSending = false
  #lane: Lane | null = null
  #laneBlocks = new BlockAssembly()
  readonly #linkBlocks = new BlockAssembly()
  readonly #wants: Bucket
  #dial: { cancel(): void } | null = null
  #wantedMs: number | null = null
  #linkMs = 0
  #idleMs = 0
  #wake: () => void = () => {}
  #poll: Timer | null = null
  #closed = false

  constructor(link: Carrier, clock: Clock, lowerKey: boolean, handlers: WeightsWayHandlers) {
    this.#link = link
    this.#clock = clock
    this.#lowerKey = lowerKey
    this.#handlers = handlers
    this.#wants = new Bucket(clock, PATH_SEARCHES_PER_SECOND, PATH_SEARCHES_BURST)
  }

  /**
   * Resolves when all of the block is with the operating system. It may be lost with its connection even
   * then: who needs it asks for it again. Blocks leave in the order of the calls.
   * @param block 1 to WEIGHTS_BLOCK_BYTES_MAX bytes; not to be changed before it is sent.
   * @param signal takes back a block that has not begun to leave.
   * @throws PEER_GONE with the link; PEER_BUSY above WEIGHTS_QUEUE_BYTES_MAX; WIRE_TOO_LARGE
   */
  send(block: Uint8Array, signal?: AbortSignal): Promise<void> {
    const sizeBytes = block.byteLength
    return new Promise((resolve, reject) => {
      if (signal?.aborted) reject(signal.reason)
      else if (this.#closed) reject(linkDown())
      else if (sizeBytes < 1 || sizeBytes > WEIGHTS_BLOCK_BYTES_MAX) {
        const text = `A block of weights has 1 to ${WEIGHTS_BLOCK_BYTES_MAX} bytes, not ${sizeBytes}`
        reject(new SwarmError('WIRE_TOO_LARGE', text))
      } else if (this.#waitingBytes + sizeBytes > WEIGHTS_QUEUE_BYTES_MAX) {
        const text = `${this.#waitingBytes} bytes of weights wait already; await the sends before`
        reject(new SwarmError('PEER_BUSY', text))
      } else this.#enqueue(block, signal, resolve, reject)
    })
  }

  /**
   * The path as some hundred KB on a lane for weights find it; null where no lane can be had, it is lost
   * meanwhile, or weights are under way.
   */
  async measure(): Promise<MeasuredPath | null> {
    if (this.#closed || this.#isSending) return null
    this.#isSending = true
    try {
      let way = await this.#chosen()
      while (way === 'wait' && !this.#closed) way = await this.#chosen()
      if (way === 'link' || way === 'wait') return null
      const lane = way
      return await new Promise<MeasuredPath | null>((resolve) => {
        this.#wake = () => {
          if (this.#lane !== lane || this.#closed) resolve(null)
        }
        lane.measurePath(resolve)
      })
    } finally {
      this.#isSending = false
      if (this.#waiting.length > 0) void this.#sendAll()
    }
  }

  /** 'tcp' while there is a lane for weights; null while none was needed, or none can be had. */
  get kind(): 'tcp' | null {
    return this.#lane?.kind ?? null
  }

  /** A lane that the peer, or we, named as one for weights. */
  accept(lane: Lane): void {
    const before = this.#lane
    // Of two that crossed each other both sides keep the one that the lower key dialled.
    const crossed = before !== null && before.initiator !== lane.initiator
    if (crossed && before.initiator === this.#lowerKey) lane.close(replaced())
    else this.#use(lane)
  }

  /** The peer cannot dial: it asks for a lane from here. Who asks too often goes over the link. */
  wanted(): void {
    const used = this.#handlers.carrier()
    if (used instanceof Lane && this.#lane === null && this.#wants.take()) this.#openAlong(used)
  }

  /** A piece that came on the lane. @throws WIRE_* */
  receive(lane: Lane, piece: Uint8Array): void {
    if (lane !== this.#lane) throw new SwarmError('WIRE_BAD_FRAME', 'weights on a lane of frames')
    this.#idleMs = 0
    const block = this.#laneBlocks.take(piece)
    const taken = block === null ? undefined : this.#handlers.onBlock(block)
    if (taken === undefined) return
    lane.hold()
    const release = () => lane.release()
    taken.then(release, release)
  }

  /** A piece that came on the link, with its number in front. @throws WIRE_* */
  receiveOnLink(frame: Uint8Array): void {
    const block = this.#linkBlocks.take(frame.subarray(1))
    // The link has other things to carry; whoever asks for blocks asks for no more than it can take.
    if (block !== null) void Promise.resolve(this.#handlers.onBlock(block)).catch(() => {})
  }

  lost(lane: Lane): void {
    if (this.#lane !== lane) return
    this.#lane = null
    this.#laneBlocks = new BlockAssembly()
    this.#wake()
  }

  /** Session frames take another way, or one at last. */
  carrierChanged(): void {
    this.#linkMs = 0
    this.#wake()
  }

  tick(listenedMs: number, pingNow: boolean): void {
    this.#lane?.tick(listenedMs, pingNow)
    this.#linkMs = Math.max(0, this.#linkMs - listenedMs)
    if (this.#wantedMs !== null) {
      this.#wantedMs += listenedMs
      if (this.#wantedMs > WANT_LIMIT_MS) this.#noLane()
    }
    this.#idleMs = this.#isSending ? 0 : this.#idleMs + listenedMs
    if (this.#idleMs > IDLE_LIMIT_MS) this.closeLane()
  }

  /** Without loss to whoever sends: what has not left whole goes again on a new one. */
  closeLane(): void {
    this.#lane?.close(new SwarmError('PEER_GONE', 'The lane for weights is not needed now'))
  }

  close(): void {
    this.#closed = true
    this.#dial?.cancel()
    this.#poll?.cancel()
    this.#lane?.close(linkDown())
    for (const { done } of this.#waiting.splice(0)) done(linkDown())
    this.#wake()
  }

  #enqueue(
    block: Uint8Array,
    signal: AbortSignal | undefined,
    resolve: () => void,
    reject: (error: unknown) => void
  ): void {
    const onAbort = () => {
      const index = this.#waiting.indexOf(waiting)
      // A part of a block would be of no use to anybody.
      if (index < 0 || waiting === this.#leaving) return
      this.#waiting.splice(index, 1)
      waiting.done(signal?.reason)
    }
    const waiting: Waiting = {
      block,
      done: (error) => {
        signal?.removeEventListener('abort', onAbort)
        this.#waitingBytes -= block.byteLength
        if (error === null) resolve()
        else reject(error)
      }
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#waiting.push(waiting)
    this.#waitingBytes += block.byteLength
    if (!this.#isSending) void this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    while (this.#waiting.length > 0 && !this.#closed) {
      const way = await this.#chosen()
      const [waiting] = this.#waiting
      if (way === 'wait' || waiting === undefined) continue
      this.#leaving = waiting
      const isSent = await this.#sendOn(way, waiting.block)
      this.#leaving = null
      if (!isSent) continue
      this.#waiting.shift()
      waiting.done(null)
    }
    this.#isSending = false
  }

  /** @returns whether all of it left on this way; if not, it has to go again on another. */
  async #sendOn(way: Lane | 'link', block: Uint8Array): Promise<boolean> {
    const pieceBytes = way === 'link' ? LINK_PIECE_BYTES : LANE_PIECE_BYTES
    for (let offset = 0; offset < block.byteLength; offset += pieceBytes) {
      const sizeBytes = Math.min(pieceBytes, block.byteLength - offset)
      if (way === 'link') {
        this.#link.ship(linkPiece(block, offset, sizeBytes))
        await this.#linkTook()
      } else {
        way.shipPiece(block, offset, sizeBytes)
        await way.room(LANE_AHEAD_BYTES)
        if (this.#lane !== way) return false
      }
      if (this.#closed) return false
    }
    return true
  }

  /** The lane to send on; 'link' where there is none to be had; 'wait': something changed, ask again. */
  async #chosen(): Promise<Lane | 'link' | 'wait'> {
    if (this.#lane !== null) return this.#lane
    const used = this.#handlers.carrier()
    if (used === this.#link || this.#linkMs > 0) return 'link'
    const woken = new Promise<void>((resolve) => (this.#wake = resolve))
    if (used instanceof Lane) this.#openAlong(used)
    await woken
    return 'wait'
  }

  #openAlong(used: Lane): void {
    if (this.#dial !== null || this.#wantedMs !== null) return
    if (!used.initiator) {
      this.#wantedMs = 0
      used.signal('want-weights')
      return
    }
    this.#dial = this.#handlers.dial(used, (lane) => {
      this.#dial = null
      if (lane === null) this.#noLane()
      else this.accept(lane)
    })
  }

  #use(lane: Lane): void {
    const before = this.#lane
    this.#lane = lane
    this.#laneBlocks = new BlockAssembly()
    this.#idleMs = 0
    this.#wantedMs = null
    before?.close(replaced())
    this.#wake()
  }

  #noLane(): void {
    this.#wantedMs = null
    this.#linkMs = LINK_LIMIT_MS
    this.#wake()
  }

  async #linkTook(): Promise<void> {
    await new Promise(setImmediate) // whatever else is to be said or read gets its turn
    while (this.#link.backlogBytes > 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        this.#poll = this.#clock.after(LINK_POLL_MS, resolve)
      })
    }
  }
}

function linkPiece(block: Uint8Array, offset: number, sizeBytes: number): Uint8Array {
  const frame = new Uint8Array(1 + PIECE_HEADER_BYTES + sizeBytes)
  frame[0] = LINK_PIECE_NUMBER
  writePieceHeader(frame.subarray(1), block.byteLength, offset)
  frame.set(block.subarray(offset, offset + sizeBytes), 1 + PIECE_HEADER_BYTES)
  return frame
}

function linkDown(): SwarmError {
  return new SwarmError('PEER_GONE', 'The link is down, so no weights can be sent on it')
}

function replaced(): SwarmError {
  return new SwarmError('PEER_GONE', 'Another lane for weights took over')
}
