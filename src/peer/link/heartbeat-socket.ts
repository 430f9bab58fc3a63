// The one UDP socket that heartbeats use: for both families where the machine has both, so that one port
// can be announced for all addresses. Owns the form that addresses take on such a socket. What cannot be
// sent is lost without a word, as on any network: the silence is noticed at the other end.

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4, isIPv6 } from 'node:net'

import type { Address } from '../address.ts'

export class HeartbeatSocket {
  readonly #socket: Socket
  readonly #isDual: boolean

  private constructor(socket: Socket, isDual: boolean, onDatagram: DatagramHandler) {
    this.#socket = socket
    this.#isDual = isDual
    socket.on('error', () => {}) // of a single send, reported late
    socket.on('message', (bytes, { address, port }) => onDatagram(bytes, { host: address, port }))
    socket.unref()
  }

  /**
   * @param host address to bind; all of both families when absent.
   * @returns null when there is no UDP to be had.
   */
  static async open(
    host: string | null,
    onDatagram: DatagramHandler
  ): Promise<HeartbeatSocket | null> {
    if (host === null || isIPv6(host)) {
      const dual = await bound(createSocket({ type: 'udp6' }), host)
      if (dual !== null) return new HeartbeatSocket(dual, host === null, onDatagram)
    }
    if (host !== null && isIPv6(host)) return null
    const ipv4 = await bound(createSocket({ type: 'udp4' }), host)
    return ipv4 && new HeartbeatSocket(ipv4, false, onDatagram)
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(bytes: Uint8Array, { host, port }: Address): void {
    const address = this.#isDual && isIPv4(host) ? `::ffff:${host}` : host
    try {
      this.#socket.send(bytes, port, address, () => {})
    } catch {
      // An address that this socket cannot send to, such as of the other family.
    }
  }

  close(): void {
    this.#socket.close()
  }
}

type DatagramHandler = (bytes: Uint8Array, source: Address) => void

async function bound(socket: Socket, host: string | null): Promise<Socket | null> {
  try {
    socket.bind(host === null ? {} : { address: host })
    await once(socket, 'listening')
    return socket
  } catch {
    socket.close()
    return null
  }
}
