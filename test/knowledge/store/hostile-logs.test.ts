// Logs that their author writes against the rules, byte by byte, and what becomes of them in a store that
// follows them. The author here has a real identity and signs real cards; only its logs are its own.

import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import Hypercore from 'hypercore'
import test, { type Test } from 'brittle'

import {
  FACT_BLOCK_BYTES_MAX,
  LOG_AUTHORS_INTRODUCED_MAX,
  LOG_BLOCKS_BURST,
  LOG_BLOCKS_MAX,
  LOG_BYTES_MAX,
  LOG_CARDS_BURST,
  LOG_FAULTS_MAX
} from '../../../src/base/limits.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { toHex } from '../../../src/base/text.ts'
import { LinkMux } from '../../../src/peer/link/mux.ts'
import { encodeBasin } from '../../../src/wire/basin.ts'
import { encodeFactValue } from '../../../src/wire/fact.ts'
import { logStatement, type LogCard } from '../../../src/wire/log-card.ts'
import { entryId } from '../../../src/knowledge/store/entry-id.ts'
import { identityOf } from '../../../src/peer/identity.ts'
import { until } from '../../helpers/until.ts'
import { memoryPair } from '../../peer/memory-pair.ts'
import {
  Installation,
  STORE,
  TOPIC,
  identity,
  installation,
  signerOf,
  wordEmbedder
} from '../knowledge-rig.ts'

import type { GetOptions } from 'corestore'

/** An author whose logs are written by the test, linked to an installation. */
class Villain {
  readonly identity = identity(66)
  readonly basins: Hypercore
  readonly facts: Hypercore
  readonly bee: Hyperbee

  private constructor(basins: Hypercore, facts: Hypercore) {
    this.basins = basins
    this.facts = facts
    this.bee = new Hyperbee(facts, { extension: false })
  }

  /** @param seed of the keys of its logs; the same seed, the same logs. */
  static async open(t: Test, seed: number | null = null): Promise<Villain> {
    const store = new Corestore(await t.tmp())
    t.teardown(() => store.close(), { order: 1 })
    const open = async (name: 'basins' | 'facts') => {
      const { keyPair } = identityOf(new Uint8Array(32).fill((seed ?? 0) + name.length))
      const which = seed === null ? { name } : { keyPair }
      const core = store.get({ ...which, allowFork: false } as GetOptions)
      await core.ready()
      return core
    }
    const villain = new Villain(await open('basins'), await open('facts'))
    await villain.bee.ready()
    return villain
  }

  card(epoch = 1): LogCard {
    const [basins, facts] = [toHex(this.basins.key), toHex(this.facts.key)]
    const pair = { author: this.identity.id, epoch, basins, facts }
    return { ...pair, signature: signerOf(this.identity).sign(logStatement(TOPIC, pair)) }
  }

  async join(t: Test, own: Installation): Promise<void> {
    const [near, far] = await memoryPair(this.identity, own.identity)
    const mux = new LinkMux(near, systemClock, () => {})
    own.knowledge.replication.attach(this.identity.id, new LinkMux(far, systemClock, () => {}))
    for (const core of [this.basins, this.facts]) core.replicate(mux)
    own.knowledge.replication.onCards(this.identity.id, [this.card()])
    t.teardown(() => near.destroy(), { order: 0 })
  }

  /** An honest entry. */
  async say(answer: string): Promise<string> {
    const texts = { kind: 'text' as const, question: '', answer, source: '' }
    const id = entryId(this.identity.id, texts)
    await this.put(Buffer.from(id, 'hex'), encodeFactValue({ type: 'fact', ...texts, wallMs: 1 }))
    const vector = wordEmbedder.embed(answer)
    const { spaceId } = wordEmbedder
    await this.basins.append([encodeBasin({ id, spaceId, wallMs: 1, vector })])
    return id
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    const batch = this.bee.batch()
    await batch.put(Buffer.from(key), Buffer.from(value))
    await this.facts.append(batch.toBlocks())
    await batch.close()
  }
}

const told = (own: Installation, kind: string) => own.events.filter((event) => event.kind === kind)

test(
  'hostile logs - malformed entries are skipped and their author named, once per log',
  STORE,
  async (t) => {
    const [villain, own] = [await Villain.open(t), await installation(t)]
    await villain.say('good before')
    await villain.put(new Uint8Array(16).fill(1), new Uint8Array([9, 9, 9]))
    await villain.put(new Uint8Array(5), encodeFactValue({ type: 'tombstone', wallMs: 1 }))
    const stolen = encodeFactValue({
      type: 'fact',
      kind: 'text',
      question: '',
      answer: 'x',
      source: '',
      wallMs: 1
    })
    await villain.put(new Uint8Array(16).fill(2), stolen)
    await villain.facts.append([new Uint8Array([1, 2, 3])])
    const zeros = new Uint8Array(1056)
    await villain.basins.append([zeros, new Uint8Array(10), new Uint8Array(0), zeros.fill(0xff)])
    await villain.basins.append([
      encodeBasin({
        id: 'ab'.repeat(16),
        spaceId: wordEmbedder.spaceId,
        wallMs: 1,
        vector: wordEmbedder.embed('x')
      })
    ])
    await villain.join(t, own)
    await until(() => own.finds('good before') && told(own, 'fault').length > 0)
    await until(
      () =>
        own.knowledge.status().authors.find(({ author }) => author === villain.identity.id)
          ?.isComplete === true
    )
    t.is(own.index.size, 1)
    t.is(own.index.basins.size, 1)
    t.alike([...new Set(told(own, 'fault').map(({ author }) => author))], [villain.identity.id])
    t.is(told(own, 'refused').length, 0)
  }
)

test('hostile logs - what follows a malformed entry is read', STORE, async (t) => {
  const [villain, own] = [await Villain.open(t), await installation(t)]
  await villain.join(t, own)
  await villain.say('one')
  await villain.put(new Uint8Array(16), new Uint8Array([200]))
  await villain.basins.append([new Uint8Array(3)])
  await villain.say('two')
  await until(() => own.finds('one') && own.finds('two') && own.index.basins.size === 2)
  t.is(told(own, 'fault').length, 1)
})

test('hostile logs - an author of nothing but malformed entries is given up', STORE, async (t) => {
  const [villain, own] = [await Villain.open(t), await installation(t)]
  await villain.join(t, own)
  await until(() => own.knowledge.status().authors.length === 2)
  await villain.basins.append(Array.from({ length: LOG_FAULTS_MAX }, () => new Uint8Array(7)))
  await until(() => told(own, 'refused').length > 0)
  t.is(told(own, 'refused')[0]?.author, villain.identity.id)
  t.ok(/malformed/.test(told(own, 'refused')[0]?.text ?? ''))
  const bytes = () =>
    own.knowledge.status().authors.find(({ author }) => author === villain.identity.id)?.bytes
  const before = bytes()
  await villain.basins.append([new Uint8Array(1056)])
  await villain.say('his other log is still followed')
  await until(() => own.finds('his other log'))
  t.is((bytes() ?? 0) - (before ?? 0) < 1056, true, 'nothing of the refused one')
})

test(
  'hostile logs - more bytes than its entries can have are never asked for',
  STORE,
  async (t) => {
    const [villain, own] = [await Villain.open(t), await installation(t)]
    await villain.basins.append([new Uint8Array(5 * 2 ** 20)])
    await villain.put(new Uint8Array(16), new Uint8Array(2 * FACT_BLOCK_BYTES_MAX))
    await villain.join(t, own)
    await until(() => told(own, 'refused').length === 1)
    t.ok(/have \d+ bytes/.test(told(own, 'refused')[0]?.text ?? ''), told(own, 'refused')[0]?.text)
    t.is(own.index.size, 0)
  }
)

test(
  'hostile logs - a log beyond its bound of entries is not fetched',
  { timeout: 120_000 },
  async (t) => {
    const [villain, own] = [await Villain.open(t), await installation(t)]
    const empty = new Uint8Array(0)
    for (let left = LOG_BLOCKS_MAX + 1; left > 0; left -= 16_384) {
      await villain.basins.append(Array.from({ length: Math.min(left, 16_384) }, () => empty))
    }
    await villain.join(t, own)
    await until(() => told(own, 'refused').length === 1)
    t.ok(/more than 131072 entries/.test(told(own, 'refused')[0]?.text ?? ''))
  }
)

test(
  'hostile logs - a log beyond its bound of bytes is not fetched',
  { timeout: 120_000 },
  async (t) => {
    const [villain, own] = [await Villain.open(t), await installation(t)]
    // Every entry is as large as one may be.
    const block = new Uint8Array(FACT_BLOCK_BYTES_MAX)
    for (let left = LOG_BYTES_MAX; left >= 0; left -= 256 * FACT_BLOCK_BYTES_MAX) {
      await villain.facts.append(Array.from({ length: 256 }, () => block))
    }
    await villain.join(t, own)
    await until(() => told(own, 'refused').length === 1)
    t.ok(/more than 268435456 bytes/.test(told(own, 'refused')[0]?.text ?? ''))
  }
)

test(
  'hostile logs - a flood is fetched at a pace, and its author named',
  { timeout: 120_000 },
  async (t) => {
    const [villain, own] = [await Villain.open(t), await installation(t)]
    await villain.join(t, own)
    await villain.say('before the flood')
    await until(() => own.finds('before the flood'))
    const { id } = { id: 'cd'.repeat(16) }
    const record = encodeBasin({
      id,
      spaceId: wordEmbedder.spaceId,
      wallMs: 1,
      vector: wordEmbedder.embed('f')
    })
    // At once: a machine that takes half a minute for it would let it pass as slow growth.
    await villain.basins.append(Array.from({ length: 2 * LOG_BLOCKS_BURST }, () => record))
    await until(() => told(own, 'flood').length > 0)
    t.is(told(own, 'flood')[0]?.author, villain.identity.id)
    t.ok(/grows faster/.test(told(own, 'flood')[0]?.text ?? ''))
    t.is(own.index.size, 1)
    t.ok((await own.knowledge.learn({ answer: 'we go on' })).id)
    t.ok(own.finds('we go on'))
  }
)

test(
  'hostile logs - a log that was long before it was met is a backlog and no flood',
  STORE,
  async (t) => {
    const [villain, own] = [await Villain.open(t), await installation(t)]
    const empty = new Uint8Array(0)
    await villain.basins.append(Array.from({ length: LOG_BLOCKS_BURST }, () => empty))
    await villain.basins.append(Array.from({ length: LOG_BLOCKS_BURST }, () => empty))
    await villain.join(t, own)
    await until(() => told(own, 'refused').length > 0)
    t.alike(told(own, 'flood'), [])
  }
)

test(
  'hostile logs - cards that are not signed by their author name who sent them',
  STORE,
  async (t) => {
    const [villain, own] = [await Villain.open(t), await installation(t)]
    const card = villain.card()
    const { replication } = own.knowledge
    replication.onCards(identity(5).id, [{ ...card, author: identity(6).id }])
    replication.onCards(identity(7).id, [{ ...card, epoch: 2 }])
    t.alike(
      told(own, 'fault').map(({ author }) => author),
      [identity(5).id, identity(7).id]
    )
    t.is(replication.cards().length, 0)
  }
)

test('hostile logs - a flood of cards costs so many signatures and is named', STORE, async (t) => {
  const own = await installation(t)
  let checked = 0
  const sender = identity(5)
  const cards = Array.from({ length: 3 * LOG_CARDS_BURST }, (_, epoch): LogCard => {
    const keys = { basins: 'ba'.repeat(32), facts: 'fa'.repeat(32) }
    return { author: sender.id, epoch, ...keys, signature: new Uint8Array(64) }
  })
  own.knowledge.replication.onCards(sender.id, cards)
  for (const { kind } of own.events) if (kind === 'fault') checked++
  t.is(checked, 1, 'named once')
  t.is(told(own, 'flood')[0]?.author, sender.id)
})

test(
  'hostile logs - authors that a peer makes up are bounded, and it is named',
  STORE,
  async (t) => {
    const own = await installation(t)
    const sender = identity(5)
    const cards = Array.from({ length: 60 }, (_, at): LogCard => {
      const made = identity(100 + at)
      const pair = {
        author: made.id,
        epoch: 1,
        basins: toHex(new Uint8Array(32).fill(at + 1)),
        facts: toHex(new Uint8Array(32).fill(at + 100))
      }
      return { ...pair, signature: signerOf(made).sign(logStatement(TOPIC, pair)) }
    })
    own.knowledge.replication.onCards(sender.id, cards)
    t.is(own.knowledge.replication.cards().length, LOG_AUTHORS_INTRODUCED_MAX)
    t.is(told(own, 'refused')[0]?.author, sender.id)
    await own.knowledge.settled()
    const honest = identity(250)
    const pair = { author: honest.id, epoch: 1, basins: 'e1'.repeat(32), facts: 'e2'.repeat(32) }
    const signature = signerOf(honest).sign(logStatement(TOPIC, pair))
    own.knowledge.replication.onCards(honest.id, [{ ...pair, signature }])
    t.ok(own.knowledge.replication.cards().some(({ author }) => author === honest.id))
  }
)

test(
  'hostile logs - an author that signs two versions of its log is named, the first is kept',
  STORE,
  async (t) => {
    const [one, other] = [await Villain.open(t, 1), await Villain.open(t, 1)]
    const own = await installation(t)
    t.is(toHex(one.basins.key), toHex(other.basins.key))
    await one.say('first version')
    for (const text of ['second version', 'and more of it']) await other.say(text)
    await one.join(t, own)
    await until(() => own.finds('first version') && own.index.basins.size === 1)
    await other.join(t, own)
    const named = () => [...told(own, 'refused'), ...told(own, 'fault')]
    await until(() => named().length > 0)
    t.is(named()[0]?.author, one.identity.id)
    t.ok(own.finds('first version'), 'what was read stays')
    t.absent(own.finds('and more'))
    t.ok((await own.knowledge.learn({ answer: 'ours' })).id)
  }
)
