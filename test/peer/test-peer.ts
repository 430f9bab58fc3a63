// A peer network for tests, with its events as something to wait for. Everything stays on this machine:
// either through a given private DHT bound to loopback, or through the beacon, never the public DHT.

import type { Test } from 'brittle'

import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { seededRandom, systemRandom } from '../../src/base/random.ts'
import { identityOf, type Identity } from '../../src/peer/identity.ts'
import { PeerNetwork } from '../../src/peer/network.ts'
import type { NetworkEvent, NetworkFacts, NetworkOptions } from '../../src/peer/network-options.ts'
import { openTopic } from '../../src/peer/topic.ts'

import type { Address } from '../../src/peer/address.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { SessionMessage } from '../../src/wire/session.ts'

export const FACTS: NetworkFacts = {
  name: 'test',
  programVersion: '0.1.0',
  arithmeticVersion: 1,
  model: null
}

/** Identities in rising order of their keys, so that a test knows who dials whom. */
export function identities(count: number, seed = 1): Identity[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => identityOf(random.bytes(32))).toSorted((a, b) =>
    a.id < b.id ? -1 : 1
  )
}

export interface TestPeerOptions {
  identity: Identity
  topic: string
  secret?: string
  bootstrap?: Address[]
  facts?: Partial<NetworkFacts>
  overrides?: Partial<NetworkOptions>
}

export class TestPeer {
  readonly id: PeerId
  readonly network: PeerNetwork
  readonly events: NetworkEvent[] = []
  readonly received: { from: PeerId; message: SessionMessage }[] = []
  readonly gone: PeerId[] = []
  readonly #waiting = new Set<() => void>()

  constructor(options: TestPeerOptions) {
    const { identity, bootstrap = [] } = options
    this.id = identity.id
    this.network = new PeerNetwork({
      identity,
      topic: openTopic({
        name: options.topic,
        secret: options.secret ?? null,
        bootstrap: bootstrap.length > 0,
        public: false,
        lanOnly: true
      }),
      bootstrap,
      facts: { ...FACTS, ...options.facts },
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      beacon: bootstrap.length === 0,
      // Several of these run on one machine; none is to have the well-known port.
      port: 0,
      ...(bootstrap.length > 0 ? { host: '127.0.0.1' } : {}),
      onEvent: (event) => this.#note(() => this.events.push(event)),
      ...options.overrides
    })
    this.network.hops.onMessage((from, message) => {
      this.#note(() => this.received.push({ from, message }))
    })
    this.network.hops.onGone((peer) => this.#note(() => this.gone.push(peer)))
  }

  /** Opened, and closed at the end of the test. */
  static async open(t: Test, options: TestPeerOptions): Promise<TestPeer> {
    const peer = new TestPeer(options)
    t.teardown(() => peer.network.close())
    await peer.network.open()
    return peer
  }

  /** Resolves as soon as `found` returns something, which it is asked after every event. */
  until<T>(found: () => T | undefined | null | false): Promise<T> {
    return new Promise((resolve) => {
      const look = () => {
        const value = found()
        if (value === undefined || value === null || value === false) return
        this.#waiting.delete(look)
        resolve(value)
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** The first event of a kind, now or later. */
  event<T extends NetworkEvent['type']>(
    type: T,
    peer?: PeerId
  ): Promise<Extract<NetworkEvent, { type: T }>> {
    return this.until(
      () =>
        this.events.find(
          (event) =>
            event.type === type && (peer === undefined || ('peer' in event && event.peer === peer))
        ) as Extract<NetworkEvent, { type: T }> | undefined
    )
  }

  /** Resolves when session frames to this peer have the given way. */
  lane(peer: PeerId, kind: 'tcp' | 'udx' = 'tcp'): Promise<unknown> {
    return this.until(() =>
      this.network.links().some((link) => link.peer === peer && link.lane === kind)
    )
  }

  #note(work: () => void): void {
    work()
    for (const look of Array.from(this.#waiting)) look()
  }
}
