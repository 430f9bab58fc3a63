// Two ends of one encrypted TCP connection on loopback, after the Noise handshake: what links and lanes
// get from discovery or from a dial, without either.

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Test } from 'brittle'

import { LaneStream } from '../../src/peer/lane/lane-stream.ts'
import { PROOF_BYTES } from '../../src/wire/proof.ts'

import type { Identity } from '../../src/peer/identity.ts'

/** @returns the end that dialled, then the one that accepted; both destroyed after the test. */
export async function streamPair(
  t: Test,
  dials: Identity,
  accepts: Identity,
  Stream: typeof NoiseSecretStream = NoiseSecretStream
): Promise<[NoiseSecretStream, NoiseSecretStream]> {
  const server = createServer({ noDelay: true })
  const accepted = once(server, 'connection')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', noDelay: true })
  const [socket] = (await accepted) as [Socket]
  const ends: [NoiseSecretStream, NoiseSecretStream] = [
    new Stream(true, client, {
      pattern: 'IK',
      keyPair: dials.keyPair,
      remotePublicKey: accepts.keyPair.publicKey
    }),
    new Stream(false, socket, { pattern: 'IK', keyPair: accepts.keyPair })
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

/** What a lane is made of: each end has sent and read a message of a proof's size. */
export async function provenPair(
  t: Test,
  dials: Identity,
  accepts: Identity
): Promise<[NoiseSecretStream, NoiseSecretStream]> {
  const ends = await streamPair(t, dials, accepts, LaneStream)
  for (const end of ends) end.write(new Uint8Array(PROOF_BYTES))
  await Promise.all(ends.map((end) => once(end, 'data')))
  return ends
}
