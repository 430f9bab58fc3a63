import test from 'brittle'

import { LOGGED_IDS_MAX, ORPHAN_MS, SESSION_QUESTIONS_BURST } from '../../src/base/limits.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { sampling } from '../helpers/toy-run.ts'
import { FIRST, SESSION, close, ids, open, setUp, type Bench } from '../helpers/host-bench.ts'

import type { LogMessage, RecalledMessage } from '../../src/wire/session.ts'

const HELD = { start: 0, end: 8 }

function log(values: number[], changes: Partial<LogMessage> = {}): LogMessage {
  const whole = { promptTokens: values.length, endTokens: values.length, position: 0 }
  const head = { logitsHash: '00'.repeat(8), stops: ['END'], isAtStart: false }
  const ids = Int32Array.from(values)
  return { type: 'log', session: SESSION, epoch: 1, ...whole, ...head, ids, ...changes }
}

/** A session with a log, whose origin `up` then goes. */
async function orphaned(): Promise<Bench> {
  const bench = await setUp(HELD)
  const { up, host, clock } = bench
  up.send(open(FIRST))
  up.send(log([1, 2, 3]))
  up.send(ids([1, 2, 3], 0, true, 1, 1))
  await clock.pass(5)
  host.gone(up.id)
  await clock.pass(5)
  return bench
}

test('orphans - a session with a log outlives its origin for a bounded time', async (t) => {
  const { host, stage, clock } = await orphaned()
  t.is(host.sessions, 1)
  await clock.pass(1.5 * ORPHAN_MS)
  t.is(host.sessions, 0)
  t.is(stage.openCaches, 0)
})

test('orphans - without a whole log the session goes with its origin', async (t) => {
  for (const part of [null, log([1, 2], { endTokens: 3 })]) {
    const { up, host, clock } = await setUp(HELD)
    up.send(open(FIRST))
    if (part !== null) up.send(part)
    await clock.pass(5)
    host.gone(up.id)
    await clock.pass(5)
    t.is(host.sessions, 0)
  }
})

test('orphans - members are told of it, without text, and get the log if they ask', async (t) => {
  const { stranger, clock } = await orphaned()
  stranger.send({ type: 'list' })
  stranger.send({ type: 'recall', session: SESSION, position: 1 })
  await clock.pass(5)
  const [listed, recalled] = stranger.received
  t.ok(listed?.type === 'listed' && listed.sessions[0]?.state === 'orphan')
  t.absent(JSON.stringify(listed).includes('"ids"'))
  const { ids: told, stops, endTokens } = recalled as RecalledMessage
  t.alike([[...told], stops, endTokens], [[2, 3], ['END'], 3])
})

test('orphans - a newer epoch of another peer takes it; the old origin is refused then', async (t) => {
  const { up, stranger, host, clock } = await orphaned()
  stranger.send(open(FIRST, { epoch: 1 }))
  await clock.pass(5)
  t.alike(stranger.take(), ['PEER_REFUSED'], 'the same epoch is not newer')
  stranger.send(open(FIRST, { epoch: 2, position: 2 }))
  await clock.pass(5)
  t.alike(stranger.take(), ['opened'])
  up.take()
  up.send(close)
  up.send(open(FIRST, { epoch: 3 }))
  await clock.pass(5)
  t.alike(up.take(), ['PEER_REFUSED'], 'and its close is not obeyed')
  t.is(host.sessions, 1)
})

test('orphans - nobody takes a session whose origin is there', async (t) => {
  const { up, stranger, clock } = await setUp(HELD)
  up.send(open(FIRST, { sampling: sampling() }))
  up.send(log([1]))
  await clock.pass(5)
  stranger.send(open(FIRST, { epoch: 9 }))
  await clock.pass(5)
  t.alike(stranger.take(), ['PEER_REFUSED'])
})

test('orphans - what is given up waits for another; an older close is late', async (t) => {
  const { up, stranger, host, clock } = await setUp(HELD)
  up.send(open(FIRST, { epoch: 5 }))
  up.send(log([1], { epoch: 5 }))
  up.send({ ...close, epoch: 4 })
  await clock.pass(5)
  t.is(host.sessions, 1, 'late')
  up.send({ ...close, epoch: 5, isReleased: true })
  stranger.send(open(FIRST, { epoch: 6 }))
  await clock.pass(5)
  t.alike(stranger.take(), ['opened'])
})

test('orphans - a stage logs so many ids of all sessions, and no more', async (t) => {
  const { up, host, clock } = await setUp(HELD)
  const second = sessionIdOf(new Uint8Array(16).fill(2))
  up.send(open(FIRST))
  up.send(log([1, 2, 3]))
  up.send(open(FIRST, { session: second }))
  up.send(log([1, 2, 3], { session: second, endTokens: LOGGED_IDS_MAX - 2 }))
  await clock.pass(5)
  t.is(host.sessions, 2)
  host.gone(up.id)
  await clock.pass(5)
  t.is(host.sessions, 1, 'the one without a log is lost with its origin')
})

test('orphans - so many questions about sessions are answered at once', async (t) => {
  const { stranger, clock } = await orphaned()
  for (let i = 0; i < SESSION_QUESTIONS_BURST + 20; i++) stranger.send({ type: 'list' })
  await clock.pass(1)
  t.is(stranger.received.length, SESSION_QUESTIONS_BURST)
})
