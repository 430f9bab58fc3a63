// The OpenAI-compatible API of a real swarm on --http, through OpenAI's own client and by hand.

import OpenAI from 'openai'
import test, { type Test } from 'brittle'

import { endlessModel } from '../helpers/endless.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

const messages = [{ role: 'user' as const, content: 'hello there' }]
const MODEL = 'small llama'

async function setUp(t: Test) {
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const peers = await lab.pinned(model, ['0-1', '2-3'], { flags: ['--http', '0'] })
  await Promise.all(peers.map((peer) => peer.event('layers')))
  const [origin] = peers as [LabPeer]
  const { text } = await origin.event('api')
  const { http, model: served } = await origin.client.status()
  t.is(text, `OpenAI-compatible API at ${http}/v1`)
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: `${http}/v1` })
  return { lab, model, origin, http, served, sdk }
}

test('http - models, health, and an answer that the command line gives too', REAL, async (t) => {
  const { lab, model, http, served, sdk } = await setUp(t)
  const { data } = await sdk.models.list()
  t.alike([data.length, data[0]?.id], [1, MODEL])
  t.is((await sdk.models.retrieve(served?.id ?? '')).id, MODEL, 'by its hash too')
  t.alike(await (await fetch(`${http}/health`)).json(), { status: 'ok', ready: true })
  const asked = { model: MODEL, prompt: 'one two', max_tokens: 16, seed: 9, temperature: 0.8 }
  const answer = await sdk.completions.create(asked)
  const flags = ['-p', 'one two', '-n', '16', '--seed', '9', '--temp', '0.8']
  const alone = await lab.json(['run', model, ...flags])
  t.is(answer.choices[0]?.text, alone['text'])
  t.is(answer.choices[0]?.finish_reason, 'length')
  t.is(answer.usage?.completion_tokens, 16)
})

test('http - a chat streams the text that it gives as a whole', REAL, async (t) => {
  const { sdk } = await setUp(t)
  const asked = { model: MODEL, messages, max_tokens: 24, seed: 3 }
  const whole = await sdk.chat.completions.create(asked)
  const stream = await sdk.chat.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true }
  })
  const pieces: string[] = []
  let usage
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.delta.content
    if (piece) pieces.push(piece)
    usage = chunk.usage ?? usage
  }
  t.ok(pieces.length > 5, `${pieces.length} pieces`)
  t.is(pieces.join(''), whole.choices[0]?.message.content)
  t.alike(usage, whole.usage)
})

test('http - an over-long prompt is a 400 with both numbers, never cut', REAL, async (t) => {
  const { sdk } = await setUp(t)
  const prompt = 'one two '.repeat(20_000)
  for (const stream of [false, true]) {
    const refused = sdk.completions.create({ model: MODEL, prompt, stream })
    const both = /the prompt has \d{5,} tokens, the context 32768: shorten it/
    const error = await refused.then(
      () => null,
      (error: unknown) => error as InstanceType<typeof OpenAI.APIError>
    )
    t.is(error?.status, 400)
    t.is(error?.code, 'context_length_exceeded')
    t.ok(both.test(error?.message ?? ''), error?.message)
  }
})

test('http - only this machine may ask, and only its owner may stop the peer', REAL, async (t) => {
  const { http, origin } = await setUp(t)
  t.ok(/^http:\/\/127\.0\.0\.1:\d+$/.test(http ?? ''), http ?? '')
  const stop = await fetch(`${http}/swarm/stop`, { method: 'POST' })
  t.is(stop.status, 403)
  t.ok(origin.command.isRunning)
})
