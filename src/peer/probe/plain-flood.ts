// The same measurement without encryption: one TCP connection that carries a second of bulk there, then
// a second back. Its port exists for this one connection and takes it only with a token that was sent
// over the proven channel, so that nobody else on the network gets a byte.

import { timingSafeEqual } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'

import { SwarmError } from '../../base/errors.ts'
import { flood, FloodMeter } from './flood.ts'
import { PROBE_TOKEN_BYTES } from '../../wire/probe.ts'

import type { Clock } from '../../base/clock.ts'

const BLOCK = Buffer.alloc(64 * 2 ** 10)
/** For one connection: two floods, and as much again for a slow machine. */
const PLAIN_TIMEOUT_MS = 6000

export interface Figure {
  sizeBytes: number
  durationUs: number
}

export interface PlainOffer {
  port: number
  /** What arrived here, before the flood back. Null when nobody came, or somebody else. */
  received: Promise<Figure | null>
  close(): void
}

/** @param host own address of the proven connection, so that the bulk takes the same cable. */
export async function offerPlain(
  host: string,
  token: Uint8Array,
  clock: Clock
): Promise<PlainOffer> {
  let settle: (figure: Figure | null) => void = () => {}
  const received = new Promise<Figure | null>((resolve) => (settle = resolve))
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    server.close()
    timer.cancel()
    void answer(socket, token, clock, settle)
  })
  const close = () => {
    timer.cancel()
    server.close()
    settle(null)
  }
  const timer = clock.after(PLAIN_TIMEOUT_MS, close)
  server.maxConnections = 1
  const port = await new Promise<number>((resolve) => {
    server.on('error', () => resolve(0))
    server.listen({ port: 0, host }, () => {
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : 0)
    })
  })
  if (port === 0) {
    close()
    throw new SwarmError('PEER_NO_LINK', 'this machine gave no TCP port for a measurement')
  }
  return { port, received, close }
}

async function answer(
  socket: Socket,
  token: Uint8Array,
  clock: Clock,
  settle: (figure: Figure | null) => void
): Promise<void> {
  const timer = limit(socket, clock)
  const figure = await receive(socket, clock, token)
  settle(figure)
  if (figure !== null) {
    await flood(socket, clock, BLOCK.byteLength, () => socket.write(BLOCK))
    socket.end()
  }
  socket.once('close', () => timer.cancel())
}

/** Floods there and back. @returns what came back; null when the connection failed. */
export async function dialPlain(
  host: string,
  port: number,
  token: Uint8Array,
  clock: Clock
): Promise<Figure | null> {
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true })
  const timer = limit(socket, clock)
  try {
    socket.write(token)
    await flood(socket, clock, BLOCK.byteLength, () => socket.write(BLOCK))
    socket.end()
    return await receive(socket, clock, null)
  } finally {
    timer.cancel()
    socket.destroy()
  }
}

/** Until the other side has sent all. @returns null when it broke off, or does not have the token. */
function receive(socket: Socket, clock: Clock, token: Uint8Array | null): Promise<Figure | null> {
  const meter = new FloodMeter(clock)
  let head = Buffer.alloc(0)
  return new Promise((resolve) => {
    const finish = (figure: Figure | null) => {
      if (figure === null) socket.destroy()
      resolve(figure)
    }
    socket.on('data', (bytes: Buffer) => {
      const missing = token === null ? 0 : PROBE_TOKEN_BYTES - head.byteLength
      if (token !== null && missing > 0) {
        head = Buffer.concat([head, bytes.subarray(0, missing)])
        const isWhole = head.byteLength === PROBE_TOKEN_BYTES
        if (isWhole && !timingSafeEqual(head, token)) return finish(null)
      }
      // The token is no part of the bulk, which may take up its bound to the last byte.
      if (!meter.add(Math.max(0, bytes.byteLength - missing))) finish(null)
    })
    socket.once('end', () => {
      finish(token !== null && head.byteLength < PROBE_TOKEN_BYTES ? null : meter.figure())
    })
    socket.once('close', () => finish(null))
    // It may have closed while it was flooded.
    if (socket.destroyed) finish(null)
  })
}

function limit(socket: Socket, clock: Clock) {
  socket.on('error', () => {}) // 'close' follows, and that is what counts
  return clock.after(PLAIN_TIMEOUT_MS, () => socket.destroy())
}
