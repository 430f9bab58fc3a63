// One encrypted connection to one peer, over UDX or TCP, from the first byte to the last: proof, hello, then
// control messages and heartbeats, and session frames where no lane can be had. Owns the connection.
//
//   proving --their proof--> greeting --their hello--> up --silence, leave, fault--> down
//
// Nothing but our proof is sent while proving, and hello must come back before the link counts: a
// 'connection' of hyperswarm may exist on one side only. Handlers never throw into protomux: whatever
// a message provokes ends this link with a reason. Does not know lanes, gossip or the directory.

import { Socket } from 'node:net'

import { SwarmError, toSwarmError } from '../../base/errors.ts'
import {
  ACTIVATION_BYTES_MAX,
  CONTROL_MESSAGES_BURST,
  CONTROL_MESSAGES_PER_SECOND
} from '../../base/limits.ts'
import { clip } from '../../base/text.ts'
import { decodeControl, encodeControl, type ControlMessage } from '../../wire/control.ts'
import { decodeHello, decodeVersions, encodeHello, type Hello } from '../../wire/hello.ts'
import { HEARTBEAT_KEY_BYTES } from '../../wire/heartbeat.ts'
import { peerIdOf, shortId, type PeerId } from '../../wire/ids.ts'
import { Bucket } from '../../base/bucket.ts'
import { Backlog } from './backlog.ts'
import { LinkMux } from './mux.ts'
import { exchangeProofs, type ProofExchange } from './proof-exchange.ts'
import { Pings, RttEstimate } from './rtt.ts'
import { Silence } from './silence.ts'
import { Stuck } from './stuck.ts'
import { PROOF_TIMEOUT_MS } from './unproven.ts'
import { versionRefusal } from './versions.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { MuxMessage } from 'protomux'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Carrier, OutgoingFrame } from '../lane/carrier.ts'
import type { Beat } from './heartbeats.ts'

const CONTROL_PROTOCOL = 'swarm/control'
const FRAME_PROTOCOL = 'swarm/frames'

/** For our last words (hello of another version, leave) to reach the peer before the end. */
export const LAST_WORDS_MS = 500

/**
 * Of a connection that exists on both sides something comes back within a round trip. One that the DHT
 * made on our side only would keep the real one away for as long as it is given.
 */
export const ONE_SIDED_LIMIT_MS = 1000

export interface LinkOptions {
  proofKey: Uint8Array
  clock: Clock
  random: Random
  /**
   * Our own, made when it is sent: it says how long we have been here.
   * @param heartbeatKey of this link.
   */
  hello(heartbeatKey: Uint8Array): Hello
}

export interface LinkHandlers {
  onUp(link: Link): void
  /** Everything but pings and leave. */
  onControl(link: Link, message: ControlMessage): void
  /** A session frame on the link itself; a view, valid as long as it is kept. */
  onFrame(link: Link, frame: Uint8Array): void
  /** Once, also for a link that never came up. `left`: the peer said that it goes. */
  onDown(link: Link, error: SwarmError, left: boolean): void
}

export type LinkState = 'proving' | 'greeting' | 'up' | 'down'

export class Link implements Carrier {
  readonly kind: 'tcp' | 'udx'
  readonly peer: PeerId
  /** Whether we opened the connection. */
  readonly initiator: boolean
  /** Under which the peer sends heartbeats of this link; it hears of it in hello. */
  readonly heartbeatKey: Uint8Array
  /** Resolves when the connection is gone, some time after the link went down. */
  readonly closed: Promise<void>
  readonly #stream: NoiseSecretStream
  readonly #options: LinkOptions
  readonly #handlers: LinkHandlers
  readonly #bucket: Bucket
  readonly #silence: Silence
  readonly #stuck = new Stuck()
  readonly #pings = new Pings()
  readonly #rtt = new RttEstimate()
  readonly #backlog: Backlog
  #beatRttMs: number | null = null
  #state: LinkState = 'proving'
  #proofs: ProofExchange
  #provingMs = 0
  #isAnswered: boolean
  #upMs = 0
  #greetingMs = 0
  #sendControl: MuxMessage | null = null
  #sendFrame: MuxMessage | null = null
  #hello: Hello | null = null
  #mux: LinkMux | null = null
  #clockSkewMs = 0

  constructor(stream: NoiseSecretStream, options: LinkOptions, handlers: LinkHandlers) {
    this.peer = peerIdOf(stream.remotePublicKey)
    this.initiator = stream.isInitiator
    this.kind = kindOf(stream)
    this.#stream = stream
    this.#backlog = new Backlog(() => stream.rawBytesWritten)
    this.heartbeatKey = options.random.bytes(HEARTBEAT_KEY_BYTES)
    this.#options = options
    this.#handlers = handlers
    this.#silence = new Silence(options.clock.now())
    // What the peer opened it has spoken on, and TCP answers before it connects.
    this.#isAnswered = !this.initiator || this.kind === 'tcp'
    this.#bucket = new Bucket(options.clock, CONTROL_MESSAGES_PER_SECOND, CONTROL_MESSAGES_BURST)
    stream.on('error', () => {}) // 'close' follows and says all we need
    stream.on('close', () => this.close(gone(this.peer, 'the connection ended')))
    this.closed = new Promise((resolve) => stream.on('close', resolve))
    stream.rawStream.on('data', () => this.#heard(true))
    this.#proofs = exchangeProofs(
      stream,
      options.proofKey,
      { use: 'link', clock: options.clock },
      (error) => (error === null ? this.#guard(() => this.#greet()) : this.close(error))
    )
  }

  get state(): LinkState {
    return this.#state
  }

  /** What the peer said of itself. @throws never once the link has been up. */
  get hello(): Hello {
    if (this.#hello === null) throw gone(this.peer, 'it has not introduced itself')
    return this.#hello
  }

  /** Of the connection, for what else runs on it; null before the proofs. */
  get mux(): LinkMux | null {
    return this.#mux
  }

  /** Whether anything came back on it. */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /** Since both hellos, less what this process stood still: offers waited meanwhile. Null while not up. */
  get upForMs(): number | null {
    return this.#state === 'up' ? this.#upMs : null
  }

  /** With its zone when it is link-local: it means nothing without the interface. */
  get remoteHost(): string | null {
    const { remoteHost, remoteAddress } = this.#stream.rawStream
    // A listener of both families sees IPv4 inside IPv6.
    return (remoteHost ?? remoteAddress)?.replace(/^::ffff:(?=\d+\.)/i, '') ?? null
  }

  /** How far the peer's time of day was ahead of ours when its hello came; 0 before. */
  get clockSkewMs(): number {
    return this.#clockSkewMs
  }

  get rttMs(): number | null {
    return this.#rtt.valueMs
  }

  /** How heartbeats of the peer come; all but the limit null while they are not relied on. */
  get beats(): { rttMs: number | null; jitterMs: number | null; limitMs: number } {
    const { jitterMs, limitMs } = this.#silence
    return { rttMs: jitterMs === null ? null : this.#beatRttMs, jitterMs, limitMs }
  }

  /** What was written since the connection was last drained, less what it has taken since. */
  get backlogBytes(): number {
    return this.#backlog.bytes
  }

  /** Any byte from the peer on any connection. */
  heard(): void {
    this.#heard(false)
  }

  #heard(isOwn: boolean): void {
    this.#isAnswered ||= isOwn
    this.#silence.heard(this.#options.clock.now(), isOwn)
  }

  /** A heartbeat of the peer. */
  beat({ gapMs, rttMs }: Beat): void {
    this.#beatRttMs = rttMs
    this.#silence.beat(this.#options.clock.now(), gapMs)
  }

  /** This machine was away: the peer gets a fresh limit, and a ping that shows whether it is still there. */
  renew(): void {
    const nowMs = this.#options.clock.now()
    this.#silence.renew(nowMs)
    this.#ping(nowMs)
  }

  send(message: ControlMessage): void {
    if (this.#state !== 'up' || this.#sendControl === null) return
    const bytes = encodeControl(message)
    this.#backlog.sent(bytes.byteLength, this.#sendControl.send(bytes))
  }

  allocate(sizeBytes: number): OutgoingFrame {
    const bytes = new Uint8Array(sizeBytes)
    return { bytes, ship: () => this.ship(bytes) }
  }

  ship(bytes: Uint8Array): void {
    if (this.#state !== 'up' || this.#sendFrame === null) return
    this.#backlog.sent(bytes.byteLength, this.#sendFrame.send(bytes))
  }

  /** @param pingNow whether this tick sends a ping. */
  tick(listenedMs: number, pingNow: boolean): void {
    if (this.#state === 'down') return
    if (this.#state === 'proving') {
      this.#provingMs += listenedMs
      if (!this.#isAnswered && this.#provingMs > ONE_SIDED_LIMIT_MS) {
        this.close(gone(this.peer, 'nothing came back on it'))
      }
      return
    }
    if (this.#state === 'greeting') {
      this.#greetingMs += listenedMs
      if (this.#greetingMs > PROOF_TIMEOUT_MS) {
        this.close(new SwarmError('PEER_TIMEOUT', `${shortId(this.peer)} never introduced itself`))
      }
      return
    }
    const nowMs = this.#options.clock.now()
    this.#upMs += listenedMs
    const verdict = this.#silence.tick(listenedMs, nowMs)
    if (verdict === 'peer') this.close(gone(this.peer, 'it went silent'))
    else if (verdict === 'connection') this.close(gone(this.peer, 'its connection went silent'))
    else if (this.#stuck.tick(listenedMs, this.#backlog.isFilling, this.#stream.rawBytesWritten)) {
      const text = `${shortId(this.peer)} reads nothing; the link to it was closed`
      this.close(new SwarmError('PEER_BUSY', text))
    } else if (pingNow) this.#ping(nowMs)
  }

  /** Says goodbye and closes as soon as that is on its way. */
  leave(): void {
    this.send({ type: 'leave' })
    this.#end(gone(this.peer, 'we left'), { gently: true, left: false })
  }

  close(error: SwarmError): void {
    this.#end(error, { gently: false, left: false })
  }

  #ping(nowMs: number): void {
    this.send({ type: 'ping', id: this.#pings.next(nowMs) })
  }

  #greet(): void {
    this.#state = 'greeting'
    const mux = new LinkMux(this.#stream, this.#options.clock, (error) => this.close(error))
    this.#mux = mux
    const control = mux.createChannel({
      protocol: CONTROL_PROTOCOL,
      onclose: () => this.close(gone(this.peer, 'it closed the control channel'))
    })
    const frames = mux.createChannel({
      protocol: FRAME_PROTOCOL,
      // A hop may not lose what it is given without a word.
      onclose: () => this.close(gone(this.peer, 'it closed the channel of frames')),
      ondrain: () => this.#backlog.drained()
    })
    if (control === null || frames === null) {
      this.close(gone(this.peer, 'the connection ended'))
      return
    }
    // Position is the number on the wire: hello first.
    const hello = control.addMessage({
      onmessage: (bytes) => this.#guard(() => this.#receiveHello(bytes))
    })
    this.#sendControl = control.addMessage({
      onmessage: (bytes) => this.#guard(() => this.#receiveControl(bytes))
    })
    this.#sendFrame = frames.addMessage({
      onmessage: (bytes) => this.#guard(() => this.#receiveFrame(bytes))
    })
    control.open()
    frames.open()
    hello.send(encodeHello(this.#options.hello(this.heartbeatKey)))
  }

  #receiveHello(bytes: Uint8Array): void {
    if (this.#state !== 'greeting') throw badFrame('a second hello')
    const own = this.#options.hello(this.heartbeatKey)
    const refusal = versionRefusal(own, decodeVersions(bytes), this.peer)
    if (refusal !== null) {
      this.#end(refusal, { gently: true, left: false })
      return
    }
    // The message may lie in a slab of the stream; a hello lives as long as the link.
    this.#hello = decodeHello(new Uint8Array(bytes))
    this.#clockSkewMs = this.#hello.wallMs - this.#options.clock.wallMs()
    this.#state = 'up'
    this.#handlers.onUp(this)
  }

  #receiveControl(bytes: Uint8Array): void {
    if (this.#state !== 'up') throw badFrame('a control message before hello')
    if (!this.#bucket.take()) {
      throw badFrame(`more than ${CONTROL_MESSAGES_PER_SECOND} control messages per second`)
    }
    const message = decodeControl(bytes)
    switch (message.type) {
      case 'ping':
        this.send({ type: 'pong', id: message.id })
        return
      case 'pong': {
        const rttMs = this.#pings.answered(message.id, this.#options.clock.now())
        if (rttMs !== null) this.#rtt.sample(rttMs)
        return
      }
      case 'leave':
        this.#end(gone(this.peer, 'it left'), { gently: false, left: true })
        return
      default:
        this.#handlers.onControl(this, message)
    }
  }

  #receiveFrame(bytes: Uint8Array): void {
    if (this.#state !== 'up') throw badFrame('a session frame before hello')
    if (bytes.byteLength > ACTIVATION_BYTES_MAX) {
      const text = `a frame of ${bytes.byteLength} bytes is above ${ACTIVATION_BYTES_MAX}`
      throw new SwarmError('WIRE_TOO_LARGE', text)
    }
    this.#handlers.onFrame(this, bytes)
  }

  #guard(work: () => void): void {
    if (this.#state === 'down') return
    try {
      work()
    } catch (error) {
      this.close(toSwarmError(error, 'WIRE_BAD_FRAME'))
    }
  }

  #end(error: SwarmError, how: { gently: boolean; left: boolean }): void {
    if (this.#state === 'down') return
    this.#state = 'down'
    this.#proofs.cancel()
    if (how.gently) {
      this.#stream.end()
      this.#options.clock.after(LAST_WORDS_MS, () => this.#stream.destroy())
    } else if (error.code === 'WIRE_PROOF') {
      // Our own proof was written in this very tick if theirs was here before us: it tells the other side
      // that the two differ. No longer than it takes to hand it to the system, or strangers would add up.
      setImmediate(() => this.#stream.destroy())
    } else {
      this.#stream.destroy()
    }
    this.#handlers.onDown(this, error, how.left)
  }
}

/** Which transport a connection runs over. */
export function kindOf(stream: NoiseSecretStream): 'tcp' | 'udx' {
  return stream.rawStream instanceof Socket ? 'tcp' : 'udx'
}

function gone(peer: PeerId, why: string): SwarmError {
  return new SwarmError('PEER_GONE', `The link to ${shortId(peer)} is down: ${why}`)
}

function badFrame(what: string): SwarmError {
  return new SwarmError('WIRE_BAD_FRAME', `${clip(what)} was received, so the link was closed`)
}
