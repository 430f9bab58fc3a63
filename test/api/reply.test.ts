import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import test, { type Test } from 'brittle'
import type { Clock } from '../../src/base/clock.ts'
import { StreamReply } from '../../src/api/reply.ts'
import { until } from '../helpers/until.ts'

/** Time that stands still until run() moves it. */
function handClock(): Clock & { run(ms: number): void } {
  let nowMs = 0
  const timers = new Set<{ atMs: number; fn: () => void }>()
  return {
    now: () => nowMs,
    wallMs: () => nowMs,
    after(delayMs, fn) {
      const timer = { atMs: nowMs + delayMs, fn }
      timers.add(timer)
      return { cancel: () => timers.delete(timer) }
    },
    run(ms) {
      nowMs += ms
      for (const timer of timers) {
        if (timer.atMs > nowMs) continue
        timers.delete(timer)
        timer.fn()
      }
    }
  }
}

async function openReply(t: Test, clock: Clock) {
  const controller = new AbortController()
  let reply: StreamReply | undefined
  let response: ServerResponse | undefined
  const server = createServer((_request, outgoing) => {
    response = outgoing
    reply = new StreamReply(outgoing, {
      clock,
      stallMs: 1000,
      contentType: 'text/event-stream',
      ping: ': ping\n\n',
      signal: controller.signal
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => {
    socket.destroy()
    server.close()
  })
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await until(() => reply !== undefined)
  return {
    reply: reply as StreamReply,
    response: response as ServerResponse,
    socket,
    controller,
    received: () => received
  }
}

test('reply - a silent stream pings every 15 seconds', async (t) => {
  const clock = handClock()
  const { received } = await openReply(t, clock)
  for (let i = 0; i < 3; i++) clock.run(15_000)
  await until(() => received().split(': ping').length === 4)
  t.pass()
})

test('reply - an ended stream pings no more', async (t) => {
  const clock = handClock()
  const { reply, received } = await openReply(t, clock)
  reply.end()
  await until(() => received().endsWith('0\r\n\r\n'))
  clock.run(60_000)
  t.absent(received().includes('ping'))
})

test('reply - a stream whose reader is gone pings no more, whoever forgot to end it', async (t) => {
  const clock = handClock()
  const { response, socket } = await openReply(t, clock)
  socket.destroy()
  await once(response, 'close')
  let written = 0
  response.write = () => ++written > 0
  clock.run(60_000)
  t.is(written, 0)
})

test('reply - a write waits for its reader and gives up when it stalls', async (t) => {
  const clock = handClock()
  const { reply, socket } = await openReply(t, clock)
  socket.pause()
  let waiting = false
  const flood = async () => {
    for (;;) {
      waiting = false
      const written = reply.write('x'.repeat(1_000_000))
      setImmediate(() => (waiting = true))
      await written
    }
  }
  const failed = t.exception(flood(), { code: 'PEER_TIMEOUT' })
  await until(() => waiting)
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  clock.run(1000)
  await failed
})

test('reply - a write ends with its request', async (t) => {
  const { reply, socket, controller } = await openReply(t, handClock())
  socket.pause()
  const flood = async () => {
    for (;;) await reply.write('x'.repeat(1_000_000))
  }
  const failed = t.exception(flood(), { name: 'AbortError' })
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  controller.abort()
  await failed
  await t.exception(reply.write('x'), { name: 'AbortError' })
})
