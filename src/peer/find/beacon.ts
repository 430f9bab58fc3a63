// Discovery on the local network, without a router, a route or a DNS: every second a few bytes by IPv4
// multicast and broadcast and by IPv6 multicast, on every interface, loopback included. Owns the UDP
// sockets. Several processes of one machine share the port. What is heard is a hint where to dial and
// nothing more: the handshake proves the key afterwards.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'

import { BEACONS_BURST, BEACONS_PER_SECOND, HINTS_MAX } from '../../base/limits.ts'
import { decodeBeacon, encodeBeacon, type BeaconMessage } from '../../wire/beacon.ts'
import { broadcastOf, interfaceAddresses, type InterfaceAddress } from '../address.ts'
import { Bucket } from '../../base/bucket.ts'

import type { Clock, Timer } from '../../base/clock.ts'
import type { PeerId } from '../../wire/ids.ts'

/** Unregistered, and apart from the ports of the DHT. */
export const BEACON_PORT = 48_629
/** Administratively scoped (RFC 2365) and link-local (RFC 4291): no router passes them on. */
export const GROUP_4 = '239.255.87.83'
export const GROUP_6 = 'ff02::5357:524d'

/** When to call after the start, then every INTERVAL_MS: two machines plugged together meet at once. */
const BURST_MS = [0, 50, 100, 200, 400, 800]
const INTERVAL_MS = 1000

/** Unicast answers per second: one to each newcomer. */
const ANSWERS_PER_SECOND = 32
/** A key unheard for so long is answered again. */
const NEWCOMER_MS = 10_000

export interface Hint {
  key: PeerId
  host: string
  family: 'IPv4' | 'IPv6'
  dhtPort: number
  lanePort: number
}

export interface BeaconOptions {
  beaconKey: Uint8Array
  own: BeaconMessage
  clock: Clock
  port: number
  onHint(hint: Hint): void
  /** Our own key, called out by another process. */
  onDuplicate(host: string): void
}

export class Beacon {
  readonly #options: BeaconOptions
  readonly #bytes: Uint8Array
  readonly #received: Bucket
  readonly #answers: Bucket
  readonly #heardMs = new Map<PeerId, number>()
  /** One sending socket per interface address; its option for the interface cannot be per message. */
  readonly #senders = new Map<string, Socket>()
  /** None while another program has the port. */
  readonly #receivers = new Map<'udp4' | 'udp6', { socket: Socket; isBound: boolean }>()
  #timers: Timer[] = []
  #closed = false

  constructor(options: BeaconOptions) {
    this.#options = options
    this.#bytes = encodeBeacon(options.own, options.beaconKey)
    this.#received = new Bucket(options.clock, BEACONS_PER_SECOND, BEACONS_BURST)
    this.#answers = new Bucket(options.clock, ANSWERS_PER_SECOND, ANSWERS_PER_SECOND)
  }

  open(): void {
    const { clock } = this.#options
    this.#listen()
    const periodic = () => {
      this.#call()
      if (!this.#closed) this.#timers = [clock.after(INTERVAL_MS, periodic)]
    }
    this.#timers = BURST_MS.map((delayMs, index) => {
      return clock.after(delayMs, index === BURST_MS.length - 1 ? periodic : () => this.#call())
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
    const receivers = Array.from(this.#receivers.values(), ({ socket }) => socket)
    for (const socket of [...receivers, ...this.#senders.values()]) quietly(() => socket.close())
    this.#receivers.clear()
    this.#senders.clear()
  }

  /** The port lies where systems take any for whoever asks for none: who has it may give it back soon. */
  #listen(): void {
    for (const type of ['udp4', 'udp6'] as const) {
      if (this.#receivers.has(type)) continue
      const socket = this.#socket(type, true)
      const receiver = { socket, isBound: false }
      this.#receivers.set(type, receiver)
      socket.on('error', (error) => {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return
        this.#receivers.delete(type)
        quietly(() => socket.close())
      })
      const address = type === 'udp4' ? '0.0.0.0' : '::'
      socket.bind({ port: this.#options.port, address }, () => {
        receiver.isBound = true
        for (const one of interfaceAddresses()) this.#join(one)
      })
    }
  }

  /** Looks for interfaces anew, since a cable may have been plugged in, and calls on each. */
  #call(): void {
    if (this.#closed) return
    this.#listen()
    const present = new Map(interfaceAddresses().map((one) => [keyOf(one), one]))
    for (const [key, socket] of this.#senders) {
      if (!present.has(key)) this.#dropSender(key, socket)
    }
    for (const [key, one] of present) {
      const sender = this.#senders.get(key) ?? this.#addSender(key, one)
      const targets =
        one.family === 'IPv6' ? [`${GROUP_6}%${one.name}`] : [GROUP_4, broadcastOf(one)]
      for (const target of targets) {
        if (target !== null) this.#send(sender, this.#options.port, target)
      }
    }
  }

  /** A socket that is not bound yet keeps what it is given until it is. */
  #send(socket: Socket, port: number, host: string): void {
    quietly(() => socket.send(this.#bytes, port, host, () => {})) // unreachable just now, or for good
  }

  #addSender(key: string, one: InterfaceAddress): Socket {
    const ipv6 = one.family === 'IPv6'
    const sender = this.#socket(ipv6 ? 'udp6' : 'udp4', false)
    this.#senders.set(key, sender)
    sender.on('error', () => this.#dropSender(key, sender))
    sender.bind({ port: 0, address: ipv6 ? '::' : one.address }, () => {
      quietly(() => {
        sender.setMulticastInterface(ipv6 ? `::%${one.name}` : one.address)
        sender.setMulticastTTL(1)
        if (!ipv6) sender.setBroadcast(true)
      })
    })
    this.#join(one)
    return sender
  }

  #dropSender(key: string, sender: Socket): void {
    if (this.#senders.get(key) !== sender) return
    this.#senders.delete(key)
    quietly(() => sender.close())
  }

  #join(one: InterfaceAddress): void {
    const receiver = this.#receivers.get(one.family === 'IPv4' ? 'udp4' : 'udp6')
    // Before, it would be bound to any port; it joins all of them once it is.
    if (receiver === undefined || !receiver.isBound) return
    // Joining twice, or on an interface that has gone meanwhile, is no failure.
    quietly(() => {
      if (one.family === 'IPv4') receiver.socket.addMembership(GROUP_4, one.address)
      else receiver.socket.addMembership(GROUP_6, `::%${one.name}`)
    })
  }

  #socket(type: 'udp4' | 'udp6', shared: boolean): Socket {
    const socket = createSocket({ type, reuseAddr: shared, ipv6Only: type === 'udp6' })
    socket.on('error', () => {}) // no IPv6 here, or the interface went away: the other ways remain
    socket.on('message', (bytes, from) => this.#receive(socket, bytes, from))
    return socket
  }

  #receive(socket: Socket, bytes: Uint8Array, from: RemoteInfo): void {
    if (this.#closed || !this.#received.take()) return
    const message = decodeBeacon(bytes, this.#options.beaconKey)
    if (message === null) return
    const { own } = this.#options
    if (message.key === own.key) {
      if (message.instance !== own.instance) this.#options.onDuplicate(from.address)
      return
    }
    if (this.#isNewcomer(message.key) && this.#answers.take()) {
      this.#send(socket, from.port, from.address)
    }
    this.#options.onHint({
      key: message.key,
      host: from.address,
      family: from.family,
      dhtPort: message.dhtPort,
      lanePort: message.lanePort
    })
  }

  #isNewcomer(key: PeerId): boolean {
    const nowMs = this.#options.clock.now()
    const heardMs = this.#heardMs.get(key) ?? -Infinity
    // Deleting first keeps the map in the order of hearing, so that the first is the oldest.
    this.#heardMs.delete(key)
    this.#heardMs.set(key, nowMs)
    if (this.#heardMs.size > HINTS_MAX) {
      this.#heardMs.delete(this.#heardMs.keys().next().value as PeerId)
    }
    return nowMs - heardMs > NEWCOMER_MS
  }
}

function keyOf({ family, name, address }: InterfaceAddress): string {
  return family === 'IPv6' ? `6 ${name}` : `4 ${name} ${address}`
}

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // Interfaces come and go between listing and using them; the next call lists them again.
  }
}
