import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { until } from '../helpers/until.ts'
import {
  STORE,
  identity,
  installation,
  join,
  type Installation,
  type Joint
} from './knowledge-rig.ts'

/** A log rests 10 s after the last news of it. */
const RESTED_MS = 11_000

/** On one side of a link. */
function channels({ streams }: Joint): number {
  const { _local: all } = streams[0].userData as { _local: unknown[] }
  return all.filter((channel) => channel !== null).length
}

test(
  'replication - what one learns the other finds, and what it forgets is gone there too',
  STORE,
  async (t) => {
    const [a, b] = [await installation(t), await installation(t, { identity: identity(2) })]
    const before = await a.knowledge.learn({ answer: 'before the link' })
    await join(t, a, b)
    await until(() => b.finds('before the link'))
    const after = await a.knowledge.learn({ answer: 'after the link' })
    await until(() => b.finds('after the link') && b.index.basins.has(after.id))
    t.alike(b.knowledge.query({ text: 'after' })[0]?.author, a.id)
    t.alike(
      [...(b.index.basins.get(before.id)?.vector ?? [])],
      [...(a.index.basins.get(before.id)?.vector ?? [])]
    )
    await a.knowledge.forget(before.id)
    await until(() => !b.finds('before the link'))
    t.absent(b.index.basins.has(before.id))
    t.ok(b.finds('after the link'))
  }
)

test('replication - a third peer has the logs of an author that it never met', STORE, async (t) => {
  const a = await installation(t)
  const b = await installation(t, { identity: identity(2) })
  const c = await installation(t, { identity: identity(3) })
  await a.knowledge.learn({ answer: 'said by a' })
  const ab = await join(t, a, b)
  await until(
    () => b.finds('said by a') && b.knowledge.status().authors.every((one) => one.isComplete)
  )
  await ab.cut()
  await a.close()
  await join(t, b, c)
  await until(() => c.finds('said by a'))
  t.is(c.knowledge.query({ text: 'said by a' })[0]?.author, a.id)
})

test('replication - cards are passed on along a line while all are there', STORE, async (t) => {
  const a = await installation(t)
  const b = await installation(t, { identity: identity(2) })
  const c = await installation(t, { identity: identity(3) })
  await join(t, b, c)
  await join(t, a, b)
  await a.knowledge.learn({ answer: 'two hops away' })
  await until(() => c.finds('two hops away'))
  await c.knowledge.learn({ answer: 'and back' })
  await until(() => a.finds('and back'))
  t.is(a.knowledge.query({ text: 'and back' })[0]?.author, c.id)
})

test('replication - a log that nobody writes rests until there is news of it', STORE, async (t) => {
  const a = await installation(t)
  const b = await installation(t, { identity: identity(2) })
  const c = await installation(t, { identity: identity(3) })
  const isComplete = (one: Installation) =>
    one.knowledge.status().authors.every((author) => author.isComplete)
  for (const one of [a, b]) await one.knowledge.learn({ answer: 'said by a living author' })
  let bc = await join(t, b, c)
  let ab = await join(t, a, b)
  await c.knowledge.learn({ answer: 'said by c' })
  await until(() => a.finds('said by c') && isComplete(a) && isComplete(b))
  await bc.cut()
  await until(() => channels(ab) === 4)
  t.pass('the logs that a and b write')

  bc = await join(t, b, c)
  await c.knowledge.learn({ answer: 'said over b' })
  await until(() => a.finds('said over b') && isComplete(a))
  t.pass('the author wakes those who do not know it')

  await until(() => channels(ab) === 4)
  await ab.cut()
  await c.knowledge.learn({ answer: 'said to b alone' })
  await until(() => b.finds('said to b alone') && isComplete(b))
  await bc.cut()
  await new Promise((resolve) => setTimeout(resolve, RESTED_MS))
  ab = await join(t, a, b)
  await until(() => a.finds('said to b alone'))
  t.pass('both rest, and a new link wakes them')
})

test(
  'replication - who has nothing to say has no logs that others would follow',
  STORE,
  async (t) => {
    const [a, b] = [await installation(t), await installation(t, { identity: identity(2) })]
    await join(t, a, b)
    await a.knowledge.learn({ answer: 'said by a' })
    await until(() => b.finds('said by a'))
    const authors = ({ knowledge }: Installation) => {
      return knowledge.replication.cards().map(({ author }) => author)
    }
    t.alike(authors(a), [a.id])
    t.alike(authors(b), [a.id])
    t.is(b.knowledge.replication.ownCard(), null)
    await b.knowledge.learn({ answer: 'said by b' })
    await until(() => a.finds('said by b'))
    t.alike(authors(a), [a.id, b.id])
    await b.close()
    await b.open()
    t.is(b.knowledge.replication.ownCard()?.author, b.id, 'from the first entry on')
  }
)

test('replication - authors are remembered, and followed after a restart', STORE, async (t) => {
  const [a, b] = [await installation(t), await installation(t, { identity: identity(2) })]
  const ab = await join(t, a, b)
  await a.knowledge.learn({ answer: 'said once' })
  await until(() => b.finds('said once'))
  await ab.cut()
  await b.close()
  await b.open()
  t.ok(b.finds('said once'), 'without anybody there')
  await a.knowledge.learn({ answer: 'said later' })
  await join(t, a, b)
  await until(() => b.finds('said later'))
})

test('replication - hiding an entry of another is for this machine alone', STORE, async (t) => {
  const [a, b] = [await installation(t), await installation(t, { identity: identity(2) })]
  const { id } = await a.knowledge.learn({ answer: 'nonsense' })
  await join(t, a, b)
  await until(() => b.finds('nonsense'))
  t.alike(await b.knowledge.forget(id), { id, isOwn: false })
  t.is(b.finds('nonsense'), false)
  t.ok(a.finds('nonsense'))
  await t.exception(b.knowledge.forget(id), /no entry/)
  await b.close()
  await b.open()
  t.is(b.finds('nonsense'), false, 'after a restart as well')
})

test('replication - a peer that is in another topic gets nothing', STORE, async (t) => {
  const a = await installation(t)
  const b = await installation(t, { identity: identity(2), topic: new Uint8Array(32).fill(8) })
  await a.knowledge.learn({ answer: 'said in seven' })
  await join(t, a, b)
  await until(() => b.kinds.includes('fault'))
  t.ok(/did not sign/.test(b.events[0]?.text ?? ''))
  t.alike(b.knowledge.replication.cards(), [])
})

test(
  'replication - both sides learn much at once, and both end with all of it',
  STORE,
  async (t) => {
    const [a, b] = [await installation(t), await installation(t, { identity: identity(2) })]
    await join(t, a, b)
    const texts = Array.from({ length: 200 }, (_, at) => at)
    await Promise.all(
      texts.flatMap((at) => [
        a.knowledge.learn({ answer: `a says ${at}.` }),
        b.knowledge.learn({ answer: `b says ${at}.` })
      ])
    )
    await until(() => a.index.basins.size === 400 && b.index.basins.size === 400)
    t.alike([...a.index.facts.keys()].toSorted(), [...b.index.facts.keys()].toSorted())
    t.alike(a.events, [])
    t.alike(b.events, [])
    t.ok(a.knowledge.status().authors.every(({ isComplete }) => isComplete))
  }
)

test('replication - closing in the middle of it all is quiet', STORE, async (t) => {
  const [a, b] = [await installation(t), await installation(t, { identity: identity(2) })]
  const ab = await join(t, a, b)
  const learning = Array.from({ length: 100 }, (_, at) =>
    a.knowledge.learn({ answer: `said ${at}.` })
  )
  await until(() => b.finds('said'))
  await Promise.all([a.close(), b.close()])
  const ends = await Promise.allSettled(learning)
  const wrong = ends.filter(
    (end) => end.status === 'rejected' && !(end.reason instanceof SwarmError)
  )
  t.alike(wrong, [])
  await ab.cut()
  await a.open()
  const kept = ends.filter((end, at) => end.status === 'fulfilled' && !a.finds(`said ${at}.`))
  t.is(kept.length, 0, 'nothing that was acknowledged is lost')
  t.alike([...a.kinds, ...b.kinds], [])
})
