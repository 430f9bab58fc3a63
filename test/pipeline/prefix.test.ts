// What one session computed serves the next that begins alike: the same ids and the same hash of every
// logit, on one stage and over several, whatever each of them still holds.

import test, { type Test } from 'brittle'

import { PREFIXES_MAX, PREFIX_IDS_MAX, SESSION_IDLE_MS } from '../../src/base/limits.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'
import { smallLlama, smallQwen3 } from '../../src/model/synthetic/spec.ts'
import { PrefixBook } from '../../src/pipeline/prefix-book.ts'
import { sessionIdOf, type SessionId } from '../../src/wire/ids.ts'
import { KV_TYPES } from '../../src/wire/session.ts'
import { ALONE, close, FIRST, ids, MIDDLE, open, setUp } from '../helpers/host-bench.ts'
import { request, run, setUp as setUpGenerator } from '../helpers/generator-bench.ts'
import { LocalSwarm } from '../helpers/local-swarm.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel } from '../helpers/stage-model.ts'
import { toyContinue, sampling, TOY } from '../helpers/toy-run.ts'

import type { SyntheticSpec } from '../../src/model/synthetic/spec.ts'

const CHOOSE = { ...GREEDY, temperature: 0.9, topP: 0.95, presencePenalty: 0.5, seed: 4 }
const { available } = loadKernels()

function sessionOf(number: number): SessionId {
  return sessionIdOf(new Uint8Array(16).fill(number))
}

function someIds(count: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => below(random, 1000))
}

async function swarmOf(t: Test, spec: SyntheticSpec, cuts: number[]): Promise<LocalSwarm> {
  const model = await readStageModel(await syntheticModel(t, spec))
  const swarm = await LocalSwarm.open(model, cuts, { tables: available })
  t.teardown(() => swarm.close())
  return swarm
}

test('prefix - the answer is the same with and without reuse, on one stage and on three', async (t) => {
  for (const [spec, cuts] of [
    [smallLlama, []],
    [smallLlama, [1, 3]],
    [smallQwen3, [1, 2]]
  ] as [SyntheticSpec, number[]][]) {
    const swarm = await swarmOf(t, spec, cuts)
    const begin = someIds(300, 1)
    for (const kvType of KV_TYPES) {
      const first = await swarm.ask([...begin, ...someIds(20, 2)], 5, CHOOSE, { kvType })
      for (const tokens of [16, 255, 256, 257, 300]) {
        const prompt = [...begin.slice(0, tokens), ...someIds(9, tokens)]
        const cold = await swarm.ask(prompt, 8, CHOOSE, { kvType })
        const prefix = { session: first.session, tokens }
        const warm = await swarm.ask(prompt, 8, CHOOSE, { kvType, prefix })
        t.is(cold.keptTokens, 0)
        t.is(warm.keptTokens, tokens)
        t.alike([warm.ids, warm.logitsHash], [cold.ids, cold.logitsHash], `${kvType} ${tokens}`)
      }
    }
  }
})

test('prefix - stages that hold less decide where all begin', async (t) => {
  const swarm = await swarmOf(t, smallLlama, [1, 3])
  const prompt = someIds(200, 3)
  const first = await swarm.ask(prompt, 2, CHOOSE)
  const cold = await swarm.ask(prompt, 6, CHOOSE)
  // The middle stage freed what it had, as when another session needed the room.
  swarm.stages[1]?.host.restrict([{ start: 0, end: 0 }])
  swarm.stages[1]?.host.restrict(null)
  const prefix = { session: first.session, tokens: 150 }
  const warm = await swarm.ask(prompt, 6, CHOOSE, { prefix })
  t.is(warm.keptTokens, 0)
  t.alike([warm.ids, warm.logitsHash], [cold.ids, cold.logitsHash])
  const again = await swarm.ask(prompt, 6, CHOOSE, {
    prefix: { session: warm.session, tokens: 199 }
  })
  t.is(again.keptTokens, 199)
  t.alike([again.ids, again.logitsHash], [cold.ids, cold.logitsHash])
})

test('prefix - a session that still answers serves as well', async (t) => {
  const swarm = await swarmOf(t, smallLlama, [2])
  const prompt = someIds(120, 5)
  const cold = await swarm.ask(prompt, 5, CHOOSE)
  const session = swarm.createSession()
  const turn = { ids: prompt, sampling: CHOOSE, stopIds: [], positionEnd: 200 }
  let warm
  for await (const event of session.run(turn, new AbortController().signal)) {
    if (event.type === 'token' && warm === undefined) {
      const prefix = { session: session.id, tokens: 119 }
      warm = await swarm.ask(prompt, 5, CHOOSE, { prefix })
    }
  }
  t.is(warm?.keptTokens, 119)
  t.alike([warm?.ids, warm?.logitsHash], [cold.ids, cold.logitsHash])
})

test('prefix - the first frame says where a session begins, up to what the stage has', async (t) => {
  const prompt = [5, 6, 7, 8, 9]
  for (const begin of [0, 3, 4]) {
    const { up, host, clock } = await setUp({ start: 0, end: 12 })
    up.send(open(ALONE, { session: sessionOf(1), isReusable: true, positionEnd: 6 }))
    up.send({ ...ids(prompt), session: sessionOf(1) })
    await clock.pass(5)
    up.send({ ...close, session: sessionOf(1) })
    await clock.pass(5)
    t.is(host.shelved, 1)
    up.take()
    const prefix = { session: sessionOf(1), tokens: 4 }
    up.send(open(ALONE, { prefix, positionEnd: 7 }))
    await clock.pass(5)
    const [opened] = up.received.splice(0)
    t.is(opened?.type === 'opened' && opened.cachedTokens, 4)
    up.send(ids(prompt.slice(begin), begin))
    await clock.pass(5)
    const expected = await toyContinue(TOY, prompt, sampling(), 2)
    t.alike(
      up.received.flatMap((message) =>
        message.type === 'token' ? message.tokens.map(({ id }) => id) : []
      ),
      expected.ids,
      `from ${begin}`
    )
  }
})

test('prefix - a first frame beyond what the stage has is a gap', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE, { prefix: { session: sessionOf(1), tokens: 4 } }))
  up.send(ids([1], 1))
  await clock.pass(5)
  t.alike(up.take(), ['opened', 'STAGE_POSITION_GAP'])
})

test('prefix - what one origin left serves no other origin and no other layers', async (t) => {
  const { up, stranger, host, stage, clock } = await setUp({ start: 0, end: 12 })
  up.send(open(FIRST, { session: sessionOf(1), isReusable: true }))
  up.send({ ...ids([5, 6, 7]), stop: 1, session: sessionOf(1) })
  await clock.pass(5)
  up.send({ ...close, session: sessionOf(1) })
  await clock.pass(5)
  t.is(host.shelved, 1)
  up.take()
  const prefix = { session: sessionOf(1), tokens: 3 }
  stranger.send(open(FIRST, { session: sessionOf(2), prefix }))
  up.send(open(MIDDLE, { session: sessionOf(3), prefix }))
  up.send(open(FIRST, { session: sessionOf(4), prefix, kvType: 'f32' }))
  up.send(open(FIRST, { session: sessionOf(5), prefix }))
  await clock.pass(5)
  const cached = [stranger, up].flatMap(({ received }) =>
    received.flatMap((message) => (message.type === 'opened' ? [message.cachedTokens] : []))
  )
  t.alike(cached, [0, 0, 0, 3])
  t.is(stage.openCaches, 5)
})

test('prefix - caches of ended sessions go first when there is no room, longest unused before', async (t) => {
  // 12 layers weigh 12,000; 100 positions reserve 4,800 and 10 of them hold 480.
  const { up, host, clock } = await setUp({ start: 0, end: 12 }, { memoryBytes: 12_000 + 5_000 })
  for (const number of [1, 2]) {
    up.send(open(ALONE, { session: sessionOf(number), isReusable: true, contextTokens: 100 }))
    up.send({
      ...ids(
        someIds(10, number).map((id) => id % 500),
        0,
        false
      ),
      session: sessionOf(number)
    })
    await clock.pass(5)
    up.send({ ...close, session: sessionOf(number) })
    await clock.pass(5)
  }
  t.is(host.shelved, 1, 'the second session needed the room')
  up.take()
  up.send(open(ALONE, { session: sessionOf(3), prefix: { session: sessionOf(2), tokens: 9 } }))
  await clock.pass(5)
  const [opened] = up.received.splice(0)
  t.is(opened?.type === 'opened' && opened.cachedTokens, 9)
  up.send(open(ALONE, { session: sessionOf(4), contextTokens: 114, positionEnd: 100 }))
  await clock.pass(5)
  t.alike(up.take(), ['STAGE_FULL'])
})

test('prefix - caches of ended sessions are bounded in number and in time', async (t) => {
  const { up, host, stage, clock } = await setUp({ start: 0, end: 12 })
  for (let number = 1; number <= PREFIXES_MAX + 3; number++) {
    up.send(open(ALONE, { session: sessionOf(number), isReusable: true }))
    up.send({ ...ids([1, 2], 0, false), session: sessionOf(number) })
    await clock.pass(2)
    up.send({ ...close, session: sessionOf(number) })
    await clock.pass(2)
  }
  t.is(host.shelved, PREFIXES_MAX)
  t.is(stage.openCaches, PREFIXES_MAX)
  await clock.pass(SESSION_IDLE_MS * 1.2)
  t.is(host.shelved + stage.openCaches, 0)
})

test('prefix - an origin that goes takes its caches with it', async (t) => {
  const { up, host, stage, clock, network } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE, { isReusable: true }))
  up.send(ids([1, 2], 0, false))
  await clock.pass(2)
  up.send(close)
  await clock.pass(2)
  t.is(host.shelved, 1)
  network.leave(up.id)
  await clock.pass(2)
  t.is(host.shelved + stage.openCaches, 0)
})

test('prefix book - finds the longest beginning on the same route, never the whole prompt', (t) => {
  const book = new PrefixBook()
  const ids = someIds(100, 1)
  book.put(sessionOf(1), FIRST, 'f16', ids.slice(0, 40))
  book.put(sessionOf(2), FIRST, 'f16', [...ids.slice(0, 60), 1001, 1002])
  book.put(sessionOf(3), MIDDLE, 'f16', ids)
  book.put(sessionOf(4), FIRST, 'f32', ids)
  t.alike(book.find(FIRST, 'f16', ids), { session: sessionOf(2), tokens: 60 })
  t.alike(book.find(FIRST, 'f32', ids), { session: sessionOf(4), tokens: 99 })
  t.is(book.find(FIRST, 'q8_0', ids), null)
  t.is(book.find(FIRST, 'f16', [1003, ...ids]), null)
  t.is(book.find(FIRST, 'f16', ids.slice(0, 16)), null, 'too short to be worth it')
  t.alike(book.find(FIRST, 'f16', ids.slice(0, 17))?.tokens, 16)
  book.remove(sessionOf(2))
  t.alike(book.find(FIRST, 'f16', ids), { session: sessionOf(1), tokens: 40 })
})

test('prefix book - forgets what was used longest ago', (t) => {
  const book = new PrefixBook()
  for (let number = 0; number < PREFIXES_MAX; number++) {
    book.put(sessionOf(number), FIRST, 'f16', someIds(20, number))
  }
  t.is(book.find(FIRST, 'f16', someIds(30, 0))?.tokens, 20)
  book.put(sessionOf(200), FIRST, 'f16', someIds(20, 200))
  t.is(book.size, PREFIXES_MAX)
  t.ok(book.find(FIRST, 'f16', someIds(30, 0)), 'it was used')
  t.absent(book.find(FIRST, 'f16', someIds(30, 1)))
  book.put(
    sessionOf(201),
    FIRST,
    'f16',
    Array.from({ length: PREFIX_IDS_MAX }, () => 7)
  )
  t.is(book.size, 1)
  book.put(
    sessionOf(202),
    FIRST,
    'f16',
    Array.from({ length: PREFIX_IDS_MAX + 1 }, () => 7)
  )
  t.is(book.size, 1)
})

test('generate - a prompt that begins like an earlier one is computed from where they part', async (t) => {
  const bench = await setUpGenerator()
  const ask = (prompt: string) => run(bench, request({ prompt, maxTokens: 6 }))
  const [first] = [await ask('a question that is long enough to be worth keeping, one')]
  const second = await ask('a question that is long enough to be worth keeping, two')
  const cachedOf = ({ events: [route] }: Awaited<ReturnType<typeof ask>>) => {
    return route?.type === 'route' ? route.cachedTokens : -1
  }
  t.is(cachedOf(first), 0)
  const same = [...first.result.promptIds.entries()].findIndex(
    ([i, id]) => id !== second.result.promptIds[i]
  )
  t.is(cachedOf(second), same)
  const fresh = await setUpGenerator()
  const alone = await run(
    fresh,
    request({ prompt: 'a question that is long enough to be worth keeping, two', maxTokens: 6 })
  )
  t.alike(second.result.ids, alone.result.ids)
  t.is(second.result.logitsHash, alone.result.logitsHash)
})
