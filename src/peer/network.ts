// The one door to the other machines: joins identity, topic, discovery, links, lanes, hops, directory
// and gossip, and is all that node.ts uses of this folder.
//
//   discovery, arrivals --connection--> links --up--> lanes --carrier--> hops
//                                         \--up--> directory <--records--> gossip
//
// Owns the order in which things begin and end. Decides nothing: a peer with another model, say, is
// reported with its facts and judged above.

import { sleep, type Timer } from '../base/clock.ts'
import { SwarmError, toSwarmError } from '../base/errors.ts'
import { peerIdOf, shortId, type PeerId } from '../wire/ids.ts'
import { announcedAddresses } from './address.ts'
import { Directory, type RecordChanges } from './members/directory.ts'
import { Arrivals } from './find/arrivals.ts'
import { DIRECT_PORT } from './find/direct-server.ts'
import { Discovery } from './find/discovery.ts'
import { Gossip } from './members/gossip.ts'
import { PeerHops } from './hops/hops.ts'
import { Lanes } from './lane/lanes.ts'
import { HeartbeatPort } from './link/heartbeat-port.ts'
import { LAST_WORDS_MS, type Link } from './link/link.ts'
import { Links } from './link/links.ts'
import { LogExchange, type LogPort } from './log-exchange.ts'
import { startTicking } from './network-tick.ts'
import { ownHello } from './own-hello.ts'
import { Redial } from './redial.ts'
import { Refusals } from './refusals.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Hops } from '../pipeline/hop.ts'
import type { ControlMessage } from '../wire/control.ts'
import type { Hello } from '../wire/hello.ts'
import type { MeasuredPath } from './lane/bursts.ts'
import type { BlockParts } from './lane/weights-piece.ts'
import type { LinkInfo, NetworkEvent, NetworkOptions } from './network-options.ts'

export class PeerNetwork {
  readonly hops: Hops
  readonly directory: Pick<Directory, 'get' | 'peers'>
  readonly #options: NetworkOptions
  readonly #directory: Directory
  readonly #gossip: Gossip
  readonly #links: Links
  readonly #lanes: Lanes
  readonly #arrivals: Arrivals
  readonly #heartbeats: HeartbeatPort
  readonly #redial: Redial
  readonly #hops: PeerHops
  readonly #upSinceMs = new Map<PeerId, number>()
  readonly #refusals: Refusals
  readonly #logs = new LogExchange()
  #discovery: Discovery | null = null
  #onWeights: (from: PeerId, block: BlockParts) => void | Promise<void> = () => {}
  #lanePort = 0
  #heartbeatPort = 0
  #openedMs = 0
  #tick: Timer | null = null
  #closing: Promise<void> | null = null

  constructor(options: NetworkOptions) {
    const { identity, topic, clock, random, facts, log } = options
    const self = identity.id
    this.#options = options
    this.#refusals = new Refusals(clock)
    this.#directory = new Directory(identity, facts, clock, random, {
      onRecord: (peer, from) => {
        this.#gossip.push(peer, from)
        this.#emit({ type: 'record', peer })
      },
      onState: (peer) => this.#emit({ type: 'record', peer }),
      onDuplicate: (error) => this.#emit({ type: 'duplicate', error }),
      send: (peer, message) => this.#links.get(peer)?.send(message)
    })
    this.#gossip = new Gossip(this.#directory, clock)
    this.#links = new Links(
      self,
      { proofKey: topic.proofKey, clock, random, hello: (key) => this.#hello(key) },
      {
        onUp: (link) => this.#linkUp(link),
        onControl: (link, message) => this.#control(link, message),
        onFrame: (link, frame) => this.#lanes.receiveOnLink(link.peer, frame),
        onDown: (link, error, left) => this.#linkDown(link, error, left),
        onRefused: (peer, error) => this.#refused(peer, error),
        shutOut: (peer) => this.#shutOut(peer)
      }
    )
    this.#redial = new Redial(clock, () => this.#discovery)
    this.#heartbeats = new HeartbeatPort(log, (beat) => this.#links.get(beat.peer)?.beat(beat))
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
    this.#arrivals = new Arrivals(
      { keyPair: identity.keyPair, proofKey: topic.proofKey, clock },
      {
        onLink: (stream) => this.#links.accept(stream),
        onLane: (stream) => this.#lanes.receive(stream),
        onStranger: (stream) => {
          // Its proof is refused there, with a word to the user.
          if (this.#links.expects(peerIdOf(stream.remotePublicKey))) stream.destroy()
          else this.#links.accept(stream)
        }
      }
    )
    this.hops = this.#hops
    // Others still pass on the records of a peer that is shut out here: it is not to be planned with.
    this.directory = {
      get: (peer) => (this.#shutOut(peer) === null ? this.#directory.get(peer) : null),
      peers: () => this.#directory.peers().filter(({ record }) => !this.#shutOut(record.key))
    }
  }

  /**
   * Begins to look for the other peers. Resolves at once when the ports are open; links are events.
   * Handlers of hops are to be set before.
   */
  async open(): Promise<void> {
    const { identity, topic, bootstrap, clock, random, host } = this.#options
    const bind = host === undefined ? {} : { host }
    this.#openedMs = clock.now()
    const {
      beacon = true,
      beaconPort,
      laneHost = host,
      port = DIRECT_PORT,
      peers = []
    } = this.#options
    ;[this.#lanePort, this.#heartbeatPort] = await Promise.all([
      this.#arrivals.open({ ...(laneHost === undefined ? {} : { host: laneHost }), port }),
      this.#heartbeats.open(host ?? null)
    ])
    if (this.#closing !== null) return
    if (this.#lanePort === 0) this.#options.log.warn('no TCP port can be opened: all goes over UDP')
    this.#discovery = new Discovery(
      {
        identity,
        topic,
        bootstrap,
        peers,
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
        // Nobody dials a peer that is shut out, whatever beacons say.
        connected: (peer) => this.#links.answered(peer) || this.#shutOut(peer) !== null,
        lonely: () => this.#links.up().length === 0
      }
    )
    this.#startTicking()
    await this.#discovery.open()
  }

  /** A connection from any transport, after its Noise handshake with our identity's key. */
  accept(stream: NoiseSecretStream): void {
    if (stream.isInitiator) this.#links.accept(stream)
    else this.#arrivals.addUdx(stream)
  }

  /** Where other machines reach this one with --peer; 0: nowhere. */
  get port(): number {
    return this.#lanePort
  }

  /** Says something new about ourselves to everybody. */
  publish(changes: RecordChanges): void {
    this.#directory.publish(changes)
  }

  /** The gate was edited: who is shut out now is gone at once, and no part of any plan. */
  recheck(): void {
    this.#links.recheck()
    for (const { record } of this.#directory.peers()) {
      this.#emit({ type: 'record', peer: record.key })
    }
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

  /**
   * How long the path to a peer is and what it carries: some hundred KB are sent to it. Null where there is
   * no link, no lane or no time for it now.
   */
  async measurePath(peer: PeerId): Promise<MeasuredPath | null> {
    return (await this.#lanes.slot(peer)?.weights.measure()) ?? null
  }

  /** The one receiver of blocks of weights. The peer is slowed down until what it returns has settled. */
  onWeights(handler: (from: PeerId, block: BlockParts) => void | Promise<void>): void {
    this.#onWeights = handler
  }

  /** The logs of the shared memory are there, and from now on on every link. Once. */
  shareLogs(port: LogPort): void {
    this.#logs.open(port)
  }

  links(): LinkInfo[] {
    return this.#links.up().map((link) => {
      const slot = this.#lanes.slot(link.peer)
      return {
        peer: link.peer,
        host: link.remoteHost,
        hello: link.hello,
        upMs: this.#upMs(link.peer),
        rttMs: slot?.rttMs ?? null,
        lane: slot?.kind ?? null,
        beats: link.beats,
        clockSkewMs: link.clockSkewMs
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
    this.#arrivals.close()
    await Promise.race([this.#links.close(), sleep(this.#options.clock, LAST_WORDS_MS)])
    this.#lanes.close()
    this.#heartbeats.close()
    await this.#discovery?.close()
    this.#tick?.cancel()
  }

  #hello(heartbeatKey: Uint8Array): Hello {
    const { facts, clock } = this.#options
    const ports = { lane: this.#lanePort, heartbeat: this.#heartbeatPort }
    const times = { upMs: clock.now() - this.#openedMs, wallMs: clock.wallMs() }
    return ownHello(facts, times, ports, heartbeatKey, this.#directory.own, this.#logs.ownCard)
  }

  #linkUp(link: Link): void {
    const { peer, hello } = link
    // First what may be refused, so that a link that was never up has left no trace.
    if (hello.record !== null) this.#directory.accept(hello.record, peer)
    this.#upSinceMs.set(peer, this.#options.clock.now())
    this.#directory.linkUp(peer)
    this.#emit({ type: 'link-up', peer, hello })
    this.#redial.linkUp(peer)
    this.#beat(link)
    this.#lanes.linkUp(link)
    this.#gossip.linkUp(link)
    this.#logs.linkUp(link)
  }

  #beat({ peer, hello, heartbeatKey, remoteHost }: Link): void {
    const { heartbeat, lane } = hello
    if (heartbeat.port === 0) return
    const hosts = new Set(remoteHost === null ? lane.addresses : [remoteHost, ...lane.addresses])
    this.#heartbeats.linkUp({
      peer,
      ownKey: heartbeatKey,
      theirKey: heartbeat.key,
      addresses: [...hosts].map((host) => ({ host, port: heartbeat.port }))
    })
  }

  #linkDown(link: Link, error: SwarmError, left: boolean): void {
    const { peer } = link
    const upMs = this.#upMs(peer)
    const wasUp = this.#upSinceMs.delete(peer)
    if (this.#closing === null && !this.#shutOut(peer))
      this.#redial.linkDown(link, wasUp ? upMs : null, error, left)
    if (!wasUp) {
      if (error.code !== 'PEER_GONE') this.#refused(peer, error)
      return
    }
    this.#heartbeats.linkDown(peer)
    this.#lanes.linkDown(peer)
    this.#hops.gone(peer)
    this.#gossip.linkDown(peer)
    this.#logs.linkDown(peer)
    this.#directory.linkDown(peer, left)
    if (!left && error.family === 'WIRE') this.#refused(peer, error)
    this.#emit({ type: 'link-down', peer, error, left })
  }

  /** This machine was away. Links may be dead or not: a ping and a fresh limit will tell. */
  #back(): void {
    for (const link of this.#links.up()) link.renew()
    this.#redial.back()
  }

  #control(link: Link, message: ControlMessage): void {
    const { peer } = link
    const slot = this.#lanes.slot(peer)
    switch (message.type) {
      case 'no-lane':
        slot?.theirFailed()
        return
      case 'addresses':
        slot?.paths.heard(message.addresses)
        return
      case 'frames-end':
        slot?.linkEnded(message.move)
        return
      case 'log-cards':
        this.#logs.receive(peer, message.cards)
        return
      case 'members':
      case 'probe':
      case 'probe-answer':
        this.#directory.receive(peer, message)
        return
      default:
        this.#gossip.receive(peer, message)
    }
  }

  #upMs(peer: PeerId): number {
    const nowMs = this.#options.clock.now()
    return nowMs - (this.#upSinceMs.get(peer) ?? nowMs)
  }

  #refused(peer: PeerId, error: SwarmError): void {
    this.#redial.refused(peer, error)
    if (this.#refusals.isNews(peer, error)) this.#emit({ type: 'refused', peer, error })
  }

  /** Ourselves never. */
  #shutOut(peer: PeerId): SwarmError | null {
    const { gate, identity } = this.#options
    return peer === identity.id ? null : (gate?.refusal(peer) ?? null)
  }

  #startTicking(): void {
    this.#tick = startTicking(this.#options.clock, {
      onBack: () => this.#back(),
      onTick: (listened, pingNow) => {
        this.#heartbeats.tick()
        this.#links.tick(listened, pingNow)
        this.#lanes.tick(listened, pingNow)
      },
      onRound: (listened) => {
        this.#directory.tick(listened)
        this.#lanes.announce(announcedAddresses())
        this.#gossip.tick()
      }
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
