// Two ends of one encrypted TCP connection on loopback, after the Noise handshake: what links and lanes
// get from discovery or from a dial, without either.

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'brittle'

import { LaneStream } from '../../src/peer/lane/lane-stream.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../src/peer/identity.ts'

/** @returns the end that dialled, then the one that accepted; both destroyed after the test. */
export async function streamPair(
  t: Test,
  dials: Identity,
  accepts: Identity
): Promise<[NoiseSecretStream, NoiseSecretStream]> {
  const server = createServer({ noDelay: true })
  const accepted = once(server, 'connection')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', noDelay: true })
  const [socket] = (await accepted) as [Socket]
  const ends: [NoiseSecretStream, NoiseSecretStream] = [
    new LaneStream(true, client, {
      pattern: 'IK',
      keyPair: dials.keyPair,
      remotePublicKey: accepts.keyPair.publicKey
    }),
    new LaneStream(false, socket, { pattern: 'IK', keyPair: accepts.keyPair })
  ]
  t.teardown(() => {
    server.close()
    for (const end of ends) end.destroy()
  })
  await Promise.all(
    ends.map((end) => {
      end.on('error', () => {})
      return once(end, 'connect')
    })
  )
  return ends
}
