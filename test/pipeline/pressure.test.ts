import test from 'brittle'

import { KEPT_OUTPUT_BYTES_MAX, STAGE_QUEUE_BYTES_MAX } from '../../src/base/limits.ts'
import { keepsMostOf } from '../../src/pipeline/pressure.ts'
import { sessionIdOf, type SessionId } from '../../src/wire/ids.ts'
import { MIDDLE, open, setUp, type Bench } from '../helpers/host-bench.ts'
import { TOY } from '../helpers/toy-run.ts'

import type { HostedSession } from '../../src/pipeline/hosted-session.ts'

const [A, B, C] = [1, 2, 3].map((i) => sessionIdOf(new Uint8Array(16).fill(i))) as [
  SessionId,
  SessionId,
  SessionId
]

/** One activation in a buffer of so many bytes: a payload is a view, which keeps all of it. */
function send({ up, host }: Bench, session: SessionId, position: number, bufferBytes: number) {
  const payload = new Uint8Array(bufferBytes).subarray(0, TOY.dim * 4)
  const span = { index: 1, stop: 2, position, nTokens: 1, dim: TOY.dim }
  const header = { session, epoch: 1, ...span, sample: false, drafted: false, company: 0 }
  host.handle(up.id, { type: 'activation', ...header, payload })
}

test('pressure - what waits for its step is bounded in all; the session with most pays', async (t) => {
  const bench = await setUp({ start: 4, end: 8 }, { stepMs: 1 })
  const { up, host, stage, clock } = bench
  for (const session of [A, B]) up.send(open(MIDDLE, { session }))
  await clock.pass(1)
  up.take()
  send(bench, A, 0, 1000)
  send(bench, A, 1, 1000)
  for (let i = 0; i < 3; i++) send(bench, B, i, STAGE_QUEUE_BYTES_MAX / 4)
  t.is(host.sessions, 2)
  send(bench, B, 3, STAGE_QUEUE_BYTES_MAX / 4)
  send(bench, A, 2, 1000)
  await clock.pass(20)
  t.alike(up.take(), ['STAGE_FULL'])
  t.is(host.sessions, 1)
  t.is(stage.steps, 3, 'the other goes on')
})

test('pressure - many sessions of one origin count together', async (t) => {
  const bench = await setUp({ start: 4, end: 8 }, { stepMs: 1 })
  const { up, stranger, host, clock } = bench
  up.send(open(MIDDLE, { session: A }))
  for (const session of [B, C]) stranger.send(open(MIDDLE, { session }))
  await clock.pass(1)
  for (const session of [A, B, C]) send(bench, session, 0, 1000)
  for (const session of [B, C]) send(bench, session, 1, 0.3 * STAGE_QUEUE_BYTES_MAX)
  send(bench, A, 1, 0.45 * STAGE_QUEUE_BYTES_MAX)
  await clock.pass(20)
  t.alike(up.take(), ['opened'])
  t.alike(stranger.take(), ['opened', 'opened', 'STAGE_FULL'])
  t.is(host.sessions, 2)
})

test('pressure - who kept most outputs loses them, once all together keep too much', (t) => {
  const keeping = (sizeBytes: number) => ({ kept: { sizeBytes } }) as HostedSession
  const [small, large] = [keeping(1), keeping(KEPT_OUTPUT_BYTES_MAX - 1)]
  const last = { kept: null } as HostedSession
  t.is(keepsMostOf([small, large, last]), null)
  t.is(keepsMostOf([small, keeping(1), large, last]), large)
})
