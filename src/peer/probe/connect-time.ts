// How far away the machine of a running peer is, without a word to the peer: the time in which its kernel
// takes a TCP connection, which is closed again at once.

import { connect } from 'node:net'

import { SwarmError } from '../../base/errors.ts'

import type { Clock } from '../../base/clock.ts'
import type { Address } from '../address.ts'

/** The fastest of them is the round trip. */
const CONNECTS = 3
const CONNECT_TIMEOUT_MS = 1500

/** @throws PEER_NO_LINK when none can be opened; AbortError. */
export async function connectTimeMs(
  { host, port }: Address,
  clock: Clock,
  signal: AbortSignal
): Promise<number> {
  if (port === 0) throw new SwarmError('PEER_NO_LINK', 'that peer has no TCP port for lanes')
  const tookMs: number[] = []
  for (let i = 0; i < CONNECTS; i++) {
    signal.throwIfAborted()
    tookMs.push(await connectOnce(host, port, clock))
  }
  return Math.min(...tookMs)
}

function connectOnce(host: string, port: number, clock: Clock): Promise<number> {
  return new Promise((resolve, reject) => {
    const startMs = clock.now()
    const socket = connect({ host, port })
    const fail = () => {
      socket.destroy()
      reject(blocked(host, port))
    }
    const timer = clock.after(CONNECT_TIMEOUT_MS, fail)
    socket.on('error', fail)
    socket.once('connect', () => {
      timer.cancel()
      socket.destroy()
      resolve(clock.now() - startMs)
    })
  })
}

export function blocked(host: string, port: number): SwarmError {
  return new SwarmError(
    'PEER_NO_LINK',
    `it is heard, but a TCP connection to ${host} port ${port} cannot be opened; ` +
      'a firewall on that machine may block it: run swarm doctor there'
  )
}
