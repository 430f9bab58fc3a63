// A second, longer way to the same port: listens at another address of this machine and forwards every
// byte both ways, in order, a fixed time later. This kernel cannot delay packets by itself.

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'brittle'

export interface SlowPath {
  /** Connections that went through so far. */
  readonly taken: number
  /** The cable is pulled: what is under way is lost and nobody gets through any more. */
  cut(): void
}

/** @param host another address of this machine; the port is the same as at `target`, where it leads. */
export async function slowPath(
  t: Test,
  host: string,
  port: number,
  delayMs: number,
  target = '127.0.0.1'
): Promise<SlowPath> {
  const sockets = new Set<Socket>()
  const path = { taken: 0, cut }
  const server = createServer({ noDelay: true }, (near) => {
    path.taken++
    const far = connect({ host: target, port, noDelay: true })
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('data', (bytes) => setTimeout(() => to.write(bytes), delayMs))
      from.on('close', () => setTimeout(() => to.destroy(), delayMs))
    }
  })
  function cut(): void {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(cut)
  server.listen(port, host)
  await once(server, 'listening')
  return path
}
