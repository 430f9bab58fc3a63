// Keys and values that stages keep on disk serve a later session, after every process has started anew: the
// same ids and the same hash of every logit, and only what is new is computed.

import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { KV_SAVES_WAITING_MAX } from '../../src/base/limits.ts'
import { silentLog } from '../../src/base/log.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { SavedCaches } from '../../src/pipeline/saved-caches.ts'
import { savedBeginning, savedName } from '../../src/pipeline/saved-name.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { KV_TYPES } from '../../src/wire/session.ts'
import { ALONE, FIRST, MIDDLE, ids, open, setUp as setUpHost } from '../helpers/host-bench.ts'
import { LocalSwarm } from '../helpers/local-swarm.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { MODEL_ID } from '../helpers/sim-swarm.ts'
import { smallDisk } from '../helpers/small-disk.ts'
import { readStageModel, syntheticModel } from '../helpers/stage-model.ts'

import type { KvStore } from '../../src/compute/kv-store.ts'
import type { SessionOptions } from '../../src/pipeline/pipeline.ts'
import type { StageRoom } from '../../src/pipeline/stage-room.ts'
import type { SavedPrefix } from '../../src/wire/generation.ts'
import type { SaveMessage } from '../../src/wire/errands.ts'
import type { OpenPrefix } from '../../src/wire/session.ts'

const CHOOSE = { ...GREEDY, temperature: 0.9, topP: 0.95, presencePenalty: 0.5, seed: 4 }
const PROMPT = someIds(300, 1)
const LATER = [...PROMPT, ...someIds(20, 2)]

function someIds(count: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => below(random, 1000))
}

/** One life of all processes: what it opens is closed when `work` is done. */
async function inLife<T>(
  t: Test,
  folder: string,
  work: (swarm: LocalSwarm) => Promise<T>,
  cuts = [2]
): Promise<T> {
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  const swarm = await LocalSwarm.open(model, cuts, { folder })
  try {
    return await work(swarm)
  } finally {
    await swarm.close()
  }
}

/** A turn with PROMPT, saved between turns. */
async function save(
  swarm: LocalSwarm,
  options: Partial<SessionOptions> = {}
): Promise<SavedPrefix> {
  const session = swarm.createSession(options)
  const turn = { ids: PROMPT, sampling: CHOOSE, stopIds: [], positionEnd: 305 }
  for await (const _ of session.run(turn, new AbortController().signal));
  await session.pause()
  const saved = await session.save()
  await session.close()
  return saved
}

function prefixOf({ name, ids }: SavedPrefix): OpenPrefix {
  return { session: name as OpenPrefix['session'], tokens: ids.length }
}

test('saved - a later life goes on where the first was saved, computing only what is new', async (t) => {
  for (const kvType of KV_TYPES) {
    const folder = await t.tmp()
    const saved = await inLife(t, folder, (swarm) => save(swarm, { kvType }))
    // The last token was chosen and not computed.
    t.is(saved.ids.length, 304)
    t.alike(saved.ids.slice(0, 300), PROMPT)
    t.alike(
      saved.stages.map(({ tokens, text }) => [tokens, text]),
      [
        [304, ''],
        [304, '']
      ]
    )
    const prompt = [...saved.ids, ...someIds(20, 2)]
    await inLife(t, folder, async (swarm) => {
      const cold = await swarm.ask(prompt, 8, CHOOSE, { kvType })
      const warm = await swarm.ask(prompt, 8, CHOOSE, { kvType, prefix: prefixOf(saved) })
      t.alike([cold.keptTokens, cold.prefillTokens], [0, [324, 324]])
      t.alike([warm.keptTokens, warm.prefillTokens], [304, [20, 20]])
      t.alike([warm.ids, warm.logitsHash], [cold.ids, cold.logitsHash], kvType)
    })
  }
})

test('saved - fewer positions than were saved are taken over as well', async (t) => {
  const folder = await t.tmp()
  const saved = await inLife(t, folder, (swarm) => save(swarm))
  await inLife(t, folder, async (swarm) => {
    const prompt = [...PROMPT.slice(0, 200), ...someIds(5, 3)]
    const prefix = { ...prefixOf(saved), tokens: 200 }
    const warm = await swarm.ask(prompt, 4, CHOOSE, { prefix })
    const cold = await swarm.ask(prompt, 4, CHOOSE)
    t.alike(warm.prefillTokens, [5, 5])
    t.alike([warm.ids, warm.logitsHash], [cold.ids, cold.logitsHash])
  })
})

test('saved - the stage that lost its file computes again, the one behind it does not', async (t) => {
  for (const [lost, prefill] of [
    [0, [320, 20]],
    [1, [320, 320]]
  ] as [number, number[]][]) {
    const folder = await t.tmp()
    const saved = await inLife(t, folder, (swarm) => save(swarm))
    rmSync(join(folder, String(lost)), { recursive: true })
    await inLife(t, folder, async (swarm) => {
      const prefix = { ...prefixOf(saved), tokens: 300 }
      const warm = await swarm.ask(LATER, 6, CHOOSE, { prefix })
      const cold = await swarm.ask(LATER, 6, CHOOSE)
      t.alike([warm.keptTokens, warm.prefillTokens], [0, prefill], `stage ${lost}`)
      t.alike([warm.ids, warm.logitsHash], [cold.ids, cold.logitsHash])
    })
  }
})

test('saved - a damaged file is deleted and changes no answer', async (t) => {
  const folder = await t.tmp()
  const saved = await inLife(t, folder, (swarm) => save(swarm))
  const path = join(folder, '1', readdirSync(join(folder, '1'))[0] as string)
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
  writeFileSync(path, bytes)
  await inLife(t, folder, async (swarm) => {
    const prefix = { ...prefixOf(saved), tokens: 300 }
    const warm = await swarm.ask(LATER, 6, CHOOSE, { prefix })
    const cold = await swarm.ask(LATER, 6, CHOOSE)
    t.is(warm.keptTokens, 0)
    t.alike([warm.ids, warm.logitsHash], [cold.ids, cold.logitsHash])
    t.alike(readdirSync(join(folder, '1')), [])
  })
})

test('saved - another split takes what it can: nothing, and answers the same', async (t) => {
  const folder = await t.tmp()
  const saved = await inLife(t, folder, (swarm) => save(swarm))
  const work = async (swarm: LocalSwarm) => {
    const prefix = { ...prefixOf(saved), tokens: 300 }
    const warm = await swarm.ask(LATER, 6, CHOOSE, { prefix })
    const cold = await swarm.ask(LATER, 6, CHOOSE)
    t.is(warm.keptTokens, 0)
    t.alike([warm.ids, warm.logitsHash], [cold.ids, cold.logitsHash])
  }
  await inLife(t, folder, work, [1])
})

test('saved - a session goes on while it is saved, and a stage that cannot save says why', async (t) => {
  const folder = await t.tmp()
  writeFileSync(join(folder, '1'), 'no folder')
  await inLife(t, folder, async (swarm) => {
    const session = swarm.createSession()
    const turn = { ids: PROMPT, sampling: CHOOSE, stopIds: [], positionEnd: 305 }
    const signal = new AbortController().signal
    for await (const _ of session.run(turn, signal));
    await session.pause()
    const saving = session.save()
    await t.exception(session.save(), /is being saved/)
    const ids: number[] = []
    const next = { ...turn, ids: LATER, positionEnd: 326 }
    for await (const event of session.run(next, signal)) {
      if (event.type === 'token') ids.push(event.id)
    }
    const { stages } = await saving
    t.alike(
      stages.map(({ tokens }) => tokens),
      [304, 0]
    )
    t.ok(stages[1]?.text.startsWith('keys and values on disk cannot be used'), stages[1]?.text)
    await session.close()
    t.alike(ids, (await swarm.ask(LATER, 6, CHOOSE)).ids)
  })
})

test('saved - on a full disk every stage says so, and the session goes on', async (t) => {
  const disk = await smallDisk(t, 1)
  if (disk === null) return
  const filler = join(disk.folder, 'filler')
  const { bfree, bsize } = statfsSync(disk.folder)
  writeFileSync(filler, new Uint8Array(bfree * bsize))
  await inLife(t, disk.folder, async (swarm) => {
    const session = swarm.createSession()
    const turn = { ids: PROMPT, sampling: CHOOSE, stopIds: [], positionEnd: 305 }
    const signal = new AbortController().signal
    for await (const _ of session.run(turn, signal));
    await session.pause()
    const refused = await session.save()
    const text = 'the disk is full: free some space in the data directory and save again'
    const said = { tokens: 0, text }
    t.alike(
      refused.stages.map((stage) => ({ tokens: stage.tokens, text: stage.text })),
      [said, said]
    )
    rmSync(filler)
    disk.grow(16)
    const ids: number[] = []
    for await (const event of session.run({ ...turn, ids: LATER, positionEnd: 326 }, signal)) {
      if (event.type === 'token') ids.push(event.id)
    }
    t.alike(ids, (await swarm.ask(LATER, 6, CHOOSE)).ids)
    await session.pause()
    const { stages } = await session.save()
    t.alike(
      stages.map(({ tokens }) => tokens),
      [325, 325]
    )
    await session.close()
  })
})

test('saved - a stage saves for the origin of a session only, in the epoch that it is in', async (t) => {
  const { up, stranger, clock } = await setUpHost({ start: 0, end: 12 })
  const message = open(FIRST, { session: open(FIRST).session })
  up.send(message)
  up.send({ ...ids([5, 6, 7]), stop: 1 })
  await clock.pass(5)
  const name = open(MIDDLE).session
  const save = {
    type: 'save',
    session: message.session,
    epoch: 1,
    index: 0,
    name,
    tokens: 3
  } as const
  up.take()
  up.send(save)
  stranger.send(save)
  up.send({ ...save, epoch: 2 })
  await clock.pass(5)
  const textsOf = ({ received }: typeof up) =>
    received.flatMap((one) => (one.type === 'saved' ? [`${one.tokens} ${one.text}`] : []))
  t.alike(textsOf(stranger), ['0 the session is not held here'])
  t.alike(textsOf(up), ['0 nothing is saved here', '0 the session is not held here'])
})

test('saved - so many saves wait on one stage, and no more', async (t) => {
  const { up, stage, clock, network } = await setUpHost({ start: 0, end: 12 })
  network.leave(up.id)
  const session = { origin: up.id, open: open(ALONE), certainTokens: 3 }
  const cache = stage.openCache({ start: 0, end: 12 }, 4, 'f16')
  cache.length = 3
  const told: string[] = []
  // A disk that never answers.
  const store = { write: () => new Promise<void>(() => {}) } as unknown as KvStore
  const options = { stage, clock, log: silentLog, store, modelId: MODEL_ID }
  const room = {} as StageRoom
  const caches = new SavedCaches(options as never, room, (_, { text }) => told.push(text))
  const message = { type: 'save', session: session.open.session, epoch: 1, index: 0, tokens: 3 }
  for (let i = 0; i <= KV_SAVES_WAITING_MAX; i++) {
    const save = { ...message, name: sessionIdOf(new Uint8Array(16).fill(i)) } as SaveMessage
    caches.save(up.id, { ...session, cache } as never, save)
  }
  await clock.pass(1)
  t.alike(told, ['too much is being saved here already: save again later'])
})

test('saved name - other ids, model, arithmetic or KV type name something else', (t) => {
  const of = { modelId: 'dd'.repeat(32), arithmeticVersion: 1, kvType: 'f16' } as const
  const names = [
    savedName(of, PROMPT),
    savedName(of, LATER),
    savedName({ ...of, modelId: 'ee'.repeat(32) }, PROMPT),
    savedName({ ...of, arithmeticVersion: 2 }, PROMPT),
    savedName({ ...of, kvType: 'f32' }, PROMPT)
  ]
  t.is(new Set(names).size, names.length)
  const stages = FIRST.map((stage) => ({ ...stage, tokens: 300, text: '' }))
  const saved: SavedPrefix = { name: names[0] as string, ...of, ids: PROMPT, stages }
  t.alike(savedBeginning(saved, of, FIRST, LATER), { session: names[0], tokens: 300 })
  t.is(savedBeginning(saved, of, FIRST, PROMPT)?.tokens, 299, 'never the last id')
  t.is(savedBeginning(saved, of, ALONE, LATER), null, 'another route')
  t.is(savedBeginning(saved, { ...of, arithmeticVersion: 2 }, FIRST, LATER), null)
  const changed = { ...saved, ids: PROMPT.with(7, 1000) }
  t.is(savedBeginning(changed, of, FIRST, changed.ids), null, 'ids that are not those of the name')
  const none = stages.map((stage) => ({ ...stage, tokens: 0 }))
  t.is(savedBeginning({ ...saved, stages: none }, of, FIRST, LATER), null)
})
