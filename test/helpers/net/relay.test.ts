import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import test, { type Test } from 'brittle'

import { until } from '../until.ts'
import { Path, Relay, type RelayOptions } from './relay.ts'

async function tcpEcho(t: Test): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function tcp(t: Test, weather: Partial<RelayOptions>) {
  const relay = await Relay.tcp({ port: await tcpEcho(t), ...weather })
  t.teardown(() => relay.close())
  const socket = connect({ port: relay.port, host: '127.0.0.1', noDelay: true })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return { relay, socket }
}

async function udp(t: Test, weather: Partial<RelayOptions>) {
  const server = createSocket('udp4')
  server.on('message', (bytes, { port, address }) => server.send(bytes, port, address))
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const relay = await Relay.udp({ port: server.address().port, ...weather })
  t.teardown(() => relay.close())
  const client = createSocket('udp4')
  t.teardown(() => client.close())
  return { relay, client, send: (text: string) => client.send(text, relay.port, '127.0.0.1') }
}

test('relay - a path delays, and a rate makes what is sent at once arrive one after the other', (t) => {
  const path = new Path({ delayMs: 50, bytesPerSecond: 1000 }, 1)
  t.is(path.arrivalMs(0, 100, false), 150)
  t.is(path.arrivalMs(0, 100, false), 250)
  t.is(path.arrivalMs(1000, 100, false), 1150)
})

test('relay - of packets the given share is lost, the same ones for the same seed', (t) => {
  const lost = (seed: number) => {
    const path = new Path({ loss: 0.05 }, seed)
    return Array.from({ length: 10_000 }, (_, at) => path.arrivalMs(at, 1, false) === null)
  }
  const share = lost(7).filter(Boolean).length / 10_000
  t.ok(share > 0.04 && share < 0.06, String(share))
  t.alike(lost(7), lost(7))
  t.unlike(lost(7), lost(8))
})

test('relay - jitter lets packets overtake each other, but not pieces of a stream', (t) => {
  const sorted = (inOrder: boolean) => {
    const path = new Path({ jitterMs: 20, loss: inOrder ? 0.1 : 0 }, 3)
    const times = Array.from({ length: 100 }, (_, at) => path.arrivalMs(at, 1, inOrder) as number)
    return times.every((ms, at) => at === 0 || ms >= (times[at - 1] as number))
  }
  t.ok(sorted(true))
  t.absent(sorted(false))
})

test('relay - a stream comes back whole and late', async (t) => {
  const { socket } = await tcp(t, { delayMs: 30, jitterMs: 20, loss: 0.1 })
  const startMs = performance.now()
  let text = ''
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
  for (let piece = 0; piece < 200; piece++) {
    socket.write(`${piece}, `)
    text += `${piece}, `
    await new Promise((resolve) => setImmediate(resolve))
  }
  while (received.length < text.length) await once(socket, 'data')
  t.is(received, text)
  t.ok(performance.now() - startMs >= 60)
})

test('relay - a partition holds a stream and loses packets, until it heals', async (t) => {
  const { relay, socket } = await tcp(t, {})
  relay.partition('there')
  socket.write('held')
  const early = await Promise.race([
    once(socket, 'data'),
    new Promise((resolve) => setTimeout(resolve, 50, null))
  ])
  t.is(early, null)
  relay.partition()
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  t.is(bytes.toString(), 'held')

  const packets = await udp(t, {})
  packets.relay.partition('back')
  packets.send('lost')
  await until(() => packets.relay.nLost === 1)
  packets.relay.partition()
  packets.send('found')
  const [answer] = (await once(packets.client, 'message')) as [Buffer]
  t.is(answer.toString(), 'found')
})

test('relay - who is cut off by the other side is cut off through it', async (t) => {
  const { socket } = await tcp(t, {})
  socket.end()
  socket.resume()
  await once(socket, 'close')
  t.pass()
})
