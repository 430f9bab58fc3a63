import test, { type Test } from 'brittle'

import { sleep, systemClock } from '../../src/base/clock.ts'
import { smallDisk } from '../helpers/small-disk.ts'
import { until } from '../helpers/until.ts'
import { Installation, identity, installation, join } from './knowledge-rig.ts'

import type { SwarmError } from '../../src/base/errors.ts'

/** RocksDB tries again by itself, after some seconds. */
const PATIENT = { timeout: 120_000 }
const LARGE = 'y'.repeat(30_000)

async function learnUntil(
  own: Installation,
  isOver: (error: SwarmError | null) => boolean,
  word: string
) {
  const kept: string[] = []
  for (let at = 0; ; at++) {
    const answer = `${word} ${at}. ${LARGE}`
    const error = await own.knowledge.learn({ answer }).then(
      () => null,
      (reason: SwarmError) => reason
    )
    if (error === null) kept.push(`${word} ${at}.`)
    if (isOver(error)) return { kept, error }
    if (error !== null) await sleep(systemClock, 50)
  }
}

const lost = (own: Installation, texts: string[]) => texts.filter((text) => !own.finds(text))

/** The disk, with the process kept alive while it waits. */
async function withDisk(
  t: Test,
  work: (folder: string, grow: (size: number) => void) => Promise<void>
) {
  const disk = await smallDisk(t, 14)
  if (disk === null) return
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  await work(disk.folder, disk.grow)
}

test(
  'full disk - is named, loses nothing that was acknowledged, and goes on when there is room',
  PATIENT,
  async (t) => {
    await withDisk(t, async (folder, grow) => {
      const a = await installation(t, { dataDir: folder })
      const { kept, error } = await learnUntil(a, (reason) => reason !== null, 'before')
      t.is(error?.code, 'STORE_FULL')
      t.ok(/free some space/.test(error?.message ?? ''), error?.message)
      t.ok(kept.length > 10)
      t.alike(a.kinds, ['trouble'], 'told once')
      t.is(a.knowledge.status().trouble, error?.message)
      t.alike(lost(a, kept), [], 'questions are answered as before')
      grow(200)
      const after = await learnUntil(a, (reason) => reason === null, 'after')
      t.is(a.knowledge.status().trouble, null)
      await a.close()
      await a.open()
      t.alike(lost(a, [...kept, ...after.kept]), [])
      t.alike(a.kinds, ['trouble', 'recovered'], 'and no other log was begun')
    })
  }
)

test(
  'full disk - of a replica stops it, and it goes on by itself when there is room',
  PATIENT,
  async (t) => {
    await withDisk(t, async (folder, grow) => {
      const a = await installation(t)
      const b = await installation(t, { identity: identity(2), dataDir: folder })
      await join(t, a, b)
      const texts = Array.from({ length: 600 }, (_, at) => `entry ${at}.`)
      await Promise.all(texts.map((text) => a.knowledge.learn({ answer: `${text} ${LARGE}` })))
      await until(() => b.kinds.includes('trouble'))
      t.ok(b.index.facts.size < 500)
      grow(200)
      await until(() => b.index.facts.size === texts.length)
      t.alike([...new Set(b.kinds)], ['trouble', 'recovered'])
      t.is(b.knowledge.status().trouble, null)
    })
  }
)
