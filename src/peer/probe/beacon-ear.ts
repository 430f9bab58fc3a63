// Hears the beacons of running peers without saying a word: `swarm bridge` must not look like a peer, or
// the others would dial it. Shares the beacon's port with every other process of this machine. What it
// hears is a hint, as every beacon is.

import { createSocket, type Socket } from 'node:dgram'

import { BEACONS_BURST, BEACONS_PER_SECOND } from '../../base/limits.ts'
import { decodeBeacon, type BeaconMessage } from '../../wire/beacon.ts'
import { interfaceAddresses } from '../address.ts'
import { Bucket } from '../../base/bucket.ts'
import { GROUP_4, GROUP_6 } from '../find/beacon.ts'

import type { Clock } from '../../base/clock.ts'

export interface BeaconEarOptions {
  beaconKey: Uint8Array
  port: number
  clock: Clock
  onHeard(message: BeaconMessage, host: string): void
}

export class BeaconEar {
  readonly #sockets: Socket[]
  /** Joining a group would bind a socket that is not bound yet, to any port. */
  readonly #bound = new Set<Socket>()

  constructor({ beaconKey, port, clock, onHeard }: BeaconEarOptions) {
    const received = new Bucket(clock, BEACONS_PER_SECOND, BEACONS_BURST)
    this.#sockets = (['udp4', 'udp6'] as const).map((type) => {
      const socket = createSocket({ type, reuseAddr: true, ipv6Only: type === 'udp6' })
      socket.on('error', () => {}) // no IPv6 here: the other family remains
      socket.on('message', (bytes, from) => {
        const message = received.take() ? decodeBeacon(bytes, beaconKey) : null
        if (message !== null) onHeard(message, from.address)
      })
      socket.bind({ port, address: type === 'udp4' ? '0.0.0.0' : '::' }, () => {
        this.#bound.add(socket)
        this.join()
      })
      return socket
    })
  }

  /** Listens on every interface that there is by now; to be called again as cables come. */
  join(): void {
    const [socket4, socket6] = this.#sockets
    for (const { family, name, address } of interfaceAddresses()) {
      const socket = family === 'IPv4' ? socket4 : socket6
      if (socket === undefined || !this.#bound.has(socket)) continue
      try {
        if (family === 'IPv4') socket.addMembership(GROUP_4, address)
        else socket.addMembership(GROUP_6, `::%${name}`)
      } catch {
        // Joined already, or gone meanwhile.
      }
    }
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) {
      try {
        socket.close()
      } catch {
        // It was never bound.
      }
    }
  }
}
