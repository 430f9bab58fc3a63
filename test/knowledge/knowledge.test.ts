import test from 'brittle'

import {
  FACT_ANSWER_BYTES_MAX,
  FACT_QUESTION_BYTES_MAX,
  FACT_SOURCE_BYTES_MAX
} from '../../src/base/limits.ts'
import { SwarmError } from '../../src/base/errors.ts'
import { until } from '../helpers/until.ts'
import { STORE, identity, installation, join, wordEmbedder } from './knowledge-rig.ts'

async function refusal(work: Promise<unknown>): Promise<SwarmError> {
  return work.then(
    () => new SwarmError('USAGE_MISSING', 'nothing was thrown'),
    (error: SwarmError) => error
  )
}

test('knowledge - what is learnt is found at once, and again after a restart', STORE, async (t) => {
  const a = await installation(t)
  const learnt = await a.knowledge.learn({ answer: 'the attic key is blue', source: 'note' })
  t.alike([learnt.scope, learnt.isKnown, learnt.id.length], ['swarm', false, 32])
  const [hit] = a.knowledge.query({ text: 'attic' })
  t.alike(
    [hit?.id, hit?.author, hit?.answer, hit?.scope],
    [learnt.id, a.id, 'the attic key is blue', 'swarm']
  )
  await a.close()
  await a.open()
  t.is(a.knowledge.query({ text: 'attic' })[0]?.id, learnt.id)
  t.is(a.index.basins.get(learnt.id)?.spaceId, wordEmbedder.spaceId)
})

test('knowledge - the same words are one entry, other words another', STORE, async (t) => {
  const a = await installation(t)
  const first = await a.knowledge.learn({ answer: 'tea', question: 'what to drink' })
  const again = await a.knowledge.learn({ answer: 'tea', question: 'what to drink' })
  const other = await a.knowledge.learn({ answer: 'tea' })
  t.is(again.id, first.id)
  t.is(again.isKnown, true)
  t.not(other.id, first.id)
  t.is(a.knowledge.status().own, 2)
})

test('knowledge - many entries learnt at once are all durable and found', STORE, async (t) => {
  const a = await installation(t)
  const texts = Array.from({ length: 300 }, (_, at) => `entry number ${at}.`)
  const learnt = await Promise.all(texts.map((answer) => a.knowledge.learn({ answer })))
  t.is(new Set(learnt.map(({ id }) => id)).size, 300)
  await a.close()
  await a.open()
  t.is(texts.filter((text) => !a.finds(text)).length, 0)
  t.is(a.index.basins.size, 300)
})

test(
  'knowledge - a forgotten entry stays forgotten, until it is learnt again',
  STORE,
  async (t) => {
    const a = await installation(t)
    const { id } = await a.knowledge.learn({ answer: 'a mistake' })
    t.alike(await a.knowledge.forget(id), { id, isOwn: true })
    t.is(a.finds('mistake'), false)
    await a.close()
    await a.open()
    t.is(a.finds('mistake'), false)
    t.is((await refusal(a.knowledge.forget(id))).code, 'USAGE_BAD_VALUE')
    const again = await a.knowledge.learn({ answer: 'a mistake' })
    t.alike(again, { id, scope: 'swarm', isKnown: false })
    t.ok(a.finds('mistake'))
    t.ok(a.index.basins.has(id), 'with the vector that was there before')
    await a.close()
    await a.open()
    t.ok(a.finds('mistake'))
    t.ok(a.index.basins.has(id))
  }
)

test('knowledge - what is local is found here, and reaches nobody', STORE, async (t) => {
  const [a, b] = [await installation(t), await installation(t, { identity: identity(2) })]
  await a.knowledge.learn({ answer: 'my own secret', scope: 'local' })
  await join(t, a, b)
  await a.knowledge.learn({ answer: 'for everybody' })
  await until(() => b.finds('for everybody'))
  t.is(a.knowledge.query({ text: 'secret' })[0]?.scope, 'local')
  t.is(b.finds('secret'), false)
  t.is(b.knowledge.status().authors.find(({ author }) => author === a.id)?.entries, 1)
})

test('knowledge - what was learnt in both scopes is forgotten in both', STORE, async (t) => {
  const a = await installation(t)
  const { id } = await a.knowledge.learn({ answer: 'twice', scope: 'local' })
  t.is(a.knowledge.query({ text: 'twice' })[0]?.scope, 'local')
  t.is((await a.knowledge.learn({ answer: 'twice' })).isKnown, false)
  t.is(a.knowledge.query({ text: 'twice' })[0]?.scope, 'swarm')
  await a.knowledge.forget(id)
  t.is(a.finds('twice'), false)
})

test(
  'knowledge - without a topic everything is local, and the last topic is remembered',
  STORE,
  async (t) => {
    const a = await installation(t, { topic: null })
    const { scope } = await a.knowledge.learn({ answer: 'before any topic' })
    t.is(scope, 'local')
    await a.close()
    await a.open({ topic: new Uint8Array(32).fill(9) })
    t.is((await a.knowledge.learn({ answer: 'in the topic' })).scope, 'swarm')
    t.ok(a.finds('before any topic'))
    await a.close()
    await a.open({ topic: null })
    t.ok(a.finds('in the topic'))
    t.is((await a.knowledge.learn({ answer: 'from the command line' })).scope, 'swarm')
  }
)

test('knowledge - an entry of one topic is not in another', STORE, async (t) => {
  const a = await installation(t)
  await a.knowledge.learn({ answer: 'said in seven' })
  await a.close()
  await a.open({ topic: new Uint8Array(32).fill(8) })
  t.is(a.finds('said in seven'), false)
})

test(
  'knowledge - texts beyond their bounds are refused by name, at the bound they are kept',
  STORE,
  async (t) => {
    const a = await installation(t)
    const bounds = {
      answer: FACT_ANSWER_BYTES_MAX,
      question: FACT_QUESTION_BYTES_MAX,
      source: FACT_SOURCE_BYTES_MAX
    }
    for (const [param, most] of Object.entries(bounds)) {
      const fits = { answer: 'x', [param]: 'y'.repeat(most) }
      t.is((await a.knowledge.learn(fits)).isKnown, false, param)
      const long = await refusal(a.knowledge.learn({ answer: 'x', [param]: 'y'.repeat(most + 1) }))
      t.alike([long.code, long.param], ['USAGE_TOO_LARGE', param])
    }
    t.is((await refusal(a.knowledge.learn({ answer: ' \n' }))).code, 'USAGE_MISSING')
    const half = await a.knowledge.learn({ answer: 'half a pair \ud800.' })
    t.is(a.knowledge.query({ text: 'half a pair' })[0]?.id, half.id)
  }
)

test('knowledge - another embedder adds its vector to an entry that is known', STORE, async (t) => {
  const a = await installation(t)
  const { id } = await a.knowledge.learn({ answer: 'one text' })
  await a.close()
  await a.open({ embedder: { ...wordEmbedder, spaceId: '00000000000000bb' } })
  t.is((await a.knowledge.learn({ answer: 'one text' })).isKnown, false)
  t.is(a.index.basins.get(id)?.spaceId, '00000000000000bb')
  t.is((await a.knowledge.learn({ answer: 'one text' })).isKnown, true)
})
