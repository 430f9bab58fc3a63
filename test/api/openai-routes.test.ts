import test from 'brittle'
import { SwarmError } from '../../src/base/errors.ts'
import { openApi, send, sseData } from '../helpers/api-fixture.ts'
import { echo, failing, resultOf, stageFull } from '../helpers/scripted-service.ts'

type Json = Record<string, any>

const tooLong = new SwarmError(
  'USAGE_PROMPT_TOO_LONG',
  'the prompt has 5000 tokens, the context holds 4096; shorten the prompt'
)

test('openai routes - the served model is listed and found by name and id', async (t) => {
  const { socketPath } = await openApi(t)
  const list = (await send({ socketPath }, 'GET', '/v1/models')).json() as Json
  t.is(list['object'], 'list')
  t.is(list['data'].length, 1)
  const { created, ...model } = list['data'][0]
  t.alike(model, {
    id: 'tiny.gguf',
    object: 'model',
    owned_by: 'swarm',
    swarm: { modelId: 'c'.repeat(64), layers: 5, arithmeticVersion: 1 }
  })
  t.ok(Math.abs(created - (Date.now() / 1000 - 65)) < 5)
  for (const name of ['tiny.gguf', 'c'.repeat(64), 'tiny%2Egguf']) {
    t.is((await send({ socketPath }, 'GET', `/v1/models/${name}`)).json()['id'], 'tiny.gguf')
  }
  for (const name of ['other', '%', 'a/b']) {
    t.is((await send({ socketPath }, 'GET', `/v1/models/${name}`)).status, 404, name)
  }
})

test('openai routes - a peer without a model lists none', async (t) => {
  const { socketPath, service } = await openApi(t)
  service.overrides = { model: null }
  t.alike((await send({ socketPath }, 'GET', '/v1/models')).json(), { object: 'list', data: [] })
})

test('openai routes - health says whether a whole model is ready', async (t) => {
  const { socketPath, service } = await openApi(t)
  const ready = await send({ socketPath }, 'GET', '/health')
  t.alike([ready.status, ready.json()], [200, { status: 'ok', ready: true }])
  service.planOverrides = { ready: false }
  const loading = await send({ socketPath }, 'GET', '/health')
  t.alike([loading.status, loading.json()], [503, { status: 'loading', ready: false }])
})

test('openai routes - a completion has text, usage and what the bits were', async (t) => {
  const { socketPath } = await openApi(t)
  const body = { prompt: 'one two three', max_tokens: 2, seed: 7 }
  const answer = (await send({ socketPath }, 'POST', '/v1/completions', body)).json() as Json
  const { id, created, swarm, ...rest } = answer
  t.ok(/^cmpl-[0-9a-f]{24}$/.test(id))
  t.ok(Math.abs(created - Date.now() / 1000) < 5)
  t.alike([swarm.seed, swarm.arithmeticVersion, swarm.stages.length], [7, 1, 2])
  t.ok(/^[0-9a-f]{16}$/.test(swarm.logitsHash))
  t.alike(rest, {
    object: 'text_completion',
    model: 'tiny.gguf',
    choices: [{ index: 0, text: 'one two ', logprobs: null, finish_reason: 'length' }],
    usage: { prompt_tokens: 13, completion_tokens: 2, total_tokens: 15 }
  })
})

test('openai routes - a chat answers with a message', async (t) => {
  const { socketPath } = await openApi(t)
  const messages = [{ role: 'user', content: 'hello you' }]
  const answer = await send({ socketPath }, 'POST', '/v1/chat/completions', { messages })
  const body = answer.json() as Json
  t.ok(body['id'].startsWith('chatcmpl-'))
  t.is(body['object'], 'chat.completion')
  t.alike(body['choices'], [
    {
      index: 0,
      message: { role: 'assistant', content: 'hello you' },
      logprobs: null,
      finish_reason: 'stop'
    }
  ])
})

test('openai routes - a streamed chat is role, text, finish, usage, [DONE]', async (t) => {
  const { socketPath } = await openApi(t)
  const answer = await send({ socketPath }, 'POST', '/v1/chat/completions', {
    messages: [{ role: 'user', content: 'a b' }],
    stream: true,
    stream_options: { include_usage: true }
  })
  t.is(answer.headers['content-type'], 'text/event-stream; charset=utf-8')
  const data = sseData(answer.text) as Json[]
  t.is(data.pop() as unknown, '[DONE]')
  t.ok(data.every((chunk) => chunk['object'] === 'chat.completion.chunk'))
  t.is(new Set(data.map((chunk) => chunk['id'])).size, 1)
  t.alike(
    data.map((chunk) => [
      chunk['choices'][0]?.delta,
      chunk['choices'][0]?.finish_reason,
      chunk['usage']
    ]),
    [
      [{ role: 'assistant', content: '' }, null, null],
      [{ content: 'a ' }, null, null],
      [{ content: 'b' }, null, null],
      [{}, 'stop', null],
      [undefined, undefined, { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }]
    ]
  )
})

test('openai routes - without include_usage no chunk speaks of usage', async (t) => {
  const { socketPath } = await openApi(t)
  const body = { prompt: 'a b', stream: true }
  const data = sseData((await send({ socketPath }, 'POST', '/v1/completions', body)).text) as Json[]
  t.is(data.pop() as unknown, '[DONE]')
  t.alike(
    data.map((chunk) => chunk['choices'][0].text),
    ['a ', 'b', '']
  )
  t.ok(data.every((chunk) => !('usage' in chunk)))
})

test('openai routes - a stream that waits for room says so in comments, which clients skip', async (t) => {
  const { socketPath, service } = await openApi(t)
  const script = service.script
  service.script = async function* (...given) {
    yield { type: 'queued', reason: 'no room', before: 2 }
    yield* script(...given)
  }
  const body = { prompt: 'a b', stream: true }
  const { text } = await send({ socketPath }, 'POST', '/v1/completions', body)
  t.ok(text.startsWith(': queued, 2 before you\n\n'), text.slice(0, 40))
  t.is(sseData(text).length, 4, 'the answer is what it would have been')
})

test('openai routes - an over-long prompt is 400 context_length_exceeded with both numbers', async (t) => {
  const { socketPath, service } = await openApi(t)
  service.script = failing(tooLong, 0)
  for (const stream of [false, true]) {
    const answer = await send({ socketPath }, 'POST', '/v1/completions', { prompt: 'x', stream })
    t.is(answer.status, 400)
    t.alike(answer.json()['error'], {
      message: tooLong.message,
      type: 'invalid_request_error',
      param: null,
      code: 'context_length_exceeded'
    })
  }
})

test('openai routes - each family of errors has its status and retry advice', async (t) => {
  const { socketPath, service } = await openApi(t)
  const cases: [SwarmError, number, string | undefined, string | undefined][] = [
    [stageFull, 503, '2', undefined],
    [new SwarmError('PEER_GONE', 'x'), 503, '1', undefined],
    [new SwarmError('PEER_REFUSED', 'x'), 503, undefined, 'false'],
    [new SwarmError('PLAN_GAP', 'x'), 503, '10', 'false'],
    [new SwarmError('PLAN_NO_CAPACITY', 'x'), 503, '10', 'false'],
    [new SwarmError('STAGE_NOT_FINITE', 'x'), 500, undefined, 'false'],
    [new SwarmError('MODEL_BAD_TEMPLATE', 'x'), 500, undefined, 'false'],
    [new SwarmError('NATIVE_FAILED', 'x'), 500, undefined, 'false'],
    [new SwarmError('USAGE_BAD_VALUE', 'x'), 400, undefined, undefined]
  ]
  for (const [error, status, retryAfter, shouldRetry] of cases) {
    service.script = failing(error, 0)
    const { headers, ...answer } = await send({ socketPath }, 'POST', '/v1/completions', {
      prompt: 'x'
    })
    t.alike(
      [answer.status, headers['retry-after'], headers['x-should-retry']],
      [status, retryAfter, shouldRetry],
      error.code
    )
  }
})

test('openai routes - an error after the first word is the last event of the stream', async (t) => {
  const { socketPath, service } = await openApi(t)
  service.script = failing(new SwarmError('PEER_GONE', 'stage 2 went away; ask again'), 2)
  const body = { prompt: 'x', stream: true }
  const answer = await send({ socketPath }, 'POST', '/v1/completions', body)
  t.is(answer.status, 200)
  t.alike(sseData(answer.text).at(-1), {
    error: {
      message: 'stage 2 went away; ask again',
      type: 'service_unavailable',
      param: null,
      code: 'PEER_GONE'
    }
  })
})

test('openai routes - an answer that the peer cut short is an error, not a stop', async (t) => {
  const { socketPath, service } = await openApi(t)
  service.script = async function* (request) {
    yield { type: 'done', result: { ...resultOf(request, '', [], 1), finishReason: 'cancelled' } }
  }
  t.is((await send({ socketPath }, 'POST', '/v1/completions', { prompt: 'x' })).status, 503)
  const body = { prompt: 'x', stream: true }
  const stream = await send({ socketPath }, 'POST', '/v1/completions', body)
  t.ok((sseData(stream.text).at(-1) as Json)['error'])
})

test('openai routes - another model than the served one is 404 model_not_found', async (t) => {
  const { socketPath, service } = await openApi(t)
  const body = { prompt: 'x', model: 'gpt-4' }
  const answer = await send({ socketPath }, 'POST', '/v1/completions', body)
  t.is(answer.status, 404)
  t.alike(answer.json()['error'], {
    message: "no model is called 'gpt-4'; this peer serves 'tiny.gguf'",
    type: 'invalid_request_error',
    param: 'model',
    code: 'model_not_found'
  })
  t.is(service.requests.length, 0)
})

test('openai routes - text survives in every script', async (t) => {
  const { socketPath, service } = await openApi(t)
  service.script = echo
  const prompt = 'žluťoučký 漢字 \u{1f600} \u0000\u001b[31m " \\ \u2028'
  for (const stream of [false, true]) {
    const { text } = await send({ socketPath }, 'POST', '/v1/completions', { prompt, stream })
    const found = stream
      ? (sseData(text) as Json[]).map((chunk) => chunk['choices']?.[0]?.text ?? '').join('')
      : JSON.parse(text).choices[0].text
    t.is(found, prompt)
  }
})
