// Conformance through OpenAI's own client, the program that most users of these routes will bring.

import OpenAI from 'openai'
import test, { type Test } from 'brittle'
import { SwarmError } from '../../src/base/errors.ts'
import { openApi } from '../helpers/api-fixture.ts'
import { failing, stageFull } from '../helpers/scripted-service.ts'
import { until } from '../helpers/until.ts'

const messages = [{ role: 'user' as const, content: 'one two' }]

async function openSdk(t: Test) {
  const api = await openApi(t)
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: `http://127.0.0.1:${api.port}/v1` })
  return { ...api, sdk }
}

test('openai sdk - lists and retrieves the model', async (t) => {
  const { sdk } = await openSdk(t)
  t.is((await sdk.models.list()).data[0]?.id, 'tiny.gguf')
  t.is((await sdk.models.retrieve('tiny.gguf')).owned_by, 'swarm')
})

test('openai sdk - chats', async (t) => {
  const { sdk } = await openSdk(t)
  const answer = await sdk.chat.completions.create({ model: 'tiny.gguf', messages })
  t.is(answer.choices[0]?.message.content, 'one two')
  t.is(answer.usage?.total_tokens, 9)
})

test('openai sdk - streams a chat with usage in the last chunk', async (t) => {
  const { sdk } = await openSdk(t)
  const stream = await sdk.chat.completions.create({
    model: 'tiny.gguf',
    messages,
    stream: true,
    stream_options: { include_usage: true }
  })
  let text = ''
  let last
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    last = chunk
  }
  t.is(text, 'one two')
  t.alike(last?.choices, [])
  t.is(last?.usage?.completion_tokens, 2)
})

test('openai sdk - streams a completion', async (t) => {
  const { sdk } = await openSdk(t)
  const stream = await sdk.completions.create({ model: 'tiny.gguf', prompt: 'a b', stream: true })
  const pieces: string[] = []
  for await (const chunk of stream) pieces.push(chunk.choices[0]?.text ?? '')
  t.is(pieces.join(''), 'a b')
})

test('openai sdk - a bad field is a BadRequestError with code and param', async (t) => {
  const { sdk } = await openSdk(t)
  const wrong = sdk.completions.create({ model: 'tiny.gguf', prompt: 'x', temperature: 99 })
  await t.exception(wrong, { name: 'Error', status: 400, param: 'temperature' })
})

test('openai sdk - a plan with a gap is asked for once, a full stage again', async (t) => {
  const { sdk, service } = await openSdk(t)
  service.script = failing(new SwarmError('PLAN_GAP', 'layers 3-4 are missing'), 0)
  const ask = () => sdk.completions.create({ model: 'tiny.gguf', prompt: 'x' })
  await t.exception(ask(), { status: 503, code: 'PLAN_GAP' })
  t.is(service.requests.length, 1)
  service.script = async function* (request, signal) {
    if (service.requests.length === 2) throw stageFull
    yield* failing(new SwarmError('PLAN_GAP', 'x'), 0)(request, signal)
  }
  await t.exception(ask(), { code: 'PLAN_GAP' })
  t.is(service.requests.length, 3)
})

test('openai sdk - an error in the middle of a stream is thrown, not swallowed', async (t) => {
  const { sdk, service } = await openSdk(t)
  service.script = failing(new SwarmError('PEER_GONE', 'stage 2 went away'), 2)
  const stream = await sdk.chat.completions.create({ model: 'tiny.gguf', messages, stream: true })
  const pieces: string[] = []
  await t.exception(async () => {
    for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta.content ?? '')
  }, /stage 2 went away/)
  t.alike(pieces, ['', 'w0 ', 'w1 '])
})

test('openai sdk - aborting a stream frees the generation', async (t) => {
  const { sdk, service } = await openSdk(t)
  service.script = async function* (request, signal) {
    for (let i = 0; !signal.aborted; i++) {
      yield { type: 'text', text: `${request.prompt} `, ids: [i] }
      await new Promise(setImmediate)
    }
    throw signal.reason
  }
  const stream = await sdk.completions.create({ model: 'tiny.gguf', prompt: 'x', stream: true })
  for await (const chunk of stream) {
    if (chunk.choices[0]?.text) break
  }
  await until(() => service.signals[0]?.aborted === true)
  t.pass()
})
