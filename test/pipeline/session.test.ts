import test from 'brittle'

import { OPEN_TIMEOUT_MS, SESSIONS_MAX, STEP_TIMEOUT_MS } from '../../src/base/limits.ts'
import { SwarmError, isAbort } from '../../src/base/errors.ts'
import { seededRandom } from '../../src/base/random.ts'
import { LocalNetwork } from '../../src/pipeline/local-hops.ts'
import { Pipeline } from '../../src/pipeline/pipeline.ts'
import { SimClock } from '../helpers/sim-clock.ts'
import {
  ARITHMETIC,
  MODEL_ID,
  SimSwarm,
  TurnRun,
  createPeer,
  routeOf
} from '../helpers/sim-swarm.ts'
import { TOY, sampling, toyContinue } from '../helpers/toy-run.ts'
import { keyOf } from '../helpers/views.ts'

import type { Hops } from '../../src/pipeline/hop.ts'
import type { Turn } from '../../src/pipeline/session-types.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { SimPeer } from '../helpers/sim-swarm.ts'

const PROMPT = [1, 2, 3, 4, 5, 6, 7]

async function setUp(cuts: number[], stepMs = 2) {
  const swarm = new SimSwarm({ seed: 1, stepMs: () => stepMs })
  const route = await swarm.addStages(cuts)
  const asker = await swarm.addPeer()
  const options = { route, model: swarm.sessionModel, kvType: 'f16', contextTokens: 400 } as const
  const session = asker.pipeline.createSession(options)
  return { swarm, route, asker, session, options }
}

function turn(ids: number[] = PROMPT, count = 12): Turn {
  return { ids, sampling: sampling(), stopIds: [], positionEnd: ids.length + count }
}

function codeOf(run: TurnRun): string | null {
  return run.error instanceof SwarmError ? run.error.code : null
}

test('session - a split gives the same tokens and hash as one stage', async (t) => {
  for (const cuts of [[], [6], [1, 2, 11], [2, 4, 6, 8, 10]]) {
    const { swarm, session } = await setUp(cuts)
    const run = new TurnRun(session, turn(), swarm.clock)
    await swarm.clock.until(() => run.isOver)
    const expected = await toyContinue(swarm.model, PROMPT, sampling(), 12)
    t.alike({ ids: run.ids, logitsHash: run.logitsHash }, expected, `${cuts.length + 1} stages`)
    await closed(swarm, session)
    t.alike(swarm.leaks(), [])
  }
})

async function closed(swarm: SimSwarm, session: { close(): Promise<unknown> }) {
  let stats: unknown = null
  void session.close().then((value) => (stats = value))
  await swarm.clock.until(() => stats !== null)
  return stats as ({ decodeTokens: number; prefillTokens: number } | null)[]
}

test('session - one process without a network takes the same path', async (t) => {
  const clock = new SimClock()
  const network = new LocalNetwork()
  const random = seededRandom(5)
  const all = { start: 0, end: TOY.nLayers }
  const alone = await createPeer(
    { clock, model: TOY, random },
    keyOf('a'),
    network.join(keyOf('a')),
    [all]
  )
  const session = alone.pipeline.createSession({
    route: routeOf([{ peer: alone.id, ...all }]),
    model: { id: MODEL_ID, arithmeticVersion: ARITHMETIC, dim: TOY.dim, vocabSize: TOY.vocabSize },
    kvType: 'f16',
    contextTokens: 400
  })
  const prompt = Array.from({ length: 300 }, (_, i) => i)
  const ids: number[] = []
  for await (const event of session.run(turn(prompt), new AbortController().signal)) {
    if (event.type === 'token') ids.push(event.id)
  }
  t.alike(ids, (await toyContinue(TOY, prompt, sampling(), 12)).ids)
  const [stats] = await session.close()
  t.is(stats?.decodeTokens, 11)
  t.is(alone.stage.openCaches + alone.stage.openSamplers + alone.host.sessions, 0)
})

test('session - a long prompt goes through in chunks that overlap', async (t) => {
  const { swarm, session } = await setUp([4, 8], 40)
  const prompt = Array.from({ length: 1000 }, (_, i) => i % 500)
  const startMs = swarm.clock.now()
  const run = new TurnRun(session, turn(prompt, 2), swarm.clock)
  await swarm.clock.until(() => run.ids.length === 1)
  // 8 chunks through 3 stages of 40 ms: 10 steps deep where one after another would be 24.
  const tookMs = swarm.clock.now() - startMs
  t.ok(tookMs > 400 && tookMs < 480, `${tookMs} ms`)
  await swarm.clock.until(() => run.isOver)
  t.alike(run.ids, (await toyContinue(swarm.model, prompt, sampling(), 2)).ids)
  const done = run.events.flatMap((event) => (event.type === 'prefill' ? [event.done] : []))
  t.alike(done, [128, 256, 384, 512, 640, 768, 896, 1000])
})

test('session - where the asker is itself the first stage, nothing is different', async (t) => {
  const swarm = new SimSwarm({ seed: 2, stepMs: () => 1 })
  const route = await swarm.addStages([5])
  const [first] = swarm.peers as [SimPeer]
  const options = { route, model: swarm.sessionModel, kvType: 'f16', contextTokens: 50 } as const
  const session = first.pipeline.createSession(options)
  const run = new TurnRun(session, turn(), swarm.clock)
  await swarm.clock.until(() => run.isOver)
  t.alike(run.ids, (await toyContinue(swarm.model, PROMPT, sampling(), 12)).ids)
  await closed(swarm, session)
  t.alike(swarm.leaks(), [])
})

test('session - a next turn computes only what is new', async (t) => {
  const { swarm, session } = await setUp([6])
  const first = new TurnRun(session, turn(), swarm.clock)
  await swarm.clock.until(() => first.isOver)
  const ids = [...PROMPT, ...first.ids, 77, 78]
  const second = new TurnRun(session, turn(ids, 5), swarm.clock)
  await swarm.clock.until(() => second.isOver)
  t.alike(second.ids, (await toyContinue(swarm.model, ids, sampling(), 5)).ids)
  t.alike(second.events[0], { type: 'opened', keptTokens: PROMPT.length + 11 })
  const stats = await closed(swarm, session)
  t.alike(
    stats.map((entry) => entry?.prefillTokens),
    [3, 3]
  )
})

test('session - a paused turn stops the stages and can be taken up elsewhere', async (t) => {
  const { swarm, session } = await setUp([6])
  const run = new TurnRun(session, turn(PROMPT, 300), swarm.clock, ({ ids }) => {
    if (ids.length === 4) void session.pause()
  })
  await swarm.clock.until(() => run.isOver)
  await swarm.clock.pass(20)
  const { steps } = (swarm.peers[0] as SimPeer).stage
  await swarm.clock.pass(200)
  t.is((swarm.peers[0] as SimPeer).stage.steps, steps, 'nothing runs on')
  const ids = [...PROMPT, ...run.ids.slice(0, 2), 9]
  const next = new TurnRun(session, turn(ids, 5), swarm.clock)
  await swarm.clock.until(() => next.isOver)
  t.alike(next.ids, (await toyContinue(swarm.model, ids, sampling(), 5)).ids)
})

test('session - closing tells what every stage did', async (t) => {
  const { swarm, session } = await setUp([6])
  const run = new TurnRun(session, turn(), swarm.clock)
  await swarm.clock.until(() => run.isOver)
  const stats = await closed(swarm, session)
  t.is(stats.length, 2)
  for (const entry of stats) {
    t.is(entry?.prefillTokens, PROMPT.length)
    t.is(entry?.decodeTokens, 11)
  }
  t.absent(session.isOpen)
})

test('session - an abort frees every stage at once', async (t) => {
  for (const tokens of [0, 1, 5]) {
    const { swarm, session } = await setUp([4, 8])
    const run = new TurnRun(session, turn(PROMPT, 300), swarm.clock)
    await swarm.clock.until(() => run.ids.length === tokens)
    run.abort.abort()
    await swarm.clock.until(() => run.isOver)
    t.ok(isAbort(run.error))
    await swarm.clock.pass(20)
    t.alike(swarm.leaks(), [])
  }
})

test('session - a lost stage is reported within two seconds, named, and the others are freed', async (t) => {
  for (const lost of [0, 1, 2]) {
    const { swarm, session, route } = await setUp([4, 8])
    const run = new TurnRun(session, turn(PROMPT, 300), swarm.clock)
    await swarm.clock.until(() => run.ids.length === 5)
    const lostMs = swarm.clock.now()
    const { peer, start, end } = route.stages[lost]!
    swarm.network.crash(peer)
    await swarm.clock.until(() => run.isOver)
    t.is(codeOf(run), 'PEER_GONE')
    const text = (run.error as Error).message
    t.ok(text.includes(`${peer.slice(0, 8)} (layers ${start}-${end - 1})`), text)
    t.ok(run.endedMs - lostMs < 2000, `${run.endedMs - lostMs} ms`)
    await swarm.clock.pass(2000)
    t.alike(swarm.leaks(), [])
  }
})

test('session - a long prompt delays the tokens of another by one chunk at most', async (t) => {
  const swarm = new SimSwarm({ seed: 4, stepMs: (nTokens) => nTokens / 2 })
  const route = await swarm.addStages([6])
  const asker = await swarm.addPeer()
  const options = { route, model: swarm.sessionModel, kvType: 'f16', contextTokens: 2000 } as const
  const atMs: number[] = []
  const decoding = new TurnRun(
    asker.pipeline.createSession(options),
    turn(PROMPT, 150),
    swarm.clock,
    () => atMs.push(swarm.clock.now())
  )
  await swarm.clock.until(() => decoding.ids.length === 10)
  const prompt = Array.from({ length: 1500 }, (_, i) => i % 500)
  const other = new TurnRun(asker.pipeline.createSession(options), turn(prompt, 3), swarm.clock)
  await swarm.clock.until(() => decoding.isOver && other.isOver)
  const gaps = atMs.slice(1).map((ms, i) => ms - (atMs[i] as number))
  // 64 ms a chunk and stage, half a millisecond a token, and the wire.
  t.ok(Math.max(...gaps) < 2 * 64 + 6, `${Math.max(...gaps)} ms`)
  t.ok(Math.max(...gaps) > 1.2 * Math.max(...gaps.slice(0, 8)), 'they did meet')
  t.is(other.ids.length, 3)
})

test('pipeline - no more sessions begin than the bound', async (t) => {
  const { asker, options } = await setUp([])
  for (let i = 1; i < SESSIONS_MAX; i++) asker.pipeline.createSession(options)
  t.exception(() => asker.pipeline.createSession(options), /already began here/)
  await asker.pipeline.close()
  t.is(asker.pipeline.sessions, 0)
})

test('session - a stage without the layers refuses, and the others are freed', async (t) => {
  const { swarm, asker, route, options } = await setUp([4, 8])
  const [first, second, third] = route.stages
  const wrong = routeOf([
    first!,
    { ...second!, peer: third!.peer },
    { ...third!, peer: second!.peer }
  ])
  const session = asker.pipeline.createSession({ ...options, route: wrong })
  const run = new TurnRun(session, turn(), swarm.clock)
  await swarm.clock.until(() => run.isOver)
  t.is(codeOf(run), 'STAGE_NOT_LOADED')
  await swarm.clock.pass(10)
  t.absent(session.isOpen)
  t.is((swarm.peers[0] as SimPeer).host.sessions, 0)
})

test('session - a route over a peer that cannot be reached fails at once', async (t) => {
  const { swarm, session, route } = await setUp([4, 8])
  swarm.network.crash(route.stages[1]!.peer)
  await swarm.clock.pass(1000)
  const run = new TurnRun(session, turn(), swarm.clock)
  await swarm.clock.until(() => run.isOver)
  t.is(codeOf(run), 'PEER_GONE')
  await swarm.clock.pass(10)
  t.is(swarm.leaks().length, 0)
})

test('session - a peer lost while it is sent to does not put close before open', async (t) => {
  const clock = new SimClock()
  const route = routeOf([
    { peer: keyOf('a'), start: 0, end: 4 },
    { peer: keyOf('b'), start: 4, end: 8 },
    { peer: keyOf('c'), start: 8, end: 12 }
  ])
  const sent: string[] = []
  let onGone: (peer: PeerId) => void = () => {}
  const hops: Hops = {
    self: keyOf('f'),
    to: (peer) => ({
      peer,
      backlogBytes: 0,
      send(message) {
        sent.push(`${message.type} ${peer[0]}`)
        // As a hop whose carrier is closed as too slow: the loss is reported at once.
        if (sent.length === 1) onGone(peer)
      },
      allocate: () => ({ payload: new Uint8Array(0), send: () => {} })
    }),
    onMessage: () => {},
    onGone: (handler) => (onGone = handler)
  }
  const pipeline = new Pipeline({ hops, clock, random: seededRandom(1) })
  const model = {
    id: MODEL_ID,
    arithmeticVersion: ARITHMETIC,
    dim: TOY.dim,
    vocabSize: TOY.vocabSize
  }
  const session = pipeline.createSession({ route, model, kvType: 'f16', contextTokens: 400 })
  const run = new TurnRun(session, turn(), clock)
  await clock.until(() => run.isOver)
  t.is(codeOf(run), 'PEER_GONE')
  t.alike(sent, ['open a', 'open b', 'open c', 'close b', 'close c'])
  t.is(pipeline.sessions, 0)
})

test('session - a stage that does not answer is named when the time is over', async (t) => {
  const { swarm, session, route } = await setUp([6])
  const silent = route.stages[1]!.peer
  swarm.network.tamper = (frame, _, to) => (to === silent ? [] : [frame])
  const startMs = swarm.clock.now()
  const run = new TurnRun(session, turn(), swarm.clock)
  await swarm.clock.until(() => run.isOver)
  t.is(codeOf(run), 'PEER_TIMEOUT')
  t.ok((run.error as Error).message.startsWith(`${silent.slice(0, 8)} (layers 6-11) did not open`))
  t.is(run.endedMs - startMs, OPEN_TIMEOUT_MS)
})

test('session - a session that makes no progress is given up', async (t) => {
  const { swarm, session, route } = await setUp([6])
  const silent = route.stages[1]!.peer
  const run = new TurnRun(session, turn(PROMPT, 100), swarm.clock)
  await swarm.clock.until(() => run.ids.length === 3)
  swarm.network.tamper = (frame, from) => (from === silent ? [] : [frame])
  const silentMs = swarm.clock.now()
  await swarm.clock.until(() => run.isOver)
  t.is(codeOf(run), 'PEER_TIMEOUT')
  t.ok(run.endedMs - silentMs <= STEP_TIMEOUT_MS)
})

test('session - a value that the protocol refuses is the error of the turn', async (t) => {
  const { swarm, session } = await setUp([6])
  const wrong = { ...turn(), sampling: sampling({ topP: 7 }) }
  const run = new TurnRun(session, wrong, swarm.clock)
  await swarm.clock.until(() => run.isOver)
  t.is(codeOf(run), 'WIRE_BAD_FRAME')
  t.absent(session.isOpen)
})

test('pipeline - a peer without layers says so', async (t) => {
  const { swarm, asker, route, options } = await setUp([6])
  const first = swarm.peers[0] as SimPeer
  first.pipeline.serve(null)
  const session = asker.pipeline.createSession({ ...options, route })
  const run = new TurnRun(session, turn(), swarm.clock)
  await swarm.clock.until(() => run.isOver)
  t.is(codeOf(run), 'STAGE_NOT_LOADED')
})

test('pipeline - closing ends the sessions that began here', async (t) => {
  const { swarm, asker, session } = await setUp([6])
  const run = new TurnRun(session, turn(PROMPT, 300), swarm.clock)
  await swarm.clock.until(() => run.ids.length === 3)
  let isClosed = false
  void asker.pipeline.close().then(() => (isClosed = true))
  await swarm.clock.until(() => isClosed && run.isOver)
  await swarm.clock.pass(10)
  t.alike(swarm.leaks(), [])
})
