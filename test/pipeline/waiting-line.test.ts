// Who waits for room: origins on a stage, and the questions of one origin.

import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import {
  ADMISSION_WAIT_MS,
  PEERS_MAX,
  QUESTIONS_WAITING_MAX,
  WAITING_PLACE_MS
} from '../../src/base/limits.ts'
import { OwnLine } from '../../src/pipeline/own-line.ts'
import { WaitingLine } from '../../src/pipeline/waiting-line.ts'
import { sessionIdOf, type PeerId } from '../../src/wire/ids.ts'
import { run, request, setUp as setUpGenerator } from '../helpers/generator-bench.ts'
import { ALONE, open, setUp } from '../helpers/host-bench.ts'
import { keyOf } from '../helpers/views.ts'

import type { SessionId } from '../../src/wire/ids.ts'
import type { SessionMessage } from '../../src/wire/session.ts'

const [A, B, C] = ['a', 'b', 'c'].map(keyOf) as [PeerId, PeerId, PeerId]
const names = [1, 2, 3, 4].map((i) => sessionIdOf(new Uint8Array(16).fill(i))) as SessionId[]
const codeOf = (error: unknown) => error instanceof SwarmError && error.code

test('waiting line - first come, first served, however often one asks', (t) => {
  const line = new WaitingLine()
  t.alike(line.join(B, 0, 0), { ticket: 1, before: 0 })
  t.alike(line.join(A, 0, 1), { ticket: 2, before: 1 })
  t.alike(line.join(B, 1, 2), { ticket: 1, before: 0 })
  t.is(line.before(A, 2, 3), 1)
  t.is(line.before(C, 0, 3), 2, 'a newcomer comes after all')
  line.leave(B)
  t.is(line.before(A, 2, 3), 0)
})

test('waiting line - two stages that heard of two origins in other orders agree', (t) => {
  const [front, back] = [new WaitingLine(), new WaitingLine()]
  const tickets = { a: front.join(A, 0, 0).ticket, b: back.join(B, 0, 0).ticket }
  front.join(B, 0, 1)
  back.join(A, 0, 1)
  const before = (origin: PeerId, ticket: number) =>
    [front, back].map((line) => line.before(origin, ticket, 2))
  t.alike([before(A, 0), before(B, 0)].flat().toSorted(), [0, 0, 1, 1], 'each would wait for ever')
  front.join(B, tickets.b, 2)
  back.join(A, tickets.a, 2)
  t.alike(before(A, tickets.a), [0, 0])
  t.alike(before(B, tickets.b), [1, 1])
})

test('waiting line - whoever stops asking loses its place', (t) => {
  const line = new WaitingLine()
  line.join(A, 0, 0)
  line.join(B, 0, 1000)
  t.is(line.before(C, 0, WAITING_PLACE_MS), 2)
  t.is(line.before(C, 0, WAITING_PLACE_MS + 1), 1)
  t.is(line.before(C, 0, WAITING_PLACE_MS + 1001), 0)
})

test('waiting line - a ticket from nowhere uses up no others', (t) => {
  const line = new WaitingLine()
  const { ticket } = line.join(A, 2 ** 32 - 1, 0)
  t.is(ticket, 2 ** 16)
  t.is(line.join(B, 0, 0).ticket, 2 ** 16 + 1)
})

test('waiting line - no more origins than peers of a topic', (t) => {
  const line = new WaitingLine()
  for (let i = 0; i < PEERS_MAX; i++) line.join(String(i) as PeerId, 0, 0)
  t.exception(() => line.join(A, 0, 0), /wait for room here already/)
  t.execution(() => line.join('0' as PeerId, 1, 0), 'who stands there may stay')
})

test('own line - questions wait in the order in which they were asked', (t) => {
  const line = new OwnLine()
  const numbers = [line.arrive(), line.arrive(), line.arrive()] as const
  const third = line.join(numbers[2])
  line.refused({ ticket: 7, before: 2 })
  const first = line.join(numbers[0])
  t.alike([first.before, third.before], [2, 3])
  t.ok(first.isFirst)
  first.leave()
  t.is(line.ticket, 7, 'the place of one that gave up is the next one')
  line.admitted(third)
  t.is(line.ticket, 0)
  t.ok(line.isEmpty)
})

test('own line - a bounded number of questions wait', (t) => {
  const line = new OwnLine()
  for (let i = 0; i < QUESTIONS_WAITING_MAX; i++) line.join(line.arrive())
  t.exception(() => line.join(line.arrive()), /64 questions wait for room here already/)
})

/** Room for two sessions of 100 positions, both taken. */
async function fullHost() {
  const bench = await setUp({ start: 0, end: 12 }, { memoryBytes: 12_000 + 9_700 })
  for (const session of names.slice(0, 2)) bench.up.send(open(ALONE, { session }))
  await bench.clock.pass(1)
  bench.up.take()
  return bench
}

function placesOf(received: SessionMessage[]) {
  return received.flatMap((message) => (message.type === 'failed' ? [message.place] : []))
}

test('admission - without room a new session gets a place, and room in its turn', async (t) => {
  const { up, down, stranger, clock } = await fullHost()
  const ask = async (who: typeof up, session: number, ticket: number) => {
    who.send(open(ALONE, { session: names[session] as SessionId, ticket }))
    await clock.pass(1)
    const [place] = placesOf(who.received)
    const [type] = who.take()
    return place ?? type
  }
  t.alike(await ask(down, 2, 0), { ticket: 1, before: 0 })
  t.alike(await ask(stranger, 3, 0), { ticket: 2, before: 1 })
  up.send({ type: 'close', session: names[0] as SessionId, epoch: 1, isReleased: false })
  await clock.pass(1)
  t.alike(await ask(stranger, 3, 2), { ticket: 2, before: 1 }, 'there is room, but not its turn')
  t.is(await ask(down, 2, 1), 'opened')
  t.alike(await ask(stranger, 3, 2), { ticket: 2, before: 0 })
})

test('admission - who would never fit, or goes on elsewhere, is given no place', async (t) => {
  const { stranger, clock } = await fullHost()
  stranger.send(open(ALONE, { session: names[2] as SessionId, contextTokens: 300 }))
  stranger.send(open(ALONE, { session: names[3] as SessionId, epoch: 2 }))
  await clock.pass(1)
  t.alike(placesOf(stranger.received), [null, null])
})

test('admission - an origin that is gone stands in nobody’s way', async (t) => {
  const { up, down, stranger, network, clock } = await fullHost()
  down.send(open(ALONE, { session: names[2] as SessionId }))
  await clock.pass(1)
  network.leave(down.id)
  up.send({ type: 'close', session: names[0] as SessionId, epoch: 1, isReleased: false })
  stranger.send(open(ALONE, { session: names[3] as SessionId }))
  await clock.pass(1)
  t.alike(stranger.take(), ['opened'])
})

/** A generator whose swarm has room for one session of 200 positions on each stage. */
async function busyGenerator(stepMs = 2) {
  const memoryBytes = 6000 + 6 * 200 * 4 + 100
  const bench = await setUpGenerator({ memoryBytes, stepMs })
  const abort = new AbortController()
  const first = bench.generator.generate(
    request({ maxTokens: 150, contextTokens: 200 }),
    abort.signal
  )
  const following = (async () => {
    for await (const _ of first);
  })()
  await bench.swarm.clock.until(() => bench.asker.pipeline.ownSessions[0]?.isAnswering === true)
  await bench.swarm.clock.pass(20)
  return { ...bench, abort, following }
}

test('generate - a question without room waits, says how many come first, and is answered', async (t) => {
  const bench = await busyGenerator()
  const asked = request({ contextTokens: 200 })
  const [second, third] = await Promise.all([run(bench, asked), run(bench, asked)])
  t.is(second.result.finishReason, 'length')
  t.alike(third.result.ids, second.result.ids)
  const befores = [second, third].map(({ events }) =>
    events.flatMap((event) => (event.type === 'queued' ? [event.before] : []))
  )
  t.alike(befores, [[0], [1]])
  await bench.following
  await bench.swarm.clock.pass(10)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - a question that gives up in line leaves nothing behind', async (t) => {
  const bench = await busyGenerator()
  const asked = request({ contextTokens: 200 })
  const { result } = await run(bench, asked, (event, abort) => {
    if (event.type === 'queued') abort.abort()
  })
  t.is(result.finishReason, 'cancelled')
  bench.abort.abort()
  await bench.swarm.clock.pass(1000)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - after a long time in line the refusal says what was missing', async (t) => {
  const bench = await busyGenerator(2000)
  const startedMs = bench.swarm.clock.now()
  const { error } = await run(bench, request({ contextTokens: 200 }))
  const waitedMs = bench.swarm.clock.now() - startedMs
  t.ok(waitedMs > ADMISSION_WAIT_MS && waitedMs < ADMISSION_WAIT_MS + 1000, `${waitedMs} ms`)
  t.is(codeOf(error), 'STAGE_FULL')
  const reason = /^no room after 180 s in line: .* needs 4.7 KiB, .* ask again when another/
  t.ok(reason.test((error as Error).message), String(error))
  bench.abort.abort()
  await bench.swarm.clock.pass(5000)
  t.alike(bench.swarm.leaks(), [])
})
