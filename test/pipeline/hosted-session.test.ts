import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { SESSION_IDLE_MS } from '../../src/base/limits.ts'
import { settleMicrotasks } from '../helpers/sim-clock.ts'
import { ALONE, HOST, MIDDLE, SESSION, close, ids, open, setUp } from '../helpers/host-bench.ts'
import { TOY, sampling, toyContinue } from '../helpers/toy-run.ts'

import type { SampledMessage } from '../../src/wire/session.ts'

function sampled(values: number[]): SampledMessage {
  return { type: 'sampled', session: SESSION, epoch: 1, ids: Int32Array.from(values) }
}

test('hosted session - frames of an older epoch are late and dropped', async (t) => {
  const { up, down, clock } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  up.sendActivation({ nTokens: 3 })
  await clock.pass(1)
  up.send(open(MIDDLE, { epoch: 2, position: 2 }))
  up.sendActivation({ position: 3 })
  up.send(open(MIDDLE, { epoch: 1 }))
  up.sendActivation({ epoch: 2, position: 2 })
  await clock.pass(1)
  t.alike(up.take(), ['opened', 'opened'])
  const positions = down.received.map((message) => 'position' in message && message.position)
  t.alike(positions, [0, 2])
})

test('hosted session - a new epoch during a step waits for it and goes on from its position', async (t) => {
  const { up, clock, stage } = await setUp({ start: 0, end: 12 }, { stepMs: 10 })
  const expected = await toyContinue(TOY, [5, 6, 9], sampling(), 3)
  up.send(open(ALONE))
  up.send(ids([5, 6, 7]))
  await clock.pass(25)
  up.received.splice(0)
  up.send(open(ALONE, { epoch: 2, position: 2, positionEnd: 6 }))
  up.send(ids([9], 2, true, 2))
  await clock.pass(1)
  t.alike(up.take(), ['opened'], 'the running step was given up')
  up.send(ids([9], 2, true, 2))
  await clock.pass(100)
  const tokens = up.received.flatMap((message) =>
    message.type === 'token' ? message.tokens.map(({ id }) => id) : []
  )
  t.alike(tokens, expected.ids)
  t.is(stage.openCaches, 1)
  t.is(stage.openSamplers, 1)
})

test('hosted session - an epoch that asks for more context begins with a new cache', async (t) => {
  const { up, clock, stage } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  up.send(ids([5], 0, false))
  await clock.pass(1)
  up.send(open(ALONE, { epoch: 2, contextTokens: 200 }))
  await clock.pass(1)
  t.alike(up.take(), ['opened', 'progress', 'opened'])
  t.is(stage.openCaches, 1)
  up.send(ids([5], 0, false, 2))
  up.send(open(ALONE, { epoch: 3, contextTokens: 300, position: 1 }))
  await clock.pass(1)
  const opened = up.received.findLast((message) => message.type === 'opened')
  t.is(opened?.cachedTokens, 0, 'and says so')
  t.is(stage.openCaches, 1)
})

test('hosted session - an epoch that would keep more than is cached is told what there is', async (t) => {
  const { up, clock, stage } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  up.send(ids([5, 6], 0, false))
  await clock.pass(1)
  up.take()
  up.send(open(ALONE, { epoch: 2, position: 3 }))
  await clock.pass(1)
  const opened = up.received.find((message) => message.type === 'opened')
  t.is(opened?.cachedTokens, 2)
  t.is(stage.openCaches, 1)
})

test('hosted session - the next epoch and the end tell what the last one cost', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 }, { stepMs: 10 })
  up.send(open(ALONE, { positionEnd: 5 }))
  up.send(ids([5, 6], 0, false))
  up.send(ids([7], 2, true))
  await clock.pass(100)
  up.send(open(ALONE, { epoch: 2, position: 3 }))
  await clock.pass(1)
  const opened = up.received.filter((message) => message.type === 'opened')
  t.alike(opened[0]?.stats.prefillTokens, 0)
  t.alike(opened[1]?.stats, {
    prefillTokens: 3,
    prefillComputeUs: 20_000,
    prefillQueueUs: 10_000,
    decodeTokens: 1,
    decodeComputeUs: 10_000,
    decodeQueueUs: 0
  })
  up.send(close)
  await clock.pass(1)
  const closed = up.received.find((message) => message.type === 'closed')
  t.is(closed?.stats.decodeTokens, 0)
})

test('hosted session - closing during a step frees when the step has settled', async (t) => {
  const { up, clock, stage, host } = await setUp({ start: 0, end: 12 }, { stepMs: 10 })
  up.send(open(ALONE))
  up.send(ids([5]))
  await clock.pass(5)
  up.send(close)
  up.send(close)
  await clock.pass(20)
  t.alike(up.take(), ['opened', 'closed'])
  t.is(stage.openCaches + stage.openSamplers + host.sessions, 0)
})

test('hosted session - a step that fails becomes an error and never a token', async (t) => {
  const { up, clock, stage, host } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  await settleMicrotasks()
  stage.nextError = new SwarmError('STAGE_NOT_FINITE', 'layer 3 is not finite')
  up.send(ids([5]))
  await clock.pass(1)
  t.alike(up.take(), ['opened', 'STAGE_NOT_FINITE'])
  t.is(stage.openCaches + stage.openSamplers + host.sessions, 0)
})

test('hosted session - an error without a code is named as the stage own', async (t) => {
  const { up, clock, stage } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  await settleMicrotasks()
  stage.nextError = new Error('out of luck\u001b[31m')
  up.send(ids([5]))
  await clock.pass(1)
  const failed = up.received.find((message) => message.type === 'failed')
  t.is(failed?.code, 'NATIVE_FAILED')
  t.is(failed?.text, 'out of luck [31m')
})

test('hosted session - an origin that is gone leaves nothing behind', async (t) => {
  const { up, network, clock, stage, host } = await setUp({ start: 0, end: 12 }, { stepMs: 10 })
  up.send(open(ALONE))
  up.send(ids([5]))
  await clock.pass(5)
  network.leave(up.id)
  await clock.pass(20)
  t.is(stage.openCaches + stage.openSamplers + host.sessions, 0)
})

test('hosted session - the loss of a neighbour is told to the origin with its layers', async (t) => {
  const { up, down, network, clock, host } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  await clock.pass(1)
  network.leave(down.id)
  await clock.pass(1)
  const failed = up.received.find((message) => message.type === 'failed')
  t.is(failed?.code, 'PEER_GONE')
  t.is(failed?.peer, down.id)
  t.ok(failed?.text.startsWith('eeeeeeee (layers 8-11) is gone'), failed?.text)
  t.is(host.sessions, 1, 'which may have another peer for them')
  up.take()
  up.send(close)
  await clock.pass(1)
  t.alike(up.take(), ['closed'])
  t.is(host.sessions, 0)
})

test('hosted session - a first stage whose sampling stage is lost does not wait for its token', async (t) => {
  const { up, down, stranger, network, clock, host } = await setUp({ start: 0, end: 4 })
  const route = [
    { peer: HOST, start: 0, end: 4 },
    { peer: stranger.id, start: 4, end: 8 },
    { peer: down.id, start: 8, end: 12 }
  ]
  up.send(open(route))
  up.send(ids([5], 0, true, 1, 2))
  await clock.pass(1)
  network.leave(down.id)
  await clock.pass(1)
  t.alike(up.take(), ['opened', 'PEER_GONE'])
  t.is(host.sessions, 1, 'but for another sampling stage')
})

test('hosted session - the loss of somebody else is no concern', async (t) => {
  const { up, stranger, network, clock, host } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  await clock.pass(1)
  network.leave(stranger.id)
  await clock.pass(1)
  t.is(host.sessions, 1)
  t.alike(up.take(), ['opened'])
})

test('hosted session - a session without frames expires', async (t) => {
  const { up, clock, host, stage } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  await clock.pass(SESSION_IDLE_MS * 0.9)
  t.is(host.sessions, 1)
  up.send(ids([5], 0, false))
  await clock.pass(SESSION_IDLE_MS * 0.9)
  t.is(host.sessions, 1, 'a frame starts the time again')
  await clock.pass(SESSION_IDLE_MS * 0.3)
  t.is(host.sessions + stage.openCaches, 0)
  t.alike(up.take(), ['opened', 'progress', 'STAGE_UNKNOWN_SESSION'])
})

test('hosted session - closing frees everything and answers no more', async (t) => {
  const { up, clock, host, stage } = await setUp({ start: 0, end: 12 }, { stepMs: 10 })
  up.send(open(ALONE))
  up.send(ids([5]))
  await clock.pass(5)
  let isClosed = false
  void host.close().then(() => (isClosed = true))
  await clock.until(() => isClosed)
  t.is(stage.openCaches + stage.openSamplers, 0)
  up.take()
  up.send(open(ALONE))
  await clock.pass(1)
  t.alike(up.take(), [])
})

test('hosted session - a stage that missed a turn holds other ids, and says that it has none', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  up.send(ids([5, 6], 0, false))
  await clock.pass(1)
  up.send(open(ALONE, { epoch: 4, sinceEpoch: 1, position: 2 }))
  await clock.pass(1)
  up.send(open(ALONE, { epoch: 6, sinceEpoch: 5, position: 2 }))
  await clock.pass(1)
  const cached = up.received.flatMap((one) => (one.type === 'opened' ? [one.cachedTokens] : []))
  t.alike(cached, [0, 2, 0])
})

test('hosted session - no token is chosen before penalties know what came before it', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 })
  const penalties = sampling({ temperature: 0.7, presencePenalty: 0.9, seed: 3 })
  const prompt = [5, 6, 7]
  const expected = await toyContinue(TOY, prompt, penalties, 8)
  const { ids: before, logitsHash } = await toyContinue(TOY, prompt, penalties, 4)
  const turn = { positionEnd: 11, sampling: penalties, logitsHash }
  up.send(open(ALONE, { ...turn, sampledTokens: before.length }))
  // On another way than the ids would take to a last stage: it may come after them, and in parts.
  up.send(ids([...prompt, ...before]))
  up.send(sampled(before.slice(0, 1)))
  await clock.pass(5)
  t.alike(up.take(), ['opened'])
  up.send(sampled(before.slice(1)))
  await clock.pass(5)
  const tokens = up.received.flatMap((one) =>
    one.type === 'token' ? one.tokens.map(({ id }) => id) : []
  )
  t.alike(tokens, expected.ids.slice(4))
  up.received.splice(0)
  up.send(sampled([1]))
  await clock.pass(1)
  t.alike(up.take(), ['WIRE_BAD_FRAME'], 'one more than was announced')
})
