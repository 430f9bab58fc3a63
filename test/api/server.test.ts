import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import test from 'brittle'
import { ApiServer } from '../../src/api/server.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/random.ts'
import { openApi, send } from '../helpers/api-fixture.ts'
import { aborted, echo, endless, ScriptedService } from '../helpers/scripted-service.ts'
import { until } from '../helpers/until.ts'

const GENERATE = { prompt: 'x', sampling: {} }

function options(socketPath: string) {
  const base = { clock: systemClock, random: systemRandom, log: silentLog }
  return { ...base, service: new ScriptedService(), socketPath }
}

test('server - the control socket is only its owner’s', async (t) => {
  const { socketPath } = await openApi(t)
  t.is(statSync(socketPath).mode & 0o777, 0o600)
})

test('server - a closed server leaves no socket behind', async (t) => {
  const { server, socketPath } = await openApi(t)
  await server.close()
  await server.close()
  t.absent(existsSync(socketPath))
})

test('server - a socket that nobody serves is replaced', async (t) => {
  const socketPath = join(await t.tmp(), 'control.sock')
  const code = `require('net').createServer().listen(process.argv[1], () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', code, socketPath])
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.ok(existsSync(socketPath), 'the killed process left its socket')
  const server = new ApiServer(options(socketPath))
  await server.open()
  t.teardown(() => server.close())
  t.is((await send({ socketPath }, 'GET', '/swarm/status')).status, 200)
})

test('server - a socket that is served is refused with the process that serves it', async (t) => {
  const { socketPath } = await openApi(t)
  const second = new ApiServer(options(socketPath))
  await t.exception(second.open(), {
    code: 'STORE_BUSY',
    message: `the data directory is in use by process ${process.pid}; stop it with: swarm stop`
  })
  t.is((await send({ socketPath }, 'GET', '/swarm/status')).status, 200, 'the first still serves')
})

test('server - a served socket that says nothing is still refused', async (t) => {
  const socketPath = join(await t.tmp(), 'control.sock')
  const sockets: Socket[] = []
  const mute = createServer((socket) => sockets.push(socket)).listen(socketPath)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    mute.close()
  })
  await once(mute, 'listening')
  await t.exception(new ApiServer(options(socketPath)).open(), { code: 'STORE_BUSY' })
})

test('server - a path that fits no Unix socket is refused with both numbers', async (t) => {
  const socketPath = join(await t.tmp(), 'x'.repeat(120))
  await t.exception(new ApiServer(options(socketPath)).open(), /at most 107/)
})

test('server - a folder that does not exist is refused', async (t) => {
  const server = new ApiServer(options(join(await t.tmp(), 'absent', 'control.sock')))
  await t.exception(server.open(), { code: 'STORE_UNREADABLE' })
})

test('server - a plain file in the place of the socket is refused and kept', async (t) => {
  const socketPath = join(await t.tmp(), 'control.sock')
  writeFileSync(socketPath, 'not a socket')
  await t.exception(new ApiServer(options(socketPath)).open(), { code: 'STORE_UNREADABLE' })
  t.is(readFileSync(socketPath, 'utf8'), 'not a socket')
})

test('server - a port that is taken is refused with a hint', async (t) => {
  const { port } = await openApi(t)
  const second = new ApiServer({ ...options(join(await t.tmp(), 's')), httpPort: port })
  await t.exception(second.open(), /--http/)
})

test('server - an unknown route is 404 and a wrong method 405 with what is allowed', async (t) => {
  const { socketPath } = await openApi(t)
  const unknown = await send({ socketPath }, 'GET', '/v2/models')
  t.is(unknown.status, 404)
  t.alike(unknown.json()['error'], {
    message: 'there is no route GET /v2/models',
    type: 'invalid_request_error',
    param: null,
    code: 'USAGE_UNKNOWN_ROUTE'
  })
  const wrong = await send({ socketPath }, 'GET', '/v1/completions')
  t.is(wrong.status, 405)
  t.is(wrong.headers['allow'], 'POST')
})

test('server - TCP answers to local host names only', async (t) => {
  const { port } = await openApi(t)
  const status = async (host: string) =>
    (await send({ port }, 'GET', '/health', '', { host })).status
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST', `[::1]:${port}`]) {
    t.is(await status(host), 200, host)
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '[::2]'
  ]) {
    t.is(await status(host), 403, host)
  }
})

test('server - TCP takes JSON only, so that no web page can post without asking', async (t) => {
  const { port, service } = await openApi(t)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type }
    const answer = await send({ port }, 'POST', '/v1/completions', '{"prompt":"x"}', headers)
    t.is(answer.status, 415, type)
  }
  t.is(service.requests.length, 0)
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  t.is((await send({ port }, 'POST', '/v1/completions', '{"prompt":"x"}', headers)).status, 200)
})

test('server - stopping the peer is refused over TCP and taken on the socket', async (t) => {
  const { port, socketPath, service } = await openApi(t)
  t.is((await send({ port }, 'POST', '/swarm/stop', {})).status, 403)
  t.is((await send({ port }, 'GET', '/swarm/invite')).status, 403)
  t.is((await send({ port }, 'GET', '/swarm/gate')).status, 403)
  const edit = { action: 'open', keys: [] }
  t.is((await send({ port }, 'POST', '/swarm/gate', edit)).status, 403)
  t.is((await send({ socketPath }, 'GET', '/swarm/invite')).status, 200)
  t.is(service.stops, 0)
  t.is((await send({ socketPath }, 'POST', '/swarm/stop')).status, 202)
  t.is(service.stops, 1)
})

test('server - a body that is not a JSON object is 400', async (t) => {
  const { socketPath, service } = await openApi(t)
  const bodies = ['{', '[]', '"x"', 'null', '1', '{"prompt":"x"', '\u0000', '{"a":1}{']
  for (const body of bodies) {
    const answer = await send({ socketPath }, 'POST', '/v1/completions', body)
    t.is(answer.status, 400, JSON.stringify(body))
    t.is((answer.json()['error'] as { code: string }).code, 'USAGE_BAD_JSON')
  }
  t.is(service.requests.length, 0)
})

test('server - a body that is not UTF-8 is 400', async (t) => {
  const { socketPath } = await openApi(t)
  const socket = connect(socketPath)
  const bytes = Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])
  socket.write(
    `POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes.length}\r\n\r\n`
  )
  socket.write(bytes)
  t.ok(String((await once(socket, 'data'))[0]).startsWith('HTTP/1.1 400 '))
  socket.destroy()
})

test('server - a body above the bound is 413, announced or not', async (t) => {
  const { socketPath } = await openApi(t, { limits: { bodyBytesMax: 1000 } })
  const fits = JSON.stringify({ prompt: 'x'.repeat(1000 - 13) })
  t.is(Buffer.byteLength(fits), 1000)
  t.is((await send({ socketPath }, 'POST', '/v1/completions', fits)).status, 200)
  const announced = await send({ socketPath }, 'POST', '/v1/completions', fits + ' ')
  t.is(announced.status, 413)
  t.is(announced.headers['connection'], 'close')
  const chunked = { 'transfer-encoding': 'chunked' }
  t.is((await send({ socketPath }, 'POST', '/v1/completions', fits + ' ', chunked)).status, 413)
})

test('server - a body announced as huge is refused before it is sent', async (t) => {
  const { socketPath } = await openApi(t)
  const socket = connect(socketPath)
  socket.write('POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n')
  t.ok(String((await once(socket, 'data'))[0]).startsWith('HTTP/1.1 413 '))
  socket.destroy()
})

test('server - many large bodies at once are refused as busy, then accepted again', async (t) => {
  const { socketPath } = await openApi(t, { limits: { bodiesBytesMax: 1500 } })
  const half = JSON.stringify({ prompt: 'x'.repeat(987) })
  const slow = connect(socketPath)
  slow.write(`POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${half.length}\r\n\r\n`)
  slow.write(half.slice(0, -1))
  await until(
    async () => (await send({ socketPath }, 'POST', '/v1/completions', half)).status === 503
  )
  slow.end(half.slice(-1))
  await once(slow, 'data')
  t.is((await send({ socketPath }, 'POST', '/v1/completions', half)).status, 200)
})

test('server - a body that does not come is 408', async (t) => {
  const { socketPath } = await openApi(t, { limits: { bodyTimeoutMs: 50 } })
  const socket = connect(socketPath)
  socket.write('POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{')
  t.ok(String((await once(socket, 'data'))[0]).startsWith('HTTP/1.1 408 '))
  await once(socket, 'close')
})

test('server - headers above the bound are 431', async (t) => {
  const { socketPath } = await openApi(t)
  const answer = await send({ socketPath }, 'GET', '/health', '', { x: 'y'.repeat(20_000) })
  t.is(answer.status, 431)
})

test('server - a client that leaves aborts its generation', async (t) => {
  const { socketPath, port, service } = await openApi(t)
  service.script = endless
  const body = JSON.stringify({ ...GENERATE, stream: true })
  const paths = ['/swarm/generate', '/v1/completions']
  for (const [index, path] of paths.entries()) {
    const socket = index === 0 ? connect(socketPath) : connect(port, '127.0.0.1')
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`
    )
    await once(socket, 'data')
    t.absent(service.signals[index]?.aborted)
    socket.destroy()
    await aborted(service.signals[index] as AbortSignal)
    t.pass(path)
  }
})

test('server - a client that leaves before the first event aborts too', async (t) => {
  const { socketPath, service } = await openApi(t)
  service.script = async function* (_request, signal) {
    await aborted(signal)
    throw signal.reason
  }
  const socket = connect(socketPath)
  const body = JSON.stringify(GENERATE)
  socket.write(
    `POST /swarm/generate HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  )
  await until(() => service.signals.length > 0)
  socket.end()
  await aborted(service.signals[0] as AbortSignal)
  t.pass()
})

test('server - a client that leaves aborts what it had queued on its connection too', async (t) => {
  const { socketPath, service } = await openApi(t, { limits: { requestsMax: 20 } })
  service.script = endless
  const body = JSON.stringify(GENERATE)
  const head = `POST /swarm/generate HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`
  const socket = connect(socketPath)
  socket.write((head + body).repeat(20))
  await until(() => service.signals.length === 20)
  socket.destroy()
  await Promise.all(service.signals.map((signal) => aborted(signal)))
  await until(async () => (await send({ socketPath }, 'GET', '/health')).status === 200)
  t.pass()
})

test('server - a reader that stops reading loses its stream', async (t) => {
  const { socketPath, service } = await openApi(t, { limits: { stallMs: 50 } })
  let ended = false
  service.script = async function* () {
    try {
      for (;;) yield { type: 'text', text: 'x'.repeat(100_000), ids: [1] }
    } finally {
      ended = true
    }
  }
  const socket = connect(socketPath)
  const body = JSON.stringify(GENERATE)
  socket.write(
    `POST /swarm/generate HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  )
  socket.pause()
  await until(() => ended)
  t.pass('the generation was ended')
  socket.destroy()
})

test('server - a hundred requests at once are all answered', async (t) => {
  const { socketPath, service } = await openApi(t)
  let running = 0
  let peak = 0
  service.script = async function* (request, signal) {
    peak = Math.max(peak, ++running)
    await until(() => peak === 100)
    yield* echo(request, signal)
  }
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      send({ socketPath }, 'POST', '/v1/completions', { prompt: `number ${i}` })
    )
  )
  t.is(peak, 100)
  t.alike(
    answers.map((answer) => (answer.json()['choices'] as { text: string }[])[0]?.text),
    Array.from({ length: 100 }, (_, i) => `number ${i}`)
  )
})

test('server - one request above the bound is busy, with the time to wait', async (t) => {
  const { socketPath, service } = await openApi(t, { limits: { requestsMax: 2 } })
  service.script = endless
  const held = [0, 1].map(() => connect(socketPath))
  const body = JSON.stringify(GENERATE)
  for (const socket of held) {
    socket.write(
      `POST /swarm/generate HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    )
    await once(socket, 'data')
  }
  const third = await send({ socketPath }, 'GET', '/health')
  t.is(third.status, 503)
  t.is(third.headers['retry-after'], '1')
  t.absent(third.headers['x-should-retry'])
  for (const socket of held) socket.destroy()
  await until(async () => (await send({ socketPath }, 'GET', '/health')).status === 200)
})

test('server - closing ends running generations with a reason', async (t) => {
  const { socketPath, service, server } = await openApi(t)
  service.script = endless
  const stream = send({ socketPath }, 'POST', '/swarm/generate', GENERATE)
  const sse = send({ socketPath }, 'POST', '/v1/completions', { prompt: 'x', stream: true })
  const whole = send({ socketPath }, 'POST', '/v1/completions', { prompt: 'x' })
  await until(() => service.signals.length === 3)
  await server.close()
  t.ok((await stream).text.includes('"code":"PEER_GONE"'))
  t.ok((await sse).text.endsWith('"param":null,"code":"PEER_GONE"}}\n\n'))
  t.is((await whole).status, 503)
})

test('server - what fails inside is 500 without its text', async (t) => {
  const { socketPath, service } = await openApi(t)
  service.status = () => {
    throw new TypeError('secret detail')
  }
  const answer = await send({ socketPath }, 'GET', '/swarm/status')
  t.is(answer.status, 500)
  t.absent(answer.text.includes('secret'))
  t.is(answer.headers['x-should-retry'], 'false')
})
