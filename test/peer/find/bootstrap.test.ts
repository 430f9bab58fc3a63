import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import test from 'brittle'

import { SwarmError } from '../../../src/base/errors.ts'
import { openBootstrap } from '../../../src/peer/find/bootstrap.ts'

async function refusalOf(work: Promise<unknown>): Promise<SwarmError | null> {
  try {
    await work
    return null
  } catch (error) {
    return error instanceof SwarmError ? error : null
  }
}

test('bootstrap - says what others are to give, and closes', async (t) => {
  const bootstrap = await openBootstrap({ port: 0, host: '127.0.0.1' })
  t.is(bootstrap.address.host, '127.0.0.1')
  t.ok(bootstrap.address.port > 0)
  await bootstrap.close()
  await bootstrap.close()
  const again = await openBootstrap({ port: bootstrap.address.port, host: '127.0.0.1' })
  t.is(again.address.port, bootstrap.address.port, 'the port is free again')
  await again.close()
})

test('bootstrap - a port in use is refused with what to do', async (t) => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const refusal = await refusalOf(openBootstrap({ port, host: '127.0.0.1' }))
  t.is(refusal?.code, 'USAGE_BAD_VALUE')
  t.ok(refusal?.message.includes(String(port)) && refusal.message.includes('--port'))
  socket.close()
})

test('bootstrap - a host that is no IPv4 address is refused', async (t) => {
  for (const host of ['::1', '0.0.0.0', 'example']) {
    t.is((await refusalOf(openBootstrap({ port: 0, host })))?.code, 'USAGE_BAD_VALUE', host)
  }
})
