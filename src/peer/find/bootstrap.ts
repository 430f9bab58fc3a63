// A private DHT in one process, for --bootstrap: enough nodes that a peer behind a firewall can tell its
// own address from them. With fewer than four, such a peer gets connections that exist on one side only
// (measured). Knows no topic and stores what any DHT node stores.

import { createSocket } from 'node:dgram'
import HyperDHT from 'hyperdht'

import { SwarmError } from '../../base/errors.ts'
import { interfaceAddresses, type Address } from '../address.ts'

/** Persistent nodes. Four suffice; one more so that each of the others still sees four. */
const NODE_COUNT = 5

export interface Bootstrap {
  /** What other peers give to --bootstrap. */
  readonly address: Address
  close(): Promise<void>
}

/**
 * Runs until closed.
 * @param options.port UDP; the nodes take it and free ports above it. 0 chooses one.
 * @param options.host IPv4 address by which others reach this machine; 127.0.0.1 serves only this
 *        machine. Absent: the first address that is not loopback.
 * @throws USAGE_BAD_VALUE when the port is taken or the host is not one of this machine's.
 */
export async function openBootstrap(options: { port: number; host?: string }): Promise<Bootstrap> {
  const host = options.host ?? firstAddress()
  const bindHost = host === '127.0.0.1' ? host : '0.0.0.0'
  const nodes: HyperDHT[] = []
  const close = async () => {
    await Promise.allSettled(nodes.map((node) => node.destroy({ force: true })))
  }
  try {
    // Tried with a plain socket first: a DHT node whose port is taken cannot be taken down again.
    const port = await freePort(options.port, bindHost)
    const first = HyperDHT.bootstrapper(port, host, { host: bindHost })
    nodes.push(first)
    await first.fullyBootstrapped()
    const address = { host, port }
    for (let index = 1; index < NODE_COUNT; index++) {
      const node = new HyperDHT({
        port: port + index < 65_536 ? port + index : 0,
        host: bindHost,
        bootstrap: [address],
        ephemeral: false,
        firewalled: false
      })
      nodes.push(node)
      await node.fullyBootstrapped()
    }
    return { address, close }
  } catch (error) {
    await close()
    throw new SwarmError(
      'USAGE_BAD_VALUE',
      `No bootstrap can run on ${host}:${options.port}: ` +
        `${error instanceof Error ? error.message : String(error)}; choose another --port or --host`,
      { cause: error }
    )
  }
}

function firstAddress(): string {
  const usable = interfaceAddresses().find(({ family, internal }) => family === 'IPv4' && !internal)
  return usable?.address ?? '127.0.0.1'
}

/** @returns the port, or a free one for 0. */
function freePort(wanted: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind(wanted, host, () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}
