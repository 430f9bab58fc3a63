// A bad network below a whole process, heartbeat thread included: loaded before the program (node --import),
// it delays and loses what its sockets send, as the variable SWARM_TEST_WEATHER says ({ seed, jitterMs,
// loss, ... } of relay.ts). UDP packets may be lost and overtake each other, TCP loses time instead. Both
// ends of a connection need it for weather in both directions.

import { Socket as UdpSocket } from 'node:dgram'
import { Socket as TcpSocket } from 'node:net'
import { threadId } from 'node:worker_threads'

import { Path, type Weather } from './relay.ts'

type Send = (this: UdpSocket, ...args: unknown[]) => void
type Write = (
  this: TcpSocket,
  many: boolean,
  data: unknown,
  encoding: string,
  done: () => void
) => void

const given = process.env['SWARM_TEST_WEATHER']
if (given !== undefined) spoil(JSON.parse(given) as Weather & { seed: number })

function spoil({ seed, ...weather }: Weather & { seed: number }): void {
  // Every thread has dice of its own, or two of them would throw alike.
  const udp = new Path(weather, seed * 1000 + threadId)
  let streams = 0
  const paths = new WeakMap<TcpSocket, { path: Path; waiting: (() => void)[] }>()

  const datagrams = UdpSocket.prototype as unknown as { send: Send }
  const send = datagrams.send
  datagrams.send = function (...args) {
    const atMs = udp.arrivalMs(performance.now(), 0, false)
    if (atMs === null) return
    setTimeout(() => {
      try {
        send.apply(this, args)
      } catch {
        // It was closed while the packet was on its way.
      }
    }, atMs - performance.now())
  }

  const sockets = TcpSocket.prototype as unknown as { _writeGeneric: Write }
  const write = sockets._writeGeneric
  sockets._writeGeneric = function (many, data, encoding, done) {
    const way = paths.get(this) ?? { path: new Path(weather, seed * 2000 + ++streams), waiting: [] }
    paths.set(this, way)
    const atMs = way.path.arrivalMs(performance.now(), 0, true) as number
    way.waiting.push(() => this.destroyed || write.call(this, many, data, encoding, () => {}))
    setTimeout(() => way.waiting.shift()?.(), atMs - performance.now())
    // The sender goes on as if the kernel had taken it.
    done()
  }
}
