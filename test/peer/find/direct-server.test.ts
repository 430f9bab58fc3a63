import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import test, { type Test } from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { DirectServer } from '../../../src/peer/find/direct-server.ts'
import { LaneDial } from '../../../src/peer/lane/lane-dial.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'

const [DIALS, ACCEPTS] = identities(2) as [Identity, Identity]

function open(t: Test): { server: DirectServer; streams: NoiseSecretStream[] } {
  const streams: NoiseSecretStream[] = []
  const server = new DirectServer(ACCEPTS.keyPair, systemClock, (stream) => streams.push(stream))
  t.teardown(() => {
    server.close()
    for (const stream of streams) stream.destroy()
  })
  return { server, streams }
}

function dial(t: Test, port: number, publicKey: Uint8Array | null) {
  return new Promise<NoiseSecretStream | null>((resolve) => {
    const target = { hosts: ['127.0.0.1'], port, publicKey }
    const dialling = new LaneDial(target, DIALS.keyPair, systemClock, (stream) => {
      t.teardown(() => stream?.destroy())
      resolve(stream)
    })
    t.teardown(() => dialling.cancel())
  })
}

test('direct server - who knows the key and who has only the address both get through', async (t) => {
  const { server, streams } = open(t)
  const port = await server.open({ host: '127.0.0.1' })
  for (const publicKey of [ACCEPTS.keyPair.publicKey, null]) {
    const stream = await dial(t, port, publicKey)
    t.alike(stream?.remotePublicKey, ACCEPTS.keyPair.publicKey)
    while (streams.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const accepted = streams.shift()
    t.alike(accepted?.remotePublicKey, DIALS.keyPair.publicKey)
    t.alike(accepted?.handshakeHash, stream?.handshakeHash)
    accepted?.destroy()
  }
})

test('direct server - takes the port it is asked for, and any other when that is taken', async (t) => {
  const first = open(t).server
  const port = await first.open({ host: '127.0.0.1' })
  const second = open(t).server
  const other = await second.open({ host: '127.0.0.1', port })
  t.ok(other > 0 && other !== port)
  first.close()
  second.close()
  t.is(await open(t).server.open({ host: '127.0.0.1', port }), port)
})

test('direct server - a handshake that comes byte by byte is put together', async (t) => {
  const { server, streams } = open(t)
  const port = await server.open({ host: '127.0.0.1' })
  const relay = createServer((socket) => {
    const onward = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const end of [socket, onward]) end.on('error', () => {})
    onward.pipe(socket)
    socket.on('data', (chunk: Buffer) => {
      for (const byte of chunk) onward.write(Uint8Array.of(byte))
    })
    t.teardown(() => onward.destroy())
  })
  relay.listen(0, '127.0.0.1')
  t.teardown(() => relay.close())
  await once(relay, 'listening')
  for (const publicKey of [ACCEPTS.keyPair.publicKey, null]) {
    t.ok((await dial(t, (relay.address() as AddressInfo).port, publicKey)) !== null)
  }
  while (streams.length < 2) await new Promise((resolve) => setImmediate(resolve))
})

test('direct server - closed while it opens, it has no port', async (t) => {
  const { server } = open(t)
  const opening = server.open({ host: '127.0.0.1', port: 0 })
  server.close()
  t.is(await opening, 0)
})
