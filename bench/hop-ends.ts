// What both processes of the hop bench set up alike: a peer network whose link comes over TCP, so that
// nobody has to be found, and the same kind of connection bare. Sockets are watched from outside, by
// Node's own diagnostics, so what is counted is what the socket was given.

import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'

import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { systemRandom } from '../src/base/random.ts'
import { identityOf, type Identity } from '../src/peer/identity.ts'
import { PeerNetwork } from '../src/peer/network.ts'
import { openTopic } from '../src/peer/topic.ts'

import type { NetworkEvent } from '../src/peer/network-options.ts'
import type { SessionId } from '../src/wire/ids.ts'

/** Blocks of one flood: more than the sockets hold, and short enough that all ways meet the same weather. */
export const FLOOD_BLOCKS = 64
export const BLOCK_BYTES = 2 ** 20
export const SESSION = '0123456789abcdef0123456789abcdef' as SessionId

/** What a flood is made of, and the way it goes. */
export type Flood = 'bare' | 'activations' | 'weights'

/** Where the far process listens: bare echo, and streams that become a link. */
export interface FarPorts {
  bare: number
  link: number
}

/** The near one has the lower key, so it dials the lane. */
export function hopIdentities(): { near: Identity; far: Identity } {
  const [near, far] = [1, 2]
    .map((seed) => identityOf(new Uint8Array(32).fill(seed)))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return { near: near as Identity, far: far as Identity }
}

export async function openNetwork(
  identity: Identity,
  host: string,
  onEvent: (event: NetworkEvent) => void
): Promise<PeerNetwork> {
  const network = new PeerNetwork({
    identity,
    topic: openTopic({
      name: 'hop bench',
      secret: null,
      bootstrap: false,
      public: false,
      lanOnly: true
    }),
    bootstrap: [],
    facts: { name: 'bench', programVersion: '0.1.0', arithmeticVersion: 1, model: null },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    beacon: false,
    host,
    onEvent
  })
  await network.open()
  return network
}

export function accepted(socket: Socket, { keyPair }: Identity): NoiseSecretStream {
  return new NoiseSecretStream(false, withHost(socket), { pattern: 'IK', keyPair })
}

export async function dialled(
  address: { host: string; port: number },
  { keyPair }: Identity,
  remote: Identity
): Promise<NoiseSecretStream> {
  const socket = connect({ ...address, noDelay: true })
  await once(socket, 'connect')
  const stream = new NoiseSecretStream(true, withHost(socket), {
    pattern: 'IK',
    keyPair,
    remotePublicKey: remote.keyPair.publicKey
  })
  await once(stream, 'connect')
  return stream
}

/** Bytes that the sockets made after this call were given to send, all together. */
export function countSockets(): { bytesWritten(): number } {
  const sockets: Socket[] = []
  const watch = (message: unknown) => sockets.push((message as { socket: Socket }).socket)
  subscribe('net.client.socket', watch)
  subscribe('net.server.socket', watch)
  return { bytesWritten: () => sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0) }
}

/** A link asks its raw stream for the host, as a UDX stream knows it. */
function withHost(socket: Socket): Socket {
  return Object.assign(socket, { remoteHost: socket.remoteAddress ?? null })
}
