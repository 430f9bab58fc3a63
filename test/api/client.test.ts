import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import test, { type Test } from 'brittle'
import { ApiClient } from '../../src/api/client.ts'
import { systemClock } from '../../src/base/clock.ts'
import { SwarmError } from '../../src/base/errors.ts'
import type { GenerateEvent, GenerateRequest } from '../../src/wire/generation.ts'
import { SAMPLING_DEFAULTS } from '../../src/wire/sampling-defaults.ts'
import { openApi } from '../helpers/api-fixture.ts'
import { aborted, endless, failing, stageFull } from '../helpers/scripted-service.ts'

const REQUEST: GenerateRequest = {
  prompt: 'one two',
  sampling: { ...SAMPLING_DEFAULTS, seed: 5, bias: [{ id: 3, value: -1 }] },
  stop: ['x'],
  kvType: 'f32',
  maxTokens: 9,
  contextTokens: 99,
  speculation: false,
  keep: true,
  session: '0'.repeat(32)
}

async function collect(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const all: GenerateEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

test('client - status, peers and plan are what the peer says', async (t) => {
  const { client, service } = await openApi(t)
  t.alike(await client.status(), service.status())
  t.alike(await client.peers(), service.peers())
  t.alike(await client.plan(), service.plan())
  t.alike(await client.top(), service.top())
})

test('client - invite and gate are what the peer says, and an edit arrives whole', async (t) => {
  const { client, service } = await openApi(t)
  t.alike(await client.invite(), service.invite())
  t.alike(await client.gate(), service.gate())
  const edit = { action: 'allow' as const, keys: ['ab'.repeat(32), 'cd'.repeat(4)] }
  t.alike((await client.editGate(edit)).allowed, edit.keys)
  t.alike(service.gateEdits, [edit])
  for (const wrong of [
    { action: 'admit' },
    { keys: ['AB'.repeat(32)] },
    { keys: ['ab'.repeat(33)] }
  ]) {
    const code = 'USAGE_BAD_VALUE'
    await t.exception(client.editGate({ ...edit, ...wrong } as typeof edit), { code })
  }
  t.is(service.gateEdits.length, 1)
})

test('client - a generation arrives event by event and the request whole', async (t) => {
  const { client, service } = await openApi(t)
  const events = await collect(client.generate(REQUEST))
  t.alike(service.requests, [REQUEST])
  t.alike(
    events.map((event) => event.type),
    ['route', 'prefill', 'text', 'text', 'done']
  )
  const done = events.at(-1)
  t.is(done?.type === 'done' && done.result.text, 'one two')
})

test('client - an absent socket and a dead one are PEER_NOT_RUNNING', async (t) => {
  const { server, socketPath } = await openApi(t)
  await server.close()
  const client = new ApiClient({ socketPath, dataDir: '/home/me/swarm', clock: systemClock })
  await t.exception(client.status(), {
    code: 'PEER_NOT_RUNNING',
    message: 'no peer is running for /home/me/swarm; start one with: swarm join <topic>'
  })
  await t.exception(collect(client.generate(REQUEST)), { code: 'PEER_NOT_RUNNING' })
})

test('client - errors of the peer keep code, message and field', async (t) => {
  const { client, service } = await openApi(t)
  service.script = failing(stageFull, 0)
  const { code, message } = stageFull
  await t.exception(collect(client.generate(REQUEST)), { code, message })
  const wrong = { ...REQUEST, maxTokens: 0 }
  await t.exception(collect(client.generate(wrong)), {
    code: 'USAGE_BAD_VALUE',
    param: 'maxTokens'
  })
})

test('client - an over-long prompt keeps our own code', async (t) => {
  const { client, service } = await openApi(t)
  service.script = failing(new SwarmError('USAGE_PROMPT_TOO_LONG', '5 of 4'), 0)
  await t.exception(collect(client.generate(REQUEST)), { code: 'USAGE_PROMPT_TOO_LONG' })
})

test('client - an error after some words is thrown after them', async (t) => {
  const { client, service } = await openApi(t)
  service.script = failing(new SwarmError('PEER_GONE', 'stage 2 went away'), 2)
  const seen: string[] = []
  await t.exception(async () => {
    for await (const event of client.generate(REQUEST)) seen.push(event.type)
  }, /stage 2 went away/)
  t.alike(seen, ['route', 'text', 'text'])
})

test('client - aborting rejects with AbortError and frees the generation', async (t) => {
  const { client, service } = await openApi(t)
  service.script = endless
  const controller = new AbortController()
  const stopped = t.exception(
    async () => {
      for await (const event of client.generate(REQUEST, controller.signal)) {
        if (event.type === 'text') controller.abort()
      }
    },
    { name: 'AbortError' }
  )
  await stopped
  await aborted(service.signals[0] as AbortSignal)
  t.pass()
})

test('client - a signal that is aborted already sends nothing', async (t) => {
  const { client, service } = await openApi(t)
  await t.exception(collect(client.generate(REQUEST, AbortSignal.abort())), { name: 'AbortError' })
  t.is(service.requests.length, 0)
})

test('client - leaving the loop frees the generation', async (t) => {
  const { client, service } = await openApi(t)
  service.script = endless
  for await (const event of client.generate(REQUEST)) if (event.type === 'text') break
  await aborted(service.signals[0] as AbortSignal)
  t.pass()
})

test('client - events come until the peer stops', async (t) => {
  const { client, service, server } = await openApi(t)
  service.upcoming = [{ wallMs: 1, kind: 'joined', text: 'boron joined', data: { a: 1 } }]
  const seen: unknown[] = []
  for await (const event of client.events()) {
    seen.push(event)
    void server.close()
  }
  t.alike(seen, service.upcoming)
})

test('client - a session is closed by its name', async (t) => {
  const { client, service } = await openApi(t)
  await client.closeSession('1'.repeat(32))
  t.alike(service.closedSessions, ['1'.repeat(32)])
  await t.exception(client.closeSession('../x'), { code: 'USAGE_BAD_VALUE' })
})

test('client - every wrong field of the control request is refused by name', async (t) => {
  const { client, service } = await openApi(t)
  const wrong: [string, unknown][] = [
    ['prompt', 1],
    ['messages', 'x'],
    ['maxTokens', '1'],
    ['contextTokens', 0],
    ['sampling', []],
    ['stop', [1]],
    ['kvType', 'f64'],
    ['speculation', 'no'],
    ['keep', 1],
    ['session', 'x']
  ]
  for (const [name, value] of wrong) {
    const request = { ...REQUEST, [name]: value } as GenerateRequest
    await t.exception(collect(client.generate(request)), { param: name })
  }
  const sampling: [string, unknown][] = [
    ['temperature', -1],
    ['topK', 1.5],
    ['topP', 2],
    ['minP', '0'],
    ['presencePenalty', 3],
    ['frequencyPenalty', -3],
    ['seed', 2 ** 53],
    ['bias', {}],
    ['bias', [1]],
    ['bias', [{ id: 1 }]],
    ['id', [{ id: -1, value: 1 }]],
    ['value', [{ id: 1, value: 101 }]]
  ]
  for (const [name, value] of sampling) {
    const field = name === 'id' || name === 'value' ? 'bias' : name
    const request = { ...REQUEST, sampling: { ...REQUEST.sampling, [field]: value } }
    await t.exception(collect(client.generate(request as GenerateRequest)), { param: name })
  }
  const both = { ...REQUEST, messages: [{ role: 'user', content: 'x' }] }
  await t.exception(collect(client.generate(both)), { code: 'USAGE_MISSING' })
  t.is(service.requests.length, 0)
})

test('client - pieces may break anywhere, inside a character too', async (t) => {
  const lines = Buffer.from(
    [
      { type: 'text', text: 'ž漢\u{1f600}', ids: [1] },
      { type: 'done', result: { text: 'ž漢\u{1f600}' } }
    ]
      .map((event) => JSON.stringify(event) + '\n')
      .join('\n')
  )
  for (let cut = 0; cut <= lines.length; cut++) {
    const client = await serveRaw(t, async (response) => {
      response.write(lines.subarray(0, cut))
      await new Promise(setImmediate)
      response.end(lines.subarray(cut))
    })
    const [text, done] = await collect(client.generate(REQUEST))
    if (text?.type !== 'text' || text.text !== 'ž漢\u{1f600}' || done?.type !== 'done') {
      t.fail(`cut at ${cut}`)
    }
  }
  t.pass(`${lines.length + 1} cuts`)
})

test('client - a stream that ends early is an error, never a short answer', async (t) => {
  const whole = JSON.stringify({ type: 'text', text: 'x', ids: [1] }) + '\n'
  const ended = await serveRaw(t, (response) => response.end(whole))
  await t.exception(collect(ended.generate(REQUEST)), { code: 'PEER_GONE' })
  const half = await serveRaw(t, (response) => response.end(whole + whole.slice(0, 5)))
  await t.exception(collect(half.generate(REQUEST)), { code: 'WIRE_BAD_FRAME' })
  const cut = await serveRaw(t, (response) => {
    response.write(whole)
    setImmediate(() => response.destroy())
  })
  await t.exception(collect(cut.generate(REQUEST)), { code: 'PEER_GONE' })
})

test('client - what is not JSON is refused', async (t) => {
  const stream = await serveRaw(t, (response) => response.end('{]\n'))
  await t.exception(collect(stream.generate(REQUEST)), { code: 'WIRE_BAD_FRAME' })
  await t.exception(stream.status(), { code: 'WIRE_BAD_FRAME' })
})

test('client - an error without a known code is a refusal', async (t) => {
  const client = await serveRaw(t, (response) => {
    response.statusCode = 500
    response.end('{"error":{"code":"SOMETHING","message":"why"}}')
  })
  await t.exception(client.status(), { code: 'PEER_REFUSED', message: 'why' })
})

test('client - a peer that says nothing is given up', async (t) => {
  const mute = await serveRaw(t, () => {}, 200)
  await t.exception(mute.status(), {
    code: 'PEER_TIMEOUT',
    message: 'did not answer within 200 ms'
  })
})

test('client - a call that is aborted in time says so, not that it was late', async (t) => {
  const mute = await serveRaw(t, () => {}, 200)
  const controller = new AbortController()
  const asked = t.exception(mute.status(controller.signal), { name: 'AbortError' })
  controller.abort()
  await asked
})

async function serveRaw(
  t: Test,
  answer: (response: ServerResponse) => unknown,
  timeoutMs?: number
): Promise<ApiClient> {
  const socketPath = join(await t.tmp(), 's')
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(response))
  })
  server.listen(socketPath)
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const patience = timeoutMs === undefined ? {} : { timeoutMs }
  return new ApiClient({ socketPath, dataDir: '/data', clock: systemClock, ...patience })
}
