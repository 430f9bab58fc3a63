import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { TextGenerator } from '../../src/pipeline/text-generator.ts'
import { evenChunking } from '../../src/sharding/chunking.ts'
import { decodeSessionMessage } from '../../src/wire/session-codec.ts'
import { PROMPT_IDS, request, run, setUp, textOf } from '../helpers/generator-bench.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'
import { toyText, toyTokenizer } from '../helpers/toy-tokenizer.ts'

import type { GenerateRequest } from '../../src/wire/generation.ts'

/** Removes a key that request() sets. */
function without(key: 'prompt' | 'maxTokens'): object {
  return { [key]: undefined }
}

test('generate - text in, events out, the same as the model alone', async (t) => {
  const bench = await setUp()
  const { events, result } = await run(bench, request())
  const expected = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), 20)
  t.alike(result.ids, expected.ids)
  t.is(result.logitsHash, expected.logitsHash)
  t.is(result.text, toyText(expected.ids))
  t.is(textOf(events), result.text)
  t.alike(
    events.flatMap((event) => (event.type === 'text' ? event.ids : [])),
    expected.ids
  )
  t.alike(result.promptIds, PROMPT_IDS)
  t.is(result.finishReason, 'length')
  t.is(result.seed, 1)
  t.is(result.model, bench.swarm.sessionModel.id)
  t.is(result.arithmeticVersion, 3)
  t.alike(result.stages, bench.route.stages)
  t.is(result.session, undefined)
  await bench.swarm.clock.pass(10)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - the first event is the route, the last the result', async (t) => {
  const bench = await setUp()
  const { events } = await run(bench, request())
  const [first] = events
  const session = first?.type === 'route' ? first.session : ''
  t.ok(/^[0-9a-f]{32}$/.test(session), session)
  t.alike(first, {
    type: 'route',
    session,
    stages: bench.route.stages,
    promptTokens: 5,
    cachedTokens: 0,
    seed: 1
  })
  t.alike(events[1], { type: 'prefill', done: 5, total: 5 })
  t.is(events.at(-1)?.type, 'done')
  t.is(events.filter(({ type }) => type === 'done').length, 1)
})

test('generate - an absent seed is drawn, returned, and repeats the answer', async (t) => {
  const bench = await setUp()
  const { seed: _, ...others } = sampling()
  const first = await run(bench, request({ sampling: others }))
  const second = await run(bench, request({ sampling: others }))
  t.not(first.result.seed, second.result.seed)
  const again = await run(bench, request({ sampling: { ...others, seed: first.result.seed } }))
  t.alike(again.result.ids, first.result.ids)
})

test('generate - a stop string across tokens ends the text before it and drops what follows', async (t) => {
  const bench = await setUp()
  const { ids } = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), 20)
  const text = toyText(ids)
  const stop = text.slice(5, 8)
  const { events, result } = await run(bench, request({ stop: ['never', stop] }))
  t.is(result.text, text.slice(0, text.indexOf(stop)))
  t.is(textOf(events), result.text)
  t.is(result.finishReason, 'stop')
  t.ok(toyText(result.ids).endsWith(stop), 'the ids end with the one that completed it')
  const upTo = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), result.ids.length)
  t.is(result.logitsHash, upTo.logitsHash)
  await bench.swarm.clock.pass(20)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - text that might become a stop string is shown when it does not', async (t) => {
  const bench = await setUp()
  const { ids } = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), 20)
  const { result } = await run(bench, request({ stop: [`${toyText(ids).slice(-3)}x`] }))
  t.is(result.text, toyText(ids))
})

test('generate - the id that ends a sequence stops and is not text', async (t) => {
  const bench = await setUp()
  const { ids } = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), 20)
  const stopId = ids[7] as number
  const generator = new TextGenerator({
    pipeline: bench.asker.pipeline,
    model: bench.swarm.sessionModel,
    tokenizer: { ...toyTokenizer, stopIds: [stopId] },
    template: null,
    sampling: {},
    contextTokens: 100,
    findRoute: () => bench.route,
    clock: bench.swarm.clock,
    random: bench.swarm.random
  })
  const end = ids.indexOf(stopId)
  const { result } = await run({ ...bench, generator }, request())
  t.is(result.finishReason, 'stop')
  t.alike(result.ids, ids.slice(0, end + 1))
  t.is(result.text, toyText(ids.slice(0, end)))
})

test('generate - what the request leaves open is what the model file recommends', async (t) => {
  const recommended = { temperature: 0, topK: 3 }
  const given = await run(await setUp(), request({ sampling: { ...recommended, seed: 1 } }))
  const left = await run(await setUp({ recommended }), request({ sampling: { seed: 1 } }))
  t.alike(left.result.ids, given.result.ids)
  const own = await run(
    await setUp({ recommended }),
    request({ sampling: { temperature: 5, topK: 0, topP: 1, minP: 0, seed: 1 } })
  )
  t.unlike(own.result.ids, given.result.ids, 'the request goes before the file')
})

test('generate - a conversation goes through the template', async (t) => {
  const bench = await setUp()
  const messages = [{ role: 'user', content: 'hi' }]
  const { result } = await run(bench, { ...request({ messages }), ...without('prompt') })
  t.alike(result.promptIds, [...Buffer.from('user:hi'), 257, ...Buffer.from('assistant:')])
})

test('generate - a model without a template answers plain prompts only', async (t) => {
  const bench = await setUp()
  const { asker, swarm, route } = bench
  const generator = new TextGenerator({
    pipeline: asker.pipeline,
    model: swarm.sessionModel,
    tokenizer: toyTokenizer,
    template: null,
    sampling: {},
    contextTokens: 100,
    findRoute: () => route,
    clock: swarm.clock,
    random: swarm.random
  })
  const messages = [{ role: 'user', content: 'hi' }]
  const asked = { ...request({ messages }), ...without('prompt') }
  const { error } = await run({ ...bench, generator }, asked)
  t.is(error instanceof SwarmError && error.code, 'USAGE_BAD_VALUE')
})

test('generate - without maxTokens the context is filled', async (t) => {
  const bench = await setUp({ contextTokens: 30 })
  const { result } = await run(bench, { ...request(), ...without('maxTokens') })
  t.is(result.promptIds.length + result.ids.length, 30)
  t.is(result.finishReason, 'length')
})

test('generate - what cannot be answered is refused before anything is opened', async (t) => {
  const bench = await setUp({ contextTokens: 10 })
  const cases: [string, string, Partial<GenerateRequest> | object][] = [
    ['USAGE_PROMPT_TOO_LONG', 'the prompt has 10 tokens, the context 10', { prompt: '123456789' }],
    ['USAGE_PROMPT_TOO_LONG', 'the prompt has 5 tokens, the context 5', { contextTokens: 5 }],
    ['USAGE_MISSING', 'either a prompt or messages', { messages: [] }],
    ['USAGE_MISSING', 'either a prompt or messages', without('prompt')],
    ['USAGE_BAD_VALUE', 'maxTokens is 0', { maxTokens: 0 }],
    ['USAGE_BAD_VALUE', 'maxTokens is 1.5', { maxTokens: 1.5 }],
    ['USAGE_BAD_VALUE', 'contextTokens is 11', { contextTokens: 11 }],
    ['USAGE_BAD_VALUE', 'temperature is NaN', { sampling: { ...sampling(), temperature: NaN } }],
    ['USAGE_BAD_VALUE', 'topP is 2', { sampling: { ...sampling(), topP: 2 } }],
    ['USAGE_BAD_VALUE', 'seed is -1', { sampling: { ...sampling(), seed: -1 } }],
    [
      'USAGE_BAD_VALUE',
      'bias id is -1',
      { sampling: { ...sampling(), bias: [{ id: -1, value: 0 }] } }
    ],
    ['USAGE_BAD_VALUE', 'stop has more than', { stop: Array.from({ length: 17 }, () => 'x') }],
    ['USAGE_BAD_VALUE', 'stop has a text of more', { stop: ['x'.repeat(257)] }]
  ]
  for (const [code, text, changes] of cases) {
    const { error } = await run(bench, { ...request(), ...changes } as GenerateRequest)
    t.is(error instanceof SwarmError && error.code, code, text)
    t.ok(String(error).includes(text), String(error))
  }
  t.is(bench.swarm.network.counts.sent, 0)
})

test('generate - without a route the gap is the error', async (t) => {
  const bench = await setUp()
  bench.bench.findRoute = () => {
    throw new SwarmError('PLAN_GAP', 'layers 3-4 are missing')
  }
  const { error } = await run(bench, request())
  t.is(error instanceof SwarmError && error.code, 'PLAN_GAP')
})

test('generate - an abort ends as cancelled with what there is, and frees every stage', async (t) => {
  for (const when of ['route', 'prefill', 'text'] as const) {
    const bench = await setUp()
    const { result, error } = await run(
      bench,
      request({ maxTokens: 100, keep: true }),
      (event, abort) => {
        if (event.type === when) abort.abort()
      }
    )
    t.is(error, undefined)
    t.is(result.finishReason, 'cancelled')
    const expected = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), 100)
    t.alike(result.ids, expected.ids.slice(0, result.ids.length))
    t.ok(result.ids.length < 20, `${result.ids.length} ids when aborted at ${when}`)
    t.is(result.session, undefined)
    await bench.swarm.clock.pass(20)
    t.alike(bench.swarm.leaks(), [])
  }
})

test('generate - an abort before the start opens nothing', async (t) => {
  const bench = await setUp()
  const abort = new AbortController()
  abort.abort()
  const events = []
  for await (const event of bench.generator.generate(request(), abort.signal)) events.push(event)
  t.alike(
    events.map(({ type }) => type),
    ['done']
  )
  t.is(bench.swarm.network.counts.sent, 0)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - leaving the stream early frees every stage', async (t) => {
  for (const when of ['route', 'prefill', 'text'] as const) {
    const bench = await setUp()
    await run(bench, request({ maxTokens: 100, keep: true }), (event) =>
      event.type === when ? 'leave' : null
    )
    await bench.swarm.clock.pass(20)
    t.alike(bench.swarm.leaks(), [], when)
  }
})

test('generate - leaving at the very last piece of text frees every stage', async (t) => {
  const { ids } = await toyContinue((await setUp()).swarm.model, PROMPT_IDS, sampling(), 20)
  for (const stop of [[], [toyText(ids).slice(5, 8)]]) {
    for (const keep of [false, true]) {
      const bench = await setUp()
      const asked = request({ stop, keep })
      const { result } = await run(await setUp(), asked)
      let text = ''
      await run(bench, asked, (event) => {
        if (event.type === 'text') text += event.text
        return text === result.text ? 'leave' : null
      })
      await bench.swarm.clock.pass(20)
      t.is(text, result.text)
      t.alike(bench.swarm.leaks(), [], `stop ${stop.length}, keep ${keep}`)
    }
  }
})

test('generate - a lost stage is the error', async (t) => {
  const bench = await setUp()
  const { error } = await run(bench, request({ maxTokens: 100 }), (event) => {
    if (event.type === 'text') bench.swarm.network.crash(bench.route.stages[1]!.peer)
  })
  t.is(error instanceof SwarmError && error.code, 'PEER_GONE')
  await bench.swarm.clock.pass(1000)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - an answer that is cut off because this peer stops is an error', async (t) => {
  const bench = await setUp()
  const { error, events } = await run(bench, request({ maxTokens: 100 }), (event) => {
    if (event.type === 'text') void bench.asker.pipeline.close()
  })
  t.is(error instanceof SwarmError && error.code, 'PEER_GONE')
  t.ok(String(error).includes('this peer is stopping'))
  t.absent(events.some(({ type }) => type === 'done'))
  await bench.swarm.clock.pass(20)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - compute, queue and wire of all hops are the time of decode', async (t) => {
  const bench = await setUp({ cuts: [4, 8], stepMs: 5 })
  const { result } = await run(bench, request({ maxTokens: 31 }))
  const { timing } = result
  t.is(timing.perHop.length, 3)
  const sum = timing.perHop.reduce(
    (total, { computeMs, queueMs, wireMs }) => total + computeMs + queueMs + wireMs,
    0
  )
  t.ok(Math.abs(sum - timing.decodeMs) < 0.01, `${sum} of ${timing.decodeMs}`)
  for (const hop of timing.perHop) {
    t.is(hop.computeMs, 30 * 5)
    t.ok(hop.wireMs > 30 * 0.25 && hop.wireMs < 30 * 1.3, `${hop.wireMs}`)
  }
  t.ok(Math.abs(timing.tokensPerSecond - 30_000 / timing.decodeMs) < 1e-9)
  t.ok(timing.prefillMs > 15 && timing.prefillMs < 25, `${timing.prefillMs}`)
})

test('generate - the parts add up to the time of decode where an answer was cut short too', async (t) => {
  const whole = await run(await setUp({ cuts: [6], stepMs: 5 }), request({ maxTokens: 31 }))
  const stop = textOf(whole.events).slice(8, 10)
  const bench = await setUp({ cuts: [6], stepMs: 5 })
  const { result } = await run(bench, request({ maxTokens: 31, stop: [stop] }))
  t.is(result.finishReason, 'stop')
  const { perHop, decodeMs } = result.timing
  const sum = perHop.reduce((all, hop) => all + hop.computeMs + hop.queueMs + hop.wireMs, 0)
  t.ok(Math.abs(sum / decodeMs - 1) < 0.03, `${sum} of ${decodeMs}`)
  t.ok(perHop.every(({ wireMs }) => wireMs > 0))
  for (const { computeMs } of perHop) t.is(computeMs, 5 * (result.ids.length - 1))
})

test('generate - a prompt travels in chunks as long as its route says', async (t) => {
  for (const [chunkTokens, chunks] of [
    [undefined, [5]],
    [2, [2, 2, 1]]
  ] as const) {
    const bench = await setUp()
    const sent: number[] = []
    bench.swarm.network.tamper = (frame) => {
      const message = decodeSessionMessage(frame)
      if (message.type === 'ids') sent.push(message.ids.length)
      return [frame]
    }
    bench.bench.route = {
      ...bench.route,
      ...(chunkTokens && { chunking: evenChunking(chunkTokens) })
    }
    const { result } = await run(bench, request())
    t.is(result.ids.length, 20)
    t.alike(sent, chunks)
  }
})
