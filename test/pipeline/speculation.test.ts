import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { readDraft } from '../../src/wire/session-codec.ts'
import { shippedModelPath } from '../../src/cli/shipped-model.ts'
import { ALONE, FIRST, MIDDLE, SESSION, close, ids, open, setUp } from '../helpers/host-bench.ts'
import { LocalSwarm } from '../helpers/local-swarm.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { readStageModel } from '../helpers/stage-model.ts'

import type {
  ActivationMessage,
  OpenMessage,
  Sampling,
  TokenMessage
} from '../../src/wire/session.ts'
import type { Bench } from '../helpers/host-bench.ts'

const SAMPLINGS: Record<string, Sampling> = {
  greedy: GREEDY,
  seeded: { ...GREEDY, temperature: 0.7, topK: 40, topP: 0.95, seed: 3 },
  penalties: { ...GREEDY, temperature: 0.4, seed: 5, presencePenalty: 0.2, frequencyPenalty: 0.05 }
}
// A command and its error, twice: an answer that quotes it can be guessed.
const PROMPT = Array.from({ length: 60 }, (_, i) => 50 + (((i % 12) * 31) % 400))
const TOKENS = 120

for (const cuts of [[], [2], [1, 3]]) {
  for (const [name, sampling] of Object.entries(SAMPLINGS)) {
    const title = `over ${cuts.length + 1} stages it gives the tokens of plain decoding, ${name}`
    test(`speculation - ${title}`, async (t) => {
      const model = await readStageModel(shippedModelPath())
      const swarm = await LocalSwarm.open(model, cuts, { threads: 1 })
      t.teardown(() => swarm.close())
      const plain = await swarm.ask(PROMPT, TOKENS, sampling, {}, { speculates: false })
      const drafted = await swarm.ask(PROMPT, TOKENS, sampling)
      t.alike(drafted.ids, plain.ids)
      t.is(drafted.logitsHash, plain.logitsHash)
      t.is(drafted.ids.length, TOKENS)
      t.is(plain.steps, TOKENS, 'plain decoding takes a step for each token')
      if (name === 'greedy') t.ok(drafted.steps < TOKENS, `${drafted.steps} steps`)
    })
  }
}

/** Lets the first stage know what a step takes, so that it drafts: a cycle of ids, each 5 ms. */
async function warm(
  { clock, up, down }: Bench,
  changes: Partial<OpenMessage> = {}
): Promise<ActivationMessage> {
  up.send(open(FIRST, changes))
  up.send(ids([1, 2, 3, 1, 2, 3], 0, true, 1, 1))
  await clock.pass(1)
  for (let position = 6; ; position++) {
    const last = down.received.findLast((message) => message.type === 'activation')
    if (last?.drafted === true) return last
    if (position > 30) throw new Error('nothing was drafted')
    await clock.pass(5)
    down.send(tokens([1 + (position % 3)], position))
    await clock.pass(1)
  }
}

function tokens(values: number[], position: number, epoch = 1): TokenMessage {
  const list = values.map((id) => ({ id, logitsHash: '00'.repeat(8) }))
  return { type: 'token', session: SESSION, epoch, position, finish: 'none', tokens: list }
}

test('speculation - the first stage goes on behind the last right draft', async (t) => {
  const bench = await setUp({ start: 0, end: 8 })
  const drafted = await warm(bench)
  const { position, nTokens } = drafted
  t.is(readDraft(drafted)?.[0], 1 + ((position + 1) % 3))
  const end = position + nTokens
  const right = Array.from({ length: nTokens }, (_, i) => 1 + ((position + 1 + i) % 3))
  await bench.clock.pass(5)
  bench.down.send(tokens(right, position + 1))
  await bench.clock.pass(1)
  const next = bench.down.received.at(-1) as ActivationMessage
  t.is(next.position, end, 'all were right')
  await bench.clock.pass(5)
  bench.down.send(tokens([400], next.position + 1))
  await bench.clock.pass(1)
  const after = bench.down.received.at(-1) as ActivationMessage
  t.is(after.position, next.position + 1, 'only the first was certain')
  t.alike(bench.up.take(), ['opened'])
  t.is(bench.stage.openCaches, 1)
})

test('speculation - tokens beyond the draft, or before the certain one, end the session', async (t) => {
  for (const wrong of [
    ({ position, nTokens }: ActivationMessage) => tokens(Array(nTokens + 1).fill(1), position + 1),
    ({ position }: ActivationMessage) => tokens([1], position),
    ({ position }: ActivationMessage) => tokens([1], position + 2)
  ]) {
    const bench = await setUp({ start: 0, end: 8 })
    const message = wrong(await warm(bench))
    bench.down.send(message)
    await bench.clock.pass(1)
    t.alike(bench.up.take(), ['opened', 'STAGE_POSITION_GAP'])
    t.is(bench.stage.openCaches, 0)
  }
})

test('speculation - drafts do not count among the positions that a stage has', async (t) => {
  const bench = await setUp({ start: 0, end: 8 })
  const { position } = await warm(bench)
  bench.up.take()
  bench.up.send(open(FIRST, { epoch: 2, position: position + 3 }))
  await bench.clock.pass(1)
  const [opened] = bench.up.received
  if (opened?.type !== 'opened') return t.fail('not opened')
  t.is(opened.cachedTokens, position + 1)
  t.is(opened.keptEnd, position + 1)
})

test('speculation - a cache that is kept for later prompts holds no drafts', async (t) => {
  const bench = await setUp({ start: 0, end: 8 })
  const { position } = await warm(bench, { isReusable: true })
  bench.up.send(close)
  await bench.clock.pass(1)
  bench.up.take()
  const session = 'ab'.repeat(16) as typeof SESSION
  const prefix = { session: SESSION, tokens: position + 2 }
  bench.up.send(open(FIRST, { session, prefix }))
  await bench.clock.pass(1)
  const [opened] = bench.up.received
  t.is(opened?.type === 'opened' && opened.cachedTokens, position + 1)
})

test('speculation - what an earlier session left is known to a later one', async (t) => {
  const { clock, up, down } = await setUp({ start: 0, end: 8 })
  up.send(open(FIRST, { isReusable: true }))
  const prompt = Array.from({ length: 20 }, (_, i) => 100 + i)
  up.send(ids(prompt, 0, true, 1, 1))
  await clock.pass(1)
  up.send(close)
  const session = 'ab'.repeat(16) as typeof SESSION
  const prefix = { session: SESSION, tokens: prompt.length }
  up.send(open(FIRST, { session, prefix }))
  up.send({ ...ids([102, 103], prompt.length, true, 1, 1), session })
  for (let i = 0; i < 6; i++) {
    await clock.pass(5)
    down.send({ ...tokens([104 + i], prompt.length + 2 + i), session })
    await clock.pass(1)
  }
  const drafts = down.received.flatMap((message) => {
    return message.type === 'activation' && message.drafted ? [readDraft(message)?.[0]] : []
  })
  t.is(drafts[0], 108, 'after three plain steps')
})

test('speculation - a stage in the middle drops drafts where the next frame begins', async (t) => {
  const { clock, up, down, stage } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  up.sendActivation({ nTokens: 4, sample: true })
  up.sendActivation({ position: 4, nTokens: 3, sample: true, drafted: true, company: 0 })
  await clock.pass(1)
  up.sendActivation({ position: 5, nTokens: 2, sample: true, drafted: true, company: 0 })
  up.sendActivation({ position: 7, sample: true })
  await clock.pass(1)
  t.alike(up.take(), ['opened'])
  const spans = down.received.flatMap((message) =>
    message.type === 'activation' ? [[message.position, message.nTokens, message.drafted]] : []
  )
  t.alike(spans, [
    [0, 4, false],
    [4, 3, true],
    [5, 2, true],
    [7, 1, false]
  ])
  up.sendActivation({ position: 7, sample: true })
  await clock.pass(1)
  t.alike(up.take(), ['STAGE_POSITION_GAP'], 'what is certain is not replaced')
  t.is(stage.openCaches, 0)
})

test('speculation - a draft where none is allowed ends the session', async (t) => {
  const cases = {
    'before the first token': { changes: {}, position: 0 },
    'in a session without drafts': { changes: { speculates: false }, position: 4 },
    'of an id that ends the answer': { changes: { stopIds: [0] }, position: 4 },
    'beyond the end': { changes: { positionEnd: 7 }, position: 4 }
  }
  for (const [name, { changes, position }] of Object.entries(cases)) {
    const { clock, up } = await setUp({ start: 4, end: 8 })
    up.send(open(MIDDLE, changes))
    if (position > 0) up.sendActivation({ nTokens: position, sample: true })
    up.sendActivation({ position, nTokens: 3, sample: true, drafted: true, company: 0 }, [0, 1])
    await clock.pass(1)
    t.alike(up.take(), ['opened', 'WIRE_BAD_FRAME'], name)
  }
})

test('speculation - a draft that cannot be computed is given up, its first position is not', async (t) => {
  const { clock, up, down, stage } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  up.sendActivation({ nTokens: 4, sample: true })
  await clock.pass(1)
  stage.nextError = new SwarmError('STAGE_NOT_FINITE', 'not finite')
  up.sendActivation({ position: 4, nTokens: 3, sample: true, drafted: true, company: 0 })
  await clock.pass(1)
  t.alike(up.take(), ['opened'])
  const last = down.received.at(-1) as ActivationMessage
  t.alike([last.position, last.nTokens, last.drafted], [4, 1, false])
  stage.nextError = new SwarmError('STAGE_NOT_FINITE', 'not finite')
  up.sendActivation({ position: 5, sample: true })
  await clock.pass(1)
  t.alike(up.take(), ['STAGE_NOT_FINITE'], 'one that is certain has no other way')
})

test('speculation - one stage alone drafts for itself', async (t) => {
  const { clock, up } = await setUp({ start: 0, end: 12 }, { stepMs: 5 })
  up.send(open(ALONE))
  up.send(ids([1, 2, 3]))
  await clock.pass(1000)
  const last = up.received.findLast((message) => message.type === 'token')
  t.is(last?.finish, 'length')
})
