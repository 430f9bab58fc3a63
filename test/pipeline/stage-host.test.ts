import test from 'brittle'

import { TOY, sampling, toyContinue } from '../helpers/toy-run.ts'
import {
  ALONE,
  FIRST,
  HOST,
  MIDDLE,
  close,
  ids,
  open,
  setUp,
  token,
  type Bench
} from '../helpers/host-bench.ts'
import { keyOf } from '../helpers/views.ts'

import type { RouteStage } from '../../src/wire/session.ts'

test('stage host - one stage alone answers as the model does and says why it ends', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 })
  const prompt = [5, 6, 7]
  const expected = await toyContinue(TOY, prompt, sampling(), 20)
  const stop = expected.ids[9] as number
  up.send(open(ALONE, { stopIds: [499, stop] }))
  up.send(ids(prompt))
  await clock.pass(1)
  const tokens = up.received.filter((message) => message.type === 'token')
  t.is(up.received[0]?.type, 'opened')
  t.alike(
    tokens.flatMap((message) => message.tokens.map(({ id }) => id)),
    expected.ids.slice(0, expected.ids.indexOf(stop) + 1)
  )
  t.is(tokens.at(-1)?.finish, 'stop')
  t.alike(
    tokens.map(({ position }) => position),
    tokens.map((_, i) => prompt.length + i)
  )
})

test('stage host - the last position ends with length', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE, { positionEnd: 6 }))
  up.send(ids([5, 6, 7]))
  await clock.pass(1)
  const finishes = up.received.flatMap((message) =>
    message.type === 'token' ? [message.finish] : []
  )
  t.alike(finishes, ['none', 'none', 'length'])
})

test('stage host - a prompt in chunks reports progress and gives the same tokens', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 })
  const expected = await toyContinue(TOY, [5, 6, 7, 8, 9], sampling(), 2)
  up.send(open(ALONE, { positionEnd: 7 }))
  up.send(ids([5, 6], 0, false))
  up.send(ids([7, 8], 2, false))
  up.send(ids([9], 4, true))
  await clock.pass(1)
  t.alike(
    up.received.flatMap((message) => (message.type === 'progress' ? [message.position] : [])),
    [2, 4]
  )
  t.alike(
    up.received.flatMap((message) =>
      message.type === 'token' ? message.tokens.map(({ id }) => id) : []
    ),
    expected.ids
  )
})

test('stage host - a middle stage hands on what it computes, marked as it came', async (t) => {
  const { up, down, clock } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  up.sendActivation({ nTokens: 2 })
  up.sendActivation({ position: 2, sample: true })
  await clock.pass(1)
  const passed = down.received.filter((message) => message.type === 'activation')
  t.alike(
    passed.map(({ position, nTokens, sample }) => [position, nTokens, sample]),
    [
      [0, 2, false],
      [2, 1, true]
    ]
  )
  t.is(passed[0]?.payload.length, 2 * TOY.dim * 4)
  t.ok(passed[0]?.payload.some((byte) => byte !== 0))
})

test('stage host - a first stage feeds itself the token that the last one sent', async (t) => {
  const { up, down, clock } = await setUp({ start: 0, end: 8 })
  up.send(open(FIRST))
  up.send(ids([5, 6, 7], 0, true, 1, 1))
  await clock.pass(1)
  t.alike(down.take(), ['activation'])
  down.send(token(42, 3))
  await clock.pass(1)
  const [next] = down.received
  t.ok(next?.type === 'activation' && next.position === 3 && next.sample)
  down.send(token(43, 4, 'stop'))
  await clock.pass(1)
  t.alike(down.take(), ['activation'], 'nothing follows the end')
})

test('stage host - frames from whom the route does not name change nothing', async (t) => {
  const { up, down, stranger, host, stage, clock } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  stranger.sendActivation()
  down.sendActivation()
  stranger.send(close)
  stranger.send(ids([1]))
  up.send(ids([1]))
  stranger.send(token(1, 1))
  await clock.pass(1)
  t.is(host.sessions, 1)
  t.is(stage.steps, 0)
  t.alike(stranger.take(), [])
  t.alike(up.take(), ['opened'])
})

test('stage host - a due sender that breaks the order ends the session', async (t) => {
  const cases: [string, string, (bench: Bench) => void][] = [
    ['a gap', 'STAGE_POSITION_GAP', ({ up }) => up.sendActivation({ position: 1 })],
    [
      'a repetition',
      'STAGE_POSITION_GAP',
      ({ up }) => {
        up.sendActivation()
        up.sendActivation()
      }
    ],
    ['another width', 'WIRE_BAD_FRAME', ({ up }) => up.sendActivation({ dim: TOY.dim + 1 })],
    ['more than reserved', 'STAGE_FULL', ({ up }) => up.sendActivation({ nTokens: 101 })],
    [
      'more chunks than stages',
      'WIRE_TOO_LARGE',
      ({ up }) => {
        for (let position = 0; position < 6; position++) up.sendActivation({ position })
      }
    ]
  ]
  for (const [name, code, act] of cases) {
    const bench = await setUp({ start: 4, end: 8 }, { stepMs: 1 })
    bench.up.send(open(MIDDLE))
    act(bench)
    await bench.clock.pass(20)
    t.alike(bench.up.take(), ['opened', code], name)
    t.is(bench.host.sessions + bench.stage.openCaches, 0, `${name}: freed`)
  }
})

test('stage host - a first stage takes only ids and tokens that are due', async (t) => {
  const cases: [string, (bench: Bench) => void][] = [
    ['an id beyond the vocabulary', ({ up }) => up.send(ids([500]))],
    ['a token before the prompt', ({ down }) => down.send(token(1, 0))],
    [
      'a token beyond the vocabulary',
      ({ up, down }) => {
        up.send(ids([5]))
        down.send(token(500, 1))
      }
    ],
    [
      'two tokens at once',
      ({ up, down }) => {
        up.send(ids([5]))
        down.send(token(1, 1, 'stop'))
        down.send(token(1, 1))
      }
    ],
    [
      'ids after the prompt',
      ({ up }) => {
        up.send(ids([5]))
        up.send(ids([6], 1))
      }
    ]
  ]
  for (const [name, act] of cases) {
    const bench = await setUp({ start: 0, end: 8 })
    bench.up.send(open(FIRST))
    act(bench)
    await bench.clock.pass(1)
    t.ok(bench.up.take().includes('WIRE_BAD_FRAME'), name)
    t.is(bench.host.sessions, 0)
  }
})

test('stage host - frames of unknown sessions: ids are answered, others are late', async (t) => {
  const { up, down, clock } = await setUp({ start: 0, end: 12 })
  up.send(ids([1]))
  up.sendActivation()
  up.send(close)
  down.send(token(1, 1))
  await clock.pass(1)
  t.alike(up.take(), ['STAGE_UNKNOWN_SESSION'])
  t.alike(down.take(), [])
})

/** The host samples for a first stage that is not its neighbour otherwise. */
const LAST: RouteStage[] = [
  { peer: keyOf('e'), start: 0, end: 4 },
  { peer: keyOf('a'), start: 4, end: 8 },
  { peer: HOST, start: 8, end: 12 }
]

test('stage host - the last stage tells that the first one is gone, and keeps what it has', async (t) => {
  const { network, stranger, down, clock, host } = await setUp({ start: 8, end: 12 })
  stranger.send(open(LAST))
  await clock.pass(1)
  t.alike(stranger.take(), ['opened'])
  network.leave(down.id)
  await clock.pass(1)
  t.alike(stranger.take(), ['PEER_GONE'])
  t.is(host.sessions, 1)
})

test('stage host - a stalled session says of each route anew that it has no link', async (t) => {
  const { network, stranger, down, clock } = await setUp({ start: 8, end: 12 })
  stranger.send(open(LAST))
  network.leave(down.id)
  await clock.pass(1)
  stranger.take()
  for (const epoch of [2, 3]) {
    stranger.send(open(LAST, { epoch }))
    await clock.pass(1)
    const [failed] = stranger.received.splice(0)
    t.ok(failed?.type === 'failed' && failed.code === 'PEER_NO_LINK' && failed.epoch === epoch)
  }
})
