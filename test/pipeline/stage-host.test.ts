import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { SESSIONS_MAX, SESSION_IDLE_MS } from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { LocalNetwork } from '../../src/pipeline/local-hops.ts'
import { sessionIdOf, type PeerId, type SessionId } from '../../src/wire/ids.ts'
import { SimClock, settleMicrotasks } from '../helpers/sim-clock.ts'
import { ARITHMETIC, MODEL_ID, createPeer } from '../helpers/sim-swarm.ts'
import { TOY, sampling, toyContinue } from '../helpers/toy-run.ts'
import { keyOf } from '../helpers/views.ts'

import type { Hops } from '../../src/pipeline/hop.ts'
import type { LayerRange } from '../../src/model/layer-range.ts'
import type {
  ActivationHeader,
  OpenMessage,
  RouteStage,
  SessionMessage
} from '../../src/wire/session.ts'

const SESSION = sessionIdOf(new Uint8Array(16).fill(1))
const HOST = keyOf('c')

interface Bench {
  clock: SimClock
  network: LocalNetwork
  stage: Awaited<ReturnType<typeof createPeer>>['stage']
  host: Awaited<ReturnType<typeof createPeer>>['host']
  /** Peers played by the test: upstream and origin, downstream, a stranger. */
  up: Player
  down: Player
  stranger: Player
}

class Player {
  readonly id: PeerId
  readonly hops: Hops
  readonly received: SessionMessage[] = []

  constructor(network: LocalNetwork, id: PeerId) {
    this.id = id
    this.hops = network.join(id)
    this.hops.onMessage((_, message) => this.received.push(message))
  }

  send(message: Exclude<SessionMessage, { type: 'activation' }>): void {
    this.hops.to(HOST).send(message)
  }

  sendActivation(changes: Partial<ActivationHeader> = {}): void {
    const header = {
      session: SESSION,
      epoch: 1,
      position: 0,
      nTokens: 1,
      dim: TOY.dim,
      sample: false
    }
    const frame = this.hops.to(HOST).allocate({ ...header, ...changes })
    frame.payload.set(seededRandom(9).bytes(frame.payload.length))
    frame.send()
  }

  /** Types of what arrived, errors with their code; forgets them. */
  take(): string[] {
    return this.received
      .splice(0)
      .map((message) => (message.type === 'failed' ? message.code : message.type))
  }
}

async function setUp(held: LayerRange, options: { stepMs?: number; memoryBytes?: number } = {}) {
  const clock = new SimClock()
  const network = new LocalNetwork()
  const { stepMs = 0, memoryBytes = 1e9 } = options
  const random = seededRandom(1)
  const { stage, host } = await createPeer(
    { clock, model: TOY, random },
    HOST,
    network.join(HOST),
    held,
    { stepMs: () => stepMs, memoryBytes }
  )
  const [up, down, stranger] = [
    new Player(network, keyOf('a')),
    new Player(network, keyOf('e')),
    new Player(network, keyOf('f'))
  ]
  const bench: Bench = { clock, network, stage, host, up, down, stranger }
  return bench
}

const ALONE: RouteStage[] = [{ peer: HOST, start: 0, end: 12 }]
const MIDDLE: RouteStage[] = [
  { peer: keyOf('a'), start: 0, end: 4 },
  { peer: HOST, start: 4, end: 8 },
  { peer: keyOf('e'), start: 8, end: 12 }
]
const FIRST: RouteStage[] = [
  { peer: HOST, start: 0, end: 8 },
  { peer: keyOf('e'), start: 8, end: 12 }
]

function open(route: RouteStage[], changes: Partial<OpenMessage> = {}): OpenMessage {
  return {
    type: 'open',
    session: SESSION,
    epoch: 1,
    position: 0,
    index: route.findIndex(({ peer }) => peer === HOST),
    route,
    modelId: MODEL_ID,
    planHash: '11'.repeat(32),
    viewHash: '22'.repeat(32),
    arithmeticVersion: ARITHMETIC,
    contextTokens: 100,
    kvType: 'f16',
    sampling: sampling(),
    stopIds: [],
    positionEnd: 100,
    ...changes
  }
}

function ids(
  values: number[],
  position = 0,
  sample = true,
  epoch = 1
): SessionMessage & { type: 'ids' } {
  return { type: 'ids', session: SESSION, epoch, position, sample, ids: Int32Array.from(values) }
}

function token(id: number, position: number, finish: 'none' | 'stop' = 'none', epoch = 1) {
  const logitsHash = '00'.repeat(8)
  return { type: 'token', session: SESSION, epoch, position, id, finish, logitsHash } as const
}

const close = { type: 'close', session: SESSION } as const

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
    tokens.map(({ id }) => id),
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
    up.received.flatMap((message) => (message.type === 'token' ? [message.id] : [])),
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
  up.send(ids([5, 6, 7]))
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

test('stage host - who does not fit is refused with the reason', async (t) => {
  const cases: [string, string, Partial<OpenMessage>][] = [
    ['another model', 'STAGE_NOT_LOADED', { modelId: '00'.repeat(32) }],
    ['another arithmetic', 'WIRE_VERSION', { arithmeticVersion: 4 }],
    ['layers that are not held', 'STAGE_NOT_LOADED', {}],
    ['another peer at this place', 'PEER_REFUSED', { index: 0 }],
    ['this peer twice', 'PEER_REFUSED', { route: [...MIDDLE, { peer: HOST, start: 12, end: 13 }] }],
    [
      'a model with more layers',
      'PEER_REFUSED',
      { route: [...MIDDLE, { ...MIDDLE[0]!, start: 12, end: 13 }] }
    ],
    ['a cache that is not here', 'STAGE_UNKNOWN_SESSION', { position: 5 }]
  ]
  for (const [name, code, changes] of cases) {
    const held = name === 'layers that are not held' ? { start: 0, end: 7 } : { start: 4, end: 8 }
    const { up, host, stage, clock } = await setUp(held)
    up.send(open(MIDDLE, changes))
    await clock.pass(1)
    t.alike(up.take(), [code], name)
    t.is(host.sessions + stage.openCaches, 0)
  }
})

test('stage host - memory for keys and values is what the weights leave', async (t) => {
  // 12 layers weigh 12,000; a session of 100 positions takes 4,800.
  const { up, host, clock } = await setUp({ start: 0, end: 12 }, { memoryBytes: 12_000 + 9_700 })
  const names = [1, 2, 3].map((i) => sessionIdOf(new Uint8Array(16).fill(i)))
  for (const session of names) up.send(open(ALONE, { session }))
  await clock.pass(1)
  t.is(host.sessions, 2)
  const refused = up.received.find((message) => message.type === 'failed')
  t.is(refused?.code, 'STAGE_FULL')
  t.ok(/needs 4.7 KiB, 100 B are free/.test(refused?.text ?? ''), refused?.text)
  up.send({ type: 'close', session: names[0] as SessionId })
  up.send(open(ALONE, { session: names[2] as SessionId }))
  await clock.pass(1)
  t.is(up.received.at(-1)?.type, 'opened', 'a closed session makes room')
})

test('stage host - no more sessions than the bound', async (t) => {
  const { up, host, clock } = await setUp({ start: 0, end: 12 })
  for (let i = 0; i <= SESSIONS_MAX; i++) {
    up.send(open(ALONE, { session: sessionIdOf(new Uint8Array(16).fill(i)) }))
  }
  await clock.pass(1)
  t.is(host.sessions, SESSIONS_MAX)
  t.alike(
    up.take().filter((type) => type !== 'opened'),
    ['STAGE_FULL']
  )
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

test('stage host - another peer cannot take over a session', async (t) => {
  const { up, stranger, host, clock } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  stranger.send(open(MIDDLE, { epoch: 2 }))
  await clock.pass(1)
  t.alike(stranger.take(), ['PEER_REFUSED'])
  t.is(host.sessions, 1)
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

test('stage host - frames of an older epoch are late and dropped', async (t) => {
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

test('stage host - a new epoch during a step waits for it and goes on from its position', async (t) => {
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
  const tokens = up.received.flatMap((message) => (message.type === 'token' ? [message.id] : []))
  t.alike(tokens, expected.ids)
  t.is(stage.openCaches, 1)
  t.is(stage.openSamplers, 1)
})

test('stage host - an epoch that asks for more context gets a new cache, from the beginning', async (t) => {
  const { up, clock, stage } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  up.send(ids([5], 0, false))
  await clock.pass(1)
  up.send(open(ALONE, { epoch: 2, contextTokens: 200 }))
  await clock.pass(1)
  t.alike(up.take(), ['opened', 'progress', 'opened'])
  t.is(stage.openCaches, 1)
  up.send(open(ALONE, { epoch: 3, contextTokens: 300, position: 1 }))
  await clock.pass(1)
  t.alike(up.take(), ['STAGE_UNKNOWN_SESSION'])
  t.is(stage.openCaches, 0)
})

test('stage host - an epoch cannot keep more than is cached', async (t) => {
  const { up, clock, stage } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  up.send(ids([5, 6], 0, false))
  await clock.pass(1)
  up.take()
  up.send(open(ALONE, { epoch: 2, position: 3 }))
  await clock.pass(1)
  t.alike(up.take(), ['STAGE_POSITION_GAP'])
  t.is(stage.openCaches, 0)
})

test('stage host - the next epoch and the end tell what the last one cost', async (t) => {
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

test('stage host - closing during a step frees when the step has settled', async (t) => {
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

test('stage host - a step that fails becomes an error and never a token', async (t) => {
  const { up, clock, stage, host } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  await settleMicrotasks()
  stage.nextError = new SwarmError('STAGE_NOT_FINITE', 'layer 3 is not finite')
  up.send(ids([5]))
  await clock.pass(1)
  t.alike(up.take(), ['opened', 'STAGE_NOT_FINITE'])
  t.is(stage.openCaches + stage.openSamplers + host.sessions, 0)
})

test('stage host - an error without a code is named as the stage own', async (t) => {
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

test('stage host - an origin that is gone leaves nothing behind', async (t) => {
  const { up, network, clock, stage, host } = await setUp({ start: 0, end: 12 }, { stepMs: 10 })
  up.send(open(ALONE))
  up.send(ids([5]))
  await clock.pass(5)
  network.leave(up.id)
  await clock.pass(20)
  t.is(stage.openCaches + stage.openSamplers + host.sessions, 0)
})

test('stage host - the loss of a neighbour is told to the origin with its layers', async (t) => {
  const { up, down, network, clock, host } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  await clock.pass(1)
  network.leave(down.id)
  await clock.pass(1)
  const failed = up.received.find((message) => message.type === 'failed')
  t.is(failed?.code, 'PEER_GONE')
  t.ok(failed?.text.startsWith('eeeeeeee (layers 8-11) is gone'), failed?.text)
  t.is(host.sessions, 0)
})

test('stage host - the loss of somebody else is no concern', async (t) => {
  const { up, stranger, network, clock, host } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  await clock.pass(1)
  network.leave(stranger.id)
  await clock.pass(1)
  t.is(host.sessions, 1)
  t.alike(up.take(), ['opened'])
})

test('stage host - a session without frames expires', async (t) => {
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

test('stage host - layers that will go are admitted no more and drained', async (t) => {
  const { up, clock, host } = await setUp({ start: 0, end: 12 })
  const other = sessionIdOf(new Uint8Array(16).fill(2))
  up.send(open(ALONE))
  await clock.pass(1)
  t.alike(host.busyRanges(), [{ start: 0, end: 12 }])
  host.restrict({ start: 4, end: 12 })
  up.send(open(ALONE, { session: other }))
  up.send(open(ALONE, { epoch: 2 }))
  await clock.pass(1)
  t.alike(up.take(), ['opened', 'STAGE_NOT_LOADED', 'STAGE_NOT_LOADED'])
  await host.idle()
  host.restrict(null)
  up.send(open(ALONE, { session: other }))
  await clock.pass(1)
  t.alike(up.take(), ['opened'])
})

test('stage host - draining waits for a session, an abort ends the wait, evicting ends the session', async (t) => {
  const { up, clock, host } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  await clock.pass(1)
  host.restrict({ start: 0, end: 4 })
  let isIdle = false
  void host.idle().then(() => (isIdle = true))
  const abort = new AbortController()
  const impatient = t.exception(host.idle(abort.signal), /aborted/)
  abort.abort()
  await impatient
  await clock.pass(1)
  t.absent(isIdle)
  host.evict()
  await clock.pass(1)
  t.ok(isIdle)
  t.alike(up.take(), ['opened', 'STAGE_NOT_LOADED'])
})

test('stage host - closing frees everything and answers no more', async (t) => {
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
