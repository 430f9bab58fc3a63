// The one door to the other machines: joins identity, topic, discovery, links, lanes, hops, directory
// and gossip, and is all that node.ts uses of this folder.
//
//   discovery --connection--> links --up--> lanes --carrier--> hops
//                                   \--up--> directory <--records--> gossip
//
// Owns the tick that drives heartbeats, and the order in which things begin and end. Decides nothing:
// a peer with another model, say, is reported with its facts and judged above.

import { every, sleep, type Clock, type Timer } from '../base/clock.ts'
import { SwarmError, toSwarmError } from '../base/errors.ts'
import { HINTS_MAX } from '../base/limits.ts'
import { PROTOCOL_VERSION, type Hello } from '../wire/hello.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import { announcedAddresses } from './address.ts'
import { Bucket } from './bucket.ts'
import { Directory, type RecordChanges } from './members/directory.ts'
import { Discovery } from './find/discovery.ts'
import { Gossip } from './members/gossip.ts'
import { PeerHops } from './hops/hops.ts'
import { Lanes } from './lane/lanes.ts'
import { LAST_WORDS_MS, type Link } from './link/link.ts'
import { Links } from './link/links.ts'
import { PING_TICKS, TICK_MS, listenedMs } from './link/silence.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Hops } from '../pipeline/hop.ts'
import type { ControlMessage } from '../wire/control.ts'
import type { Address } from './address.ts'
import type { Identity } from './identity.ts'
import type { Topic } from './topic.ts'

/**
 * How long a peer is not dialled: one that was refused for good reason, one whose proof did not come
 * (the connection may have existed on our side only), and one that left.
 */
const REFUSED_HOLD_MS = 60_000
const UNPROVEN_HOLD_MS = 2000
const LEFT_HOLD_MS = 1000
/** A link lost within this time was lost to another connection between the same two, most likely. */
const YOUNG_MS = 2000
/** Between two reports of the same refused peer: it may try again every second. */
const REFUSED_REPORT_MS = 30_000
/** Reports of refused peers per second, and at once: a stranger can come with a new key each time. */
const REPORTS_PER_SECOND = 0.2
const REPORTS_BURST = 8
/** Ticks between two looks at the directory: one second. */
const SWEEP_TICKS = 8

/** What this machine says of itself in hello. */
export interface NetworkFacts {
  name: string
  programVersion: string
  arithmeticVersion: number
  model: { id: string; name: string } | null
}

export interface NetworkOptions {
  identity: Identity
  topic: Topic
  /** Nodes of a private DHT; used when the topic's reach is 'given'. */
  bootstrap: Address[]
  facts: NetworkFacts
  clock: Clock
  random: Random
  log: Log
  onEvent(event: NetworkEvent): void
  /** False: does not call out on the local network. */
  beacon?: boolean
  beaconPort?: number
  /** Address to bind, for DHT and lanes; all when absent. */
  host?: string
  /** Address to accept lanes at, if another: that of a cable kept for them, say. */
  laneHost?: string
}

export type NetworkEvent =
  | { type: 'link-up'; peer: PeerId; hello: Hello }
  /** `left`: the peer went on its own. */
  | { type: 'link-down'; peer: PeerId; error: SwarmError; left: boolean }
  /** Session frames now go this way; null: for the moment none. */
  | { type: 'lane'; peer: PeerId; kind: 'tcp' | 'udx' | null }
  /** A record, or the state of its peer, is new in the directory. */
  | { type: 'record'; peer: PeerId }
  /** A connection came to nothing: WIRE_PROOF, WIRE_VERSION, WIRE_BAD_FRAME, PEER_BUSY. */
  | { type: 'refused'; peer: PeerId; error: SwarmError }
  /** Another process has our key, or somebody makes it look so: to be told, no reason to stop. */
  | { type: 'duplicate'; error: SwarmError }

export interface LinkInfo {
  peer: PeerId
  host: string | null
  hello: Hello
  /** How long the link has been up. */
  upMs: number
  /** Round trip on the way that frames take; null until measured. */
  rttMs: number | null
  lane: 'tcp' | 'udx' | null
}

export class PeerNetwork {
  readonly hops: Hops
  readonly directory: Pick<Directory, 'get' | 'peers'>
  readonly #options: NetworkOptions
  readonly #directory: Directory
  readonly #gossip: Gossip
  readonly #links: Links
  readonly #lanes: Lanes
  readonly #hops: PeerHops
  readonly #upSinceMs = new Map<PeerId, number>()
  readonly #refusedMs = new Map<PeerId, number>()
  readonly #reports: Bucket
  #discovery: Discovery | null = null
  #onWeights: (from: PeerId, block: Uint8Array) => void | Promise<void> = () => {}
  #lanePort = 0
  #openedMs = 0
  #tick: Timer | null = null
  #closing: Promise<void> | null = null

  constructor(options: NetworkOptions) {
    const { identity, topic, clock, facts, log } = options
    const self = identity.id
    this.#options = options
    this.#reports = new Bucket(clock, REPORTS_PER_SECOND, REPORTS_BURST)
    this.#directory = new Directory(identity, facts, clock, {
      onRecord: (peer, from) => {
        this.#gossip.push(peer, from)
        this.#emit({ type: 'record', peer })
      },
      onState: (peer) => this.#emit({ type: 'record', peer }),
      onDuplicate: (error) => this.#emit({ type: 'duplicate', error })
    })
    this.#gossip = new Gossip(this.#directory, clock)
    this.#links = new Links(
      self,
      { proofKey: topic.proofKey, clock, hello: () => this.#hello() },
      {
        onUp: (link) => this.#linkUp(link),
        onControl: (link, message) => this.#control(link, message),
        onFrame: (link, frame) => this.#lanes.receiveOnLink(link.peer, frame),
        onDown: (link, error, left) => this.#linkDown(link, error, left),
        onRefused: (peer, error) => this.#refused(peer, error)
      }
    )
    this.#lanes = new Lanes(
      { self, keyPair: identity.keyPair, proofKey: topic.proofKey, clock },
      {
        expects: (peer) => this.#links.expects(peer),
        onCarrier: (peer, carrier) => {
          this.#hops.attach(peer, carrier)
          this.#emit({ type: 'lane', peer, kind: carrier.kind })
        },
        onCarrierLost: (peer, error) => {
          log.debug(error.message)
          this.#hops.gone(peer)
          this.#emit({ type: 'lane', peer, kind: null })
        },
        onFrame: (peer, frame) => this.#hops.receive(peer, frame),
        onBlock: (peer, block) => this.#onWeights(peer, block)
      }
    )
    this.#hops = new PeerHops({
      self,
      log,
      linked: (peer) => this.#links.get(peer) !== null,
      carrierOf: (peer) => this.#lanes.slot(peer)?.carrier ?? null,
      closeCarrier: (peer, error) => {
        const carrier = this.#lanes.slot(peer)?.carrier ?? this.#links.get(peer)
        this.#refused(peer, error)
        carrier?.close(error)
      }
    })
    this.hops = this.#hops
    this.directory = this.#directory
  }

  /**
   * Begins to look for the other peers. Resolves at once when the ports are open; links are events.
   * Handlers of hops are to be set before.
   */
  async open(): Promise<void> {
    const { identity, topic, bootstrap, clock, random, host } = this.#options
    const bind = host === undefined ? {} : { host }
    this.#openedMs = clock.now()
    this.#lanePort = await this.#lanes.open(this.#options.laneHost ?? host)
    if (this.#closing !== null) return
    if (this.#lanePort === 0) this.#options.log.warn('no TCP port for lanes: frames go over UDP')
    const { beacon = true, beaconPort } = this.#options
    this.#discovery = new Discovery(
      {
        identity,
        topic,
        bootstrap,
        lanePort: this.#lanePort,
        beacon,
        ...(beaconPort === undefined ? {} : { beaconPort }),
        ...bind,
        clock,
        random
      },
      {
        onConnection: (stream) => this.accept(stream),
        onDuplicate: (where) => this.#directory.reportDuplicate(where),
        connected: (peer) => this.#links.expects(peer)
      }
    )
    this.#startTicking()
    await this.#discovery.open()
  }

  /** A connection from any transport, after its Noise handshake with our identity's key. */
  accept(stream: NoiseSecretStream): void {
    this.#links.accept(stream)
  }

  /** Says something new about ourselves to everybody. */
  publish(changes: RecordChanges): void {
    this.#directory.publish(changes)
  }

  /**
   * Sends a block of weights on a way of its own, beside sessions and control (lane/weights-way.ts).
   * @throws PEER_NO_LINK, PEER_GONE, PEER_BUSY, WIRE_TOO_LARGE
   */
  async sendWeights(peer: PeerId, block: Uint8Array, signal?: AbortSignal): Promise<void> {
    const slot = this.#lanes.slot(peer)
    if (slot === null) {
      throw new SwarmError('PEER_NO_LINK', `There is no link to ${shortId(peer)} now`)
    }
    await slot.weights.send(block, signal)
  }

  /** The one receiver of blocks of weights. The peer is slowed down until what it returns has settled. */
  onWeights(handler: (from: PeerId, block: Uint8Array) => void | Promise<void>): void {
    this.#onWeights = handler
  }

  links(): LinkInfo[] {
    const nowMs = this.#options.clock.now()
    return this.#links.up().map((link) => {
      const slot = this.#lanes.slot(link.peer)
      return {
        peer: link.peer,
        host: link.remoteHost,
        hello: link.hello,
        upMs: nowMs - (this.#upSinceMs.get(link.peer) ?? nowMs),
        rttMs: slot?.rttMs ?? null,
        lane: slot?.kind ?? null
      }
    })
  }

  /** Says goodbye, then ends everything, within about three seconds whatever the network does. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.publish({ left: true })
    this.#gossip.flush()
    this.#gossip.close()
    this.#discovery?.quiet()
    await Promise.race([this.#links.close(), sleep(this.#options.clock, LAST_WORDS_MS)])
    this.#lanes.close()
    await this.#discovery?.close()
    this.#tick?.cancel()
  }

  #hello(): Hello {
    const { facts, clock } = this.#options
    const { signed, record } = this.#directory.own
    return {
      protocolVersion: PROTOCOL_VERSION,
      arithmeticVersion: facts.arithmeticVersion,
      programVersion: facts.programVersion,
      name: facts.name,
      upMs: Math.floor(clock.now() - this.#openedMs),
      lane: { port: this.#lanePort, addresses: announcedAddresses() },
      model: record.model,
      record: signed
    }
  }

  #linkUp(link: Link): void {
    const { peer, hello } = link
    // First what may be refused, so that a link that was never up has left no trace.
    if (hello.record !== null) this.#directory.accept(hello.record, peer)
    this.#upSinceMs.set(peer, this.#options.clock.now())
    this.#directory.linkUp(peer)
    this.#emit({ type: 'link-up', peer, hello })
    this.#lanes.linkUp(link)
    this.#gossip.linkUp(link)
  }

  #linkDown(link: Link, error: SwarmError, left: boolean): void {
    const { peer } = link
    const upSinceMs = this.#upSinceMs.get(peer) ?? Infinity
    const wasUp = this.#upSinceMs.delete(peer)
    const isYoung = !wasUp || this.#options.clock.now() - upSinceMs < YOUNG_MS
    if (error.code === 'PEER_GONE' && !left && isYoung) {
      // Once hyperswarm has forgotten it, or it would not dial.
      void link.closed.then(() => this.#discovery?.again(peer))
    }
    if (!wasUp) {
      if (error.code !== 'PEER_GONE') this.#refused(peer, error)
      return
    }
    this.#lanes.linkDown(peer)
    this.#hops.gone(peer)
    this.#gossip.linkDown(peer)
    this.#directory.linkDown(peer)
    if (left) this.#discovery?.forget(peer, LEFT_HOLD_MS)
    else if (error.family === 'WIRE') this.#refused(peer, error)
    else if (this.#closing === null) this.#discovery?.want(peer)
    this.#emit({ type: 'link-down', peer, error, left })
  }

  #control(link: Link, message: ControlMessage): void {
    const slot = this.#lanes.slot(link.peer)
    if (message.type === 'no-lane') slot?.theirFailed()
    else if (message.type === 'addresses') slot?.paths.heard(message.addresses)
    else if (message.type === 'frames-end') slot?.linkEnded(message.move)
    else this.#gossip.receive(link.peer, message)
  }

  #refused(peer: PeerId, error: SwarmError): void {
    const nowMs = this.#options.clock.now()
    if (error.family === 'WIRE') {
      const holdMs = error.code === 'WIRE_PROOF' ? UNPROVEN_HOLD_MS : REFUSED_HOLD_MS
      this.#discovery?.forget(peer, holdMs)
    }
    const reportedMs = this.#refusedMs.get(peer) ?? -Infinity
    if (nowMs - reportedMs < REFUSED_REPORT_MS || !this.#reports.take()) return
    if (this.#refusedMs.size >= HINTS_MAX) this.#refusedMs.clear()
    this.#refusedMs.set(peer, nowMs)
    this.#emit({ type: 'refused', peer, error })
  }

  #startTicking(): void {
    const { clock } = this.#options
    let count = 0
    let lastMs = clock.now()
    this.#tick = every(clock, TICK_MS, () => {
      const nowMs = clock.now()
      const listened = listenedMs(nowMs - lastMs)
      lastMs = nowMs
      count++
      const pingNow = count % PING_TICKS === 0
      this.#links.tick(listened, pingNow)
      this.#lanes.tick(listened, pingNow)
      if (count % SWEEP_TICKS !== 0) return
      this.#lanes.announce(announcedAddresses())
      this.#directory.sweep()
      this.#gossip.tick()
    })
  }

  #emit(event: NetworkEvent): void {
    try {
      this.#options.onEvent(event)
    } catch (error) {
      // A fault of the listener is ours and must not end the peer's connection.
      const { stack } = toSwarmError(error, 'PEER_GONE')
      this.#options.log.error(`the listener of '${event.type}' failed: ${stack}`)
    }
  }
}
