// What is left of a store that was damaged, and what peers give back of it. In every one of these the other
// side has to see one log that only grows.

import test, { type Test } from 'brittle'

import { systemClock, type Clock } from '../../src/base/clock.ts'
import { until } from '../helpers/until.ts'
import { STORE, identity, installation, join, type Installation } from './knowledge-rig.ts'
import {
  backUp,
  cutWal,
  damageMarks,
  damageWal,
  loseCores,
  loseStore,
  walBytes
} from './store/damage.ts'

async function learnMany(own: Installation, count: number, word: string): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, at) => `${word} ${at}.`)
  for (const answer of texts) await own.knowledge.learn({ answer })
  return texts
}

const lost = (own: Installation, texts: string[]) => texts.filter((text) => !own.finds(text))

/** Two that have all of each other's logs, and are apart. */
async function twins(t: Test, count = 40) {
  const [a, b] = [await installation(t), await installation(t, { identity: identity(2) })]
  const ab = await join(t, a, b)
  const texts = await learnMany(a, count, 'old')
  await until(() => lost(b, texts).length === 0 && b.index.basins.size === count)
  await ab.cut()
  return { a, b, texts }
}

/** The same clock at another time of day. */
function later(ms: number): Clock {
  return { ...systemClock, wallMs: () => systemClock.wallMs() + ms }
}

/** Timers of the clock do not keep a process alive, and here there is nothing else. */
async function awaited<T>(work: Promise<T>): Promise<T> {
  let isDone = false
  work.then(
    () => (isDone = true),
    () => (isDone = true)
  )
  await until(() => isDone)
  return work
}

/** No peer ever saw two versions of a log. */
function isWhole(t: Test, ...installations: Installation[]): void {
  const kinds = installations.flatMap((one) => one.kinds)
  t.alike(
    kinds.filter((kind) => kind === 'refused' || kind === 'fault'),
    []
  )
}

test(
  'durability - a damaged write-ahead log is noticed, and its tail comes back before the first append',
  STORE,
  async (t) => {
    const { a, b, texts } = await twins(t)
    await a.close()
    damageWal(a.dataDir, 0.6)
    await a.open()
    t.alike(a.kinds, ['restoring'])
    t.ok(lost(a, texts).length > 5, 'RocksDB said nothing of what it lost')
    t.ok(/fetched back/.test(a.knowledge.status().trouble ?? ''))
    const learning = a.knowledge.learn({ answer: 'new' })
    await join(t, a, b)
    await learning
    t.alike(a.kinds, ['restoring', 'restored'])
    t.is(a.knowledge.status().trouble, null)
    await until(() => b.finds('new') && lost(a, texts).length === 0)
    await learnMany(a, 10, 'more')
    await until(() => b.index.basins.size === texts.length + 11)
    t.is(
      a.knowledge.replication.cards().filter(({ author }) => author === a.id).length,
      1,
      'one log'
    )
    isWhole(t, a, b)
  }
)

test(
  'durability - an append that a power cut took out of RocksDB is repeated as peers have it',
  STORE,
  async (t) => {
    const { a, b, texts } = await twins(t)
    const ab = await join(t, a, b)
    await until(() => a.knowledge.status().authors.every(({ isComplete }) => isComplete))
    const before = walBytes(a.dataDir)
    await a.knowledge.learn({ answer: 'the last one' })
    await until(() => b.finds('the last one') && b.index.basins.size === texts.length + 1)
    await ab.cut()
    await a.close()
    t.ok(walBytes(a.dataDir) > before)
    cutWal(a.dataDir, before)
    await a.open()
    t.alike(lost(a, [...texts, 'the last one']), [], 'without a peer')
    t.alike(a.kinds, [])
    await a.knowledge.learn({ answer: 'and one more' })
    await join(t, a, b)
    await until(() => b.finds('and one more') && b.index.basins.size === texts.length + 2)
    isWhole(t, a, b)
  }
)

test(
  'durability - without peers a new log is begun, and what they have comes back later',
  STORE,
  async (t) => {
    const { a, b, texts } = await twins(t)
    await a.close()
    damageWal(a.dataDir, 0.6)
    await a.open({ restoreMs: 50 })
    const gone = lost(a, texts)
    t.ok(gone.length > 5)
    const { id } = await awaited(a.knowledge.learn({ answer: 'new' }))
    t.alike(a.kinds, ['restoring', 'new-logs'])
    await join(t, a, b)
    await until(() => b.finds('new') && lost(a, texts).length === 0)
    await until(() => b.index.basins.has(id))
    const cards = b.knowledge.replication.cards().filter(({ author }) => author === a.id)
    t.is(cards.length, 2)
    t.is(lost(b, texts).length, 0)
    isWhole(t, a, b)
  }
)

test(
  'durability - an entry of a log that was left is forgotten by a tombstone in the new one',
  STORE,
  async (t) => {
    const { a, b } = await twins(t)
    await a.close()
    damageWal(a.dataDir, 0.6)
    await a.open({ restoreMs: 0 })
    const kept = a.knowledge.query({ text: 'old 0.' })[0]
    await a.knowledge.forget(kept?.id ?? '')
    t.ok(a.kinds.includes('new-logs'))
    await join(t, a, b)
    await until(() => !b.finds('old 0.'))
    t.is(a.finds('old 0.'), false)
    await b.close()
    await b.open()
    t.is(b.finds('old 0.'), false, 'in whichever order the logs are read')
    t.ok(b.finds('old 1.'))
  }
)

for (const [what, lose] of [
  ['logs that were lost', loseCores],
  ['a store that was lost', loseStore]
] as const) {
  test(`durability - peers give back what they have of ${what}`, STORE, async (t) => {
    const { a, b, texts } = await twins(t)
    await a.close()
    lose(a.dataDir)
    await a.open({ clock: later(10_000) })
    t.is(lost(a, texts).length, texts.length)
    await a.knowledge.learn({ answer: 'new' })
    await join(t, a, b)
    await until(() => lost(a, texts).length === 0 && b.finds('new'))
    await a.knowledge.learn({ answer: 'newer' })
    await until(() => b.finds('newer'))
    await a.close()
    await a.open()
    t.alike(lost(a, [...texts, 'new', 'newer']), [])
    isWhole(t, a, b)
  })
}

test(
  'durability - logs made anew under the number of lost ones do not take their place',
  STORE,
  async (t) => {
    const { a, b, texts } = await twins(t)
    const clock = later(0)
    await a.close()
    loseStore(a.dataDir)
    const epoch = b.knowledge.replication.cards().find(({ author }) => author === a.id)?.epoch ?? 0
    await a.open({ clock: { ...clock, wallMs: () => epoch * 1000 } })
    await a.knowledge.learn({ answer: 'under the same number' })
    await join(t, a, b)
    await until(() => a.kinds.includes('new-logs'))
    await a.knowledge.learn({ answer: 'new' })
    await until(() => b.finds('new'))
    t.is(lost(b, texts).length, 0)
    t.ok(a.events.some(({ text }) => /signed two different logs/.test(text)))
  }
)

test('durability - a log without a mark that can be read is written no more', STORE, async (t) => {
  const { a, b, texts } = await twins(t)
  await a.close()
  damageMarks(a.dataDir)
  await a.open()
  t.alike(lost(a, texts), [], 'it is read all the same')
  await a.knowledge.learn({ answer: 'new' })
  t.alike(a.kinds, ['new-logs'])
  await join(t, a, b)
  await until(() => b.finds('new'))
  isWhole(t, a, b)
})

test('durability - a store put back from a backup waits for what peers have', STORE, async (t) => {
  const { a, b, texts } = await twins(t)
  await a.close()
  const putBack = backUp(a.dataDir, await t.tmp())
  await a.open()
  const ab = await join(t, a, b)
  const later = await learnMany(a, 10, 'later')
  await until(() => lost(b, later).length === 0)
  await ab.cut()
  await a.close()
  putBack()
  await a.open()
  t.is(lost(a, later).length, 10, 'it is consistent, and ten entries short')
  t.alike(lost(a, texts), [])
  await join(t, a, b)
  // The first word of the peer has to be here, or nobody could know.
  await until(() => lost(a, later).length === 0)
  await a.knowledge.learn({ answer: 'new' })
  await until(() => b.finds('new'))
  isWhole(t, a, b)
})

test('durability - a copied store is refused, with what to do', STORE, async (t) => {
  const a = await installation(t)
  await a.knowledge.learn({ answer: 'here' })
  await a.close()
  const elsewhere = await t.tmp()
  const { cpSync } = await import('node:fs')
  cpSync(a.dataDir, elsewhere, { recursive: true })
  await t.exception(installation(t, { dataDir: elsewhere }), /was copied/)
  await a.open()
  t.ok(a.finds('here'), 'the first one is as it was')
})

test('durability - a store that is open is not opened twice', STORE, async (t) => {
  const a = await installation(t)
  await t.exception(installation(t, { dataDir: a.dataDir }), /in use by another process/)
  t.ok((await a.knowledge.learn({ answer: 'still here' })).id)
})
