// Finds who is at the other end of this machine's cables: other `swarm bridge` commands, which call out
// like this one, and running peers of the topic, whose beacons are heard. Calls with a key of its own
// under keys of its own, so that no running peer takes it for one of them. Measures nothing.

import { createHmac } from 'node:crypto'

import { toHex } from '../../base/text.ts'
import { BEACON_PORT, Beacon } from '../find/beacon.ts'
import { openTopic, type Topic } from '../topic.ts'
import { BeaconEar } from './beacon-ear.ts'

import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { PeerId } from '../../wire/ids.ts'

/**
 * Somebody at an address: a `swarm bridge` that can be measured with, one whose user named another topic
 * (or none, or did where ours did not), or a running peer of the topic.
 */
export interface Sighting {
  kind: 'bridge' | 'other-topic' | 'peer'
  key: PeerId
  /** With a zone where it is link-local. */
  host: string
  /** TCP port of its probe, or of a peer's lanes; 0: none. */
  port: number
}

export interface FinderOptions {
  /** Null: looks for other commands without a topic. */
  topic: Topic | null
  self: PeerId
  /** Where our probe accepts connections. */
  probePort: number
  clock: Clock
  random: Random
  beaconPort?: number
  /** With every call that is heard: several a second, the same ones among them. */
  onSighting(sighting: Sighting): void
}

/** What commands without a topic share. It keeps nobody out, so it lets nobody do more than be found. */
export function meetingTopic(): Topic {
  return openTopic({
    name: 'swarm bridge',
    secret: null,
    bootstrap: false,
    public: false,
    lanOnly: true
  })
}

export class Finder {
  readonly #options: FinderOptions
  readonly #beacons: Beacon[]
  readonly #ear: BeaconEar | null

  constructor(options: FinderOptions) {
    const { topic, clock, beaconPort: port = BEACON_PORT } = options
    this.#options = options
    // A port of 0 says: here is somebody, but with a topic of his own.
    const openPort = topic === null ? options.probePort : 0
    const open = this.#beacon(bridgeKey(meetingTopic()), openPort, port, ({ key, lanePort }) => {
      return { kind: topic === null && lanePort > 0 ? 'bridge' : 'other-topic', key }
    })
    if (topic === null) {
      this.#beacons = [open]
      this.#ear = null
      return
    }
    const own = this.#beacon(bridgeKey(topic), options.probePort, port, ({ key }) => {
      return { kind: 'bridge', key }
    })
    this.#beacons = [own, open]
    this.#ear = new BeaconEar({
      beaconKey: topic.beaconKey,
      port,
      clock,
      onHeard: ({ key, lanePort: port }, host) =>
        options.onSighting({ kind: 'peer', key, host, port })
    })
  }

  open(): void {
    for (const beacon of this.#beacons) beacon.open()
  }

  /** A cable may have been plugged in since. */
  again(): void {
    this.#ear?.join()
  }

  close(): void {
    for (const beacon of this.#beacons) beacon.close()
    this.#ear?.close()
  }

  #beacon(
    beaconKey: Uint8Array,
    lanePort: number,
    port: number,
    kindOf: (hint: { key: PeerId; lanePort: number }) => Pick<Sighting, 'kind' | 'key'>
  ): Beacon {
    const { self, random, clock, onSighting } = this.#options
    return new Beacon({
      beaconKey,
      // A beacon without a DHT port is none; ours has no DHT behind it, and nobody asks.
      own: { key: self, instance: toHex(random.bytes(8)), dhtPort: 1, lanePort },
      clock,
      port,
      onHint: ({ host, ...hint }) => onSighting({ ...kindOf(hint), host, port: hint.lanePort }),
      onDuplicate: () => {}
    })
  }
}

/** Under another key than the topic's own beacons, which only peers call out with. */
function bridgeKey({ beaconKey }: Topic): Uint8Array {
  return createHmac('sha256', beaconKey).update('swarm bridge 1').digest()
}
