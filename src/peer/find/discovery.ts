// Finds the other peers of a topic and turns them into connections: hyperswarm on a DHT (public, given,
// or none), the beacon on the local network, and addresses given by hand, side by side, whichever is
// first. Owns all three. Nothing of the DHT is awaited: without internet its calls take 12 s and more, and
// the LAN must not wait for them. A peer that was heard is dialled over TCP (direct-dials.ts), and over UDX
// if that does not come through at once. Every connection goes to onConnection; what becomes of it is
// decided in links.ts.

import HyperDHT, { type ConnectOptions } from 'hyperdht'
import Hyperswarm, { type TopicSession } from 'hyperswarm'

import { every, sleep, type Clock, type Timer } from '../../base/clock.ts'
import { PEERS_MAX } from '../../base/limits.ts'
import { toHex } from '../../base/text.ts'
import { Bucket } from '../../base/bucket.ts'
import { BEACON_PORT, Beacon, type Hint } from './beacon.ts'
import { DialPolicy } from './dial-policy.ts'
import { DirectDials } from './direct-dials.ts'
import { GivenPeers } from './given-peers.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Random } from '../../base/random.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { Address } from '../address.ts'
import type { Identity } from '../identity.ts'
import type { Topic } from '../topic.ts'

/** Dials that beacons may cause per second, for all peers: a forged flood costs no more. */
const DIALS_PER_SECOND = 16
/** How often a peer without any link looks again; hyperswarm itself does so every ten minutes. */
const LONELY_MS = 30_000
/** How long a lost peer is looked for. Later the DHT or a beacon finds it anew. */
const WANTED_MS = 600_000
/**
 * When a lost peer is dialled over UDX: after 1, 2, 4, ... 32 s. Not at once, because a peer that was lost
 * because it dialled anew is on its way in already, and hyperswarm would drop it for a dial of ours.
 */
const WANTED_STEP_MS = 1000
const WANTED_STEP_MAX_MS = 32_000
/** A link that held for so long was a good one; before, its loss lengthens the next wait. */
const WANTED_GOOD_MS = 30_000
/** Hyperswarm says goodbye to its DHT nodes; some may be dead, and then it would take 4 s and more. */
const GOODBYE_MS = 1000

export interface DiscoveryOptions {
  identity: Identity
  topic: Topic
  /** Used when the topic's reach is 'given'. */
  bootstrap: Address[]
  /** Addresses given with --peer. */
  peers: Address[]
  /** Where our lanes and links over TCP are accepted; 0 for nowhere. */
  lanePort: number
  /** False: no beacon (a test, or a machine that must not call out). */
  beacon: boolean
  /** IPv4 address to bind; all when absent. */
  host?: string
  beaconPort?: number
  clock: Clock
  random: Random
}

export interface DiscoveryHandlers {
  onConnection(stream: NoiseSecretStream): void
  /** Another process calls out with our key. */
  onDuplicate(host: string): void
  /** Whether there is a connection to this peer that works. */
  connected(peer: PeerId): boolean
  /** Whether there is no link at all. */
  lonely(): boolean
}

interface Wanted {
  untilMs: number
  /** When to dial next, and how long to wait after that. */
  nextMs: number
  stepMs: number
  /** Since when it has been back. */
  backMs: number | null
}

export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #handlers: DiscoveryHandlers
  readonly #policy: DialPolicy
  readonly #dials: Bucket
  readonly #dht: HintedDht
  readonly #swarm: Hyperswarm
  readonly #direct: DirectDials
  readonly #given: GivenPeers
  readonly #wanted = new Map<PeerId, Wanted>()
  #session: TopicSession | null = null
  #beacon: Beacon | null = null
  #housekeeping: Timer | null = null
  #lookedMs = 0
  #quiet = false
  #closing: Promise<void> | null = null

  constructor(options: DiscoveryOptions, handlers: DiscoveryHandlers) {
    const { identity, topic, clock, host } = options
    this.#options = options
    this.#handlers = handlers
    this.#policy = new DialPolicy(identity.id)
    this.#dials = new Bucket(clock, DIALS_PER_SECOND, 2 * DIALS_PER_SECOND)
    this.#dht = new HintedDht(
      {
        // Absent means the public DHT, so that everything else must say so.
        ...(topic.dht === 'public'
          ? {}
          : { bootstrap: topic.dht === 'given' ? options.bootstrap : [] }),
        ...(host === undefined ? {} : { host }),
        keyPair: identity.keyPair
      },
      (publicKey) => this.#udxAddresses(toHex(publicKey) as PeerId)
    )
    this.#swarm = new Hyperswarm({
      dht: this.#dht,
      keyPair: identity.keyPair,
      // With four explicit peers hyperswarm counts each connection four times.
      maxPeers: 4 * PEERS_MAX
    })
    this.#swarm.on('connection', (stream: NoiseSecretStream) => handlers.onConnection(stream))
    this.#direct = new DirectDials(identity.keyPair, clock, {
      onStream: (stream) => handlers.onConnection(stream),
      onLate: (peer) => this.#dialUdx(peer)
    })
    this.#given = new GivenPeers(options.peers, identity, clock, handlers)
  }

  /** Resolves when the UDP port is known, within milliseconds; nobody may have been found by then. */
  async open(): Promise<void> {
    const { topic, clock } = this.#options
    this.#given.open()
    if (topic.dht === 'none') this.#swarm.listen().catch(ignore)
    else this.#join()
    await this.#dht.bind()
    if (this.#quiet) return
    if (this.#options.beacon) this.#openBeacon()
    this.#housekeeping = every(clock, 1000, () => this.#keepHouse())
  }

  /** A peer was lost without a word: both sides try to get back. */
  want(peer: PeerId): void {
    const nowMs = this.#options.clock.now()
    this.#policy.restart(peer, nowMs)
    const before = this.#wanted.get(peer)
    if (before === undefined && this.#wanted.size >= PEERS_MAX) return
    const stepMs = before?.stepMs ?? WANTED_STEP_MS
    this.#wanted.set(peer, {
      untilMs: nowMs + WANTED_MS,
      nextMs: nowMs + stepMs,
      stepMs: Math.min(2 * stepMs, WANTED_STEP_MAX_MS),
      backMs: null
    })
    // Another cable may lead to it: over TCP that is tried at once, all addresses of the last seconds.
    const isOurs = !this.#quiet && this.#policy.takeDial(peer, nowMs) && this.#dials.take()
    if (isOurs) this.#direct.dial(peer, this.#policy.addresses(peer, nowMs))
  }

  /** A connection to a peer ended before it was any use: hyperswarm drops both of two that cross. */
  again(peer: PeerId): void {
    const nowMs = this.#options.clock.now()
    if (this.#quiet || this.#handlers.connected(peer)) return
    if (this.#policy.takeAgain(peer, nowMs) && this.#dials.take()) this.#dial(peer)
  }

  /** A peer left, or was refused: it is not dialled for `holdMs`, though it may dial us. */
  forget(peer: PeerId, holdMs: number): void {
    this.#policy.hold(peer, this.#options.clock.now() + holdMs)
    this.#unwant(peer)
  }

  /** Calls out no more and dials nobody; connections that exist stay. */
  quiet(): void {
    this.#quiet = true
    this.#housekeeping?.cancel()
    this.#beacon?.close()
    this.#given.close()
    this.#direct.close()
  }

  /** Ends everything within about two deadlines, whatever the network does. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { clock } = this.#options
    this.quiet()
    const polite = this.#swarm.destroy().catch(ignore)
    await Promise.race([polite, sleep(clock, GOODBYE_MS)])
    // hyperswarm.destroy({ force }) would wait for the polite one; the node below it does not.
    const forced = this.#dht.destroy({ force: true }).catch(ignore)
    await Promise.race([Promise.all([polite, forced]), sleep(clock, GOODBYE_MS)])
  }

  #join(): void {
    const session = this.#swarm.join(this.#options.topic.discoveryKey)
    this.#session = session
    // Two peers that start together may both look before the other has announced itself. Who looks
    // again after its own announcement is done cannot miss the other.
    session.flushed().then(() => this.#look(), ignore)
  }

  #look(): void {
    this.#lookedMs = this.#options.clock.now()
    if (!this.#quiet) this.#session?.refresh().catch(ignore)
  }

  #openBeacon(): void {
    const { identity, topic, lanePort, random, clock, beaconPort } = this.#options
    this.#beacon = new Beacon({
      beaconKey: topic.beaconKey,
      own: {
        key: identity.id,
        instance: toHex(random.bytes(8)),
        dhtPort: this.#dht.localAddress()?.port ?? 0,
        lanePort
      },
      clock,
      port: beaconPort ?? BEACON_PORT,
      onHint: (hint) => this.#hinted(hint),
      onDuplicate: this.#handlers.onDuplicate
    })
    this.#beacon.open()
  }

  #hinted(hint: Hint): void {
    if (this.#quiet) return
    const nowMs = this.#options.clock.now()
    const forgotten = this.#policy.hint(hint.key, hint, nowMs)
    // Hyperswarm keeps what it was told to dial until it is told otherwise.
    if (forgotten !== null && !this.#isNeeded(forgotten)) this.#leave(forgotten)
    if (this.#handlers.connected(hint.key)) return
    if (!this.#policy.takeDial(hint.key, nowMs) || !this.#dials.take()) return
    this.#dial(hint.key)
  }

  #dial(peer: PeerId): void {
    const addresses = this.#policy.addresses(peer, this.#options.clock.now())
    if (!this.#direct.dial(peer, addresses)) this.#dialUdx(peer)
  }

  #dialUdx(peer: PeerId): void {
    if (this.#quiet || this.#handlers.connected(peer)) return
    const publicKey = Buffer.from(peer, 'hex')
    this.#swarm.leavePeer(publicKey) // or hyperswarm would keep the count of its failures
    this.#swarm.joinPeer(publicKey)
  }

  #udxAddresses(peer: PeerId): Address[] {
    return this.#policy
      .addresses(peer, this.#options.clock.now())
      .filter(({ family }) => family === 'IPv4')
      .map(({ host, dhtPort }) => ({ host, port: dhtPort }))
  }

  #keepHouse(): void {
    const nowMs = this.#options.clock.now()
    for (const [peer, wanted] of this.#wanted) this.#seek(peer, wanted, nowMs)
    for (const peer of this.#policy.expire(nowMs)) {
      if (!this.#handlers.connected(peer)) this.#unwant(peer)
    }
    if (this.#handlers.lonely() && nowMs - this.#lookedMs > LONELY_MS) this.#look()
  }

  #seek(peer: PeerId, wanted: Wanted, nowMs: number): void {
    if (this.#handlers.connected(peer)) {
      wanted.backMs ??= nowMs
      if (nowMs - wanted.backMs > WANTED_GOOD_MS) this.#wanted.delete(peer)
      return
    }
    wanted.backMs = null
    if (nowMs > wanted.untilMs) this.#unwant(peer)
    else if (nowMs >= wanted.nextMs && this.#dials.take()) {
      wanted.nextMs = nowMs + wanted.stepMs
      wanted.stepMs = Math.min(2 * wanted.stepMs, WANTED_STEP_MAX_MS)
      this.#dial(peer)
    }
  }

  #isNeeded(peer: PeerId): boolean {
    return this.#wanted.has(peer) || this.#handlers.connected(peer)
  }

  #unwant(peer: PeerId): void {
    this.#wanted.delete(peer)
    this.#leave(peer)
  }

  #leave(peer: PeerId): void {
    this.#direct.cancel(peer)
    this.#swarm.leavePeer(Buffer.from(peer, 'hex'))
  }
}

/** A DHT node that dials straight to an address it was told, before it asks anybody. */
class HintedDht extends HyperDHT {
  readonly #addressesOf: (publicKey: Uint8Array) => Address[]

  constructor(
    options: ConstructorParameters<typeof HyperDHT>[0],
    addressesOf: (publicKey: Uint8Array) => Address[]
  ) {
    super(options)
    this.#addressesOf = addressesOf
  }

  override connect(publicKey: Uint8Array, options: ConnectOptions = {}): NoiseSecretStream {
    const hinted = this.#addressesOf(publicKey)
    const given = options.relayAddresses ?? []
    return super.connect(publicKey, { ...options, relayAddresses: [...hinted, ...given] })
  }
}

function ignore(): void {
  // The network may fail in any way while it is being looked for, or taken down.
}
