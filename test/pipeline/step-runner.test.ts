import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { HOP_BACKLOG_BYTES_MAX, MESSAGE_BYTES_MAX } from '../../src/base/limits.ts'
import { HostedSession } from '../../src/pipeline/hosted-session.ts'
import { StepRunner } from '../../src/pipeline/step-runner.ts'
import { HOST, MIDDLE, open } from '../helpers/host-bench.ts'
import { ACTIVATION_HEADER_BYTES } from '../../src/wire/session-codec.ts'
import { SimClock } from '../helpers/sim-clock.ts'
import { TOY } from '../helpers/toy-run.ts'
import { ToyStage } from '../helpers/toy-stage.ts'
import { keyOf } from '../helpers/views.ts'

import type { Hops } from '../../src/pipeline/hop.ts'
import type { OriginMessage } from '../../src/pipeline/host-messages.ts'

/** One activation on a middle stage whose next hop is as the test wants it. */
async function step(to: Hops['to']) {
  const clock = new SimClock()
  const stage = new ToyStage({ model: TOY, clock })
  const range = { start: 4, end: 8 }
  await stage.load([range])
  const errors: unknown[] = []
  const told: OriginMessage[] = []
  const hops = { self: HOST, to, onMessage: () => {}, onGone: () => {} }
  const runner = new StepRunner({
    stage,
    hops,
    clock,
    toOrigin: (_, message) => told.push(message),
    onError: (_, error) => errors.push(error),
    onSettled: () => {}
  })
  const cache = stage.openCache(range, 10, 'f16')
  const parts = { cache, sampler: null, rowBytes: TOY.dim * 4 }
  const session = new HostedSession(open(MIDDLE), keyOf('a'), parts, clock.now())
  const payload = new Uint8Array(TOY.dim * 4)
  const span = { index: 1, stop: 2, position: 0, nTokens: 1, dim: TOY.dim }
  const header = { session: session.open.session, epoch: 1, ...span }
  const message = {
    type: 'activation',
    ...header,
    sample: false,
    drafted: false,
    company: 0,
    payload
  } as const
  session.takeActivation(keyOf('a'), message, TOY, clock.now())
  runner.schedule(session)
  await clock.pass(1)
  return { error: errors[0] as SwarmError | undefined, told, steps: stage.steps }
}

// What may wait for the next peer when a step begins: its activation must still pass, and small messages
// meanwhile, or the hop would close the way to that peer for all sessions.
const ROOM_BYTES =
  HOP_BACKLOG_BYTES_MAX - MESSAGE_BYTES_MAX - (ACTIVATION_HEADER_BYTES + TOY.dim * 4)

test('step runner - a hop without room for what comes out fails the session first', async (t) => {
  const { error, steps } = await step((peer) => ({
    peer,
    backlogBytes: ROOM_BYTES + 1,
    send: () => {},
    allocate: () => ({ payload: new Uint8Array(0), send: () => {} })
  }))
  t.is(error?.code, 'PEER_BUSY')
  t.ok(/eeeeeeee takes activations too slowly, 64 MiB wait/.test(error?.message ?? ''))
  t.is(steps, 0)
})

test('step runner - a next stage out of reach is named with its layers', async (t) => {
  const { error } = await step(() => {
    throw new SwarmError('PEER_GONE', 'no link')
  })
  t.is(error?.code, 'PEER_GONE')
  t.ok(error?.message.startsWith('eeeeeeee (layers 8-11) is gone'))
})

test('step runner - a step that goes well says nothing to the origin but its activation', async (t) => {
  let sent = 0
  const payload = new Uint8Array(TOY.dim * 4)
  const { error, told, steps } = await step((peer) => ({
    peer,
    backlogBytes: ROOM_BYTES,
    send: () => {},
    allocate: () => ({ payload, send: () => sent++ })
  }))
  t.is(error, undefined)
  t.alike([steps, sent, told.length], [1, 1, 0])
  t.ok(payload.some((byte) => byte !== 0))
})
