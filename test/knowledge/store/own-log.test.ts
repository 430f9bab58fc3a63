import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { CLAIM_MS } from '../../../src/base/limits.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { MarkFile, type Mark } from '../../../src/knowledge/store/mark-file.ts'
import { OwnLog } from '../../../src/knowledge/store/own-log.ts'
import { Shelf } from '../../../src/knowledge/store/shelf.ts'
import { LinkMux } from '../../../src/peer/link/mux.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { until } from '../../helpers/until.ts'
import { memoryPair } from '../../peer/memory-pair.ts'
import { STORE, identity } from '../knowledge-rig.ts'

const block = (text: string) => new Uint8Array(Buffer.from(text))

/** One log in a folder of the test, opened and closed at will. */
class Bench {
  readonly folder: string
  readonly clock = new FakeClock()
  #shelf: Shelf | null = null
  #log: OwnLog | null = null

  constructor(folder: string) {
    this.folder = folder
  }

  get mark(): string {
    return join(this.folder, 'mark')
  }

  get log(): OwnLog {
    return this.#log as OwnLog
  }

  async open(): Promise<OwnLog> {
    this.#shelf = await Shelf.open(join(this.folder, 'cores'))
    this.#log = await OwnLog.open(this.#shelf, 'log', this.mark, this.clock)
    return this.#log
  }

  async close(): Promise<void> {
    await this.#log?.close()
    await this.#shelf?.close()
    this.#log = null
    this.#shelf = null
  }

  /** What the log says from its first block on. */
  async texts(): Promise<string[]> {
    const { core } = this.log
    const blocks = Array.from({ length: core.length }, (_, at) => core.get(at, { wait: false }))
    return (await Promise.all(blocks)).map((one) => Buffer.from(one ?? []).toString())
  }
}

async function bench(t: Test, ...texts: string[]): Promise<Bench> {
  const made = new Bench(await t.tmp())
  t.teardown(() => made.close(), { order: 1 })
  const log = await made.open()
  if (texts.length > 0) await log.append(texts.map(block))
  return made
}

/** Changes the mark of a closed log. */
async function remark(path: string, change: (mark: Mark) => Mark): Promise<void> {
  const file = await MarkFile.open(path)
  await file.write(change(file.last as Mark))
  await file.close()
}

test(
  'own log - blocks that only the mark has are appended when it opens, as they were to be',
  STORE,
  async (t) => {
    const own = await bench(t, 'one', 'two')
    const treeHash = new Uint8Array(await own.log.core.treeHash(2))
    await own.close()
    const blocks = [block('three'), block('four')]
    await remark(own.mark, (mark) => ({ ...mark, length: 2, treeHash, blocks }))
    const log = await own.open()
    t.is(log.core.length, 2)
    t.is(await log.state(), 'ready')
    t.alike(await own.texts(), ['one', 'two', 'three', 'four'])
    t.is(await log.state(), 'ready')
    t.is(log.core.length, 4, 'once')
    await log.append([block('five')])
    t.is((await own.texts()).at(-1), 'five')
  }
)

test('own log - a log that says otherwise than its mark is lost', STORE, async (t) => {
  const changes: [string, (mark: Mark) => Mark][] = [
    ['another block', (mark) => ({ ...mark, blocks: [block('one'), block('TWO')] })],
    ['another tree', (mark) => ({ ...mark, length: 1, blocks: [] })],
    ['another log', (mark) => ({ ...mark, key: 'ee'.repeat(32) })]
  ]
  for (const [what, change] of changes) {
    const own = await bench(t, 'one', 'two')
    await own.close()
    await remark(own.mark, change)
    const log = await own.open()
    t.is(await log.state(), 'lost', what)
    t.alike(await own.texts(), ['one', 'two'])
  }
})

test('own log - a mark beyond the log is restoring', STORE, async (t) => {
  const own = await bench(t, 'one')
  await own.close()
  await remark(own.mark, (mark) => ({ ...mark, length: 9, blocks: [] }))
  const log = await own.open()
  t.is(await log.state(), 'restoring')
})

test(
  'own log - a peer that says it has more is believed for a while, and once',
  STORE,
  async (t) => {
    const own = await bench(t, 'one')
    const other = await bench(t)
    const shelf = await Shelf.open(join(await t.tmp(), 'replica'))
    t.teardown(() => shelf.close(), { order: 1 })
    const replica = await shelf.keyed(own.log.key)
    const [near, far] = await memoryPair(identity(1), identity(2))
    t.teardown(() => near.destroy(), { order: 0 })
    own.log.core.replicate(new LinkMux(near, systemClock, () => {}))
    replica.replicate(new LinkMux(far, systemClock, () => {}))
    await until(() => own.log.core.peers[0]?.remoteSynced === true)
    t.is(await own.log.state(), 'ready')
    const liar = own.log.core.peers[0] as { remoteLength: number }
    liar.remoteLength = 1000
    t.is(await own.log.state(), 'restoring')
    own.clock.advance(CLAIM_MS - 1)
    t.is(await own.log.state(), 'restoring')
    own.clock.advance(1)
    t.is(await own.log.state(), 'ready')
    await own.log.append([block('two')])
    liar.remoteLength = 2000
    t.is(await own.log.state(), 'ready', 'our own append is no reason to believe it again')
    t.is(await other.log.state(), 'ready')
  }
)

test(
  'own log - more than one mark holds is written in several steps, all of it durable',
  STORE,
  async (t) => {
    const own = await bench(t)
    const texts = Array.from({ length: 20 }, (_, at) => `${at} ${'x'.repeat(40_000)}`)
    await own.log.append(texts.map(block))
    t.alike(await own.texts(), texts)
    await own.close()
    await own.open()
    t.is(await own.log.state(), 'ready')
    t.alike(await own.texts(), texts)
  }
)
