import test from 'brittle'

import { SESSIONS_MAX, STEP_TIMEOUT_MS } from '../../src/base/limits.ts'
import { sessionArithmetic } from '../../src/compute/arithmetic.ts'
import { sessionIdOf, type SessionId } from '../../src/wire/ids.ts'
import { ALONE, MIDDLE, open, setUp } from '../helpers/host-bench.ts'

import type { OpenMessage } from '../../src/wire/session.ts'

test('admission - who does not fit is refused with the reason', async (t) => {
  const cases: [string, string, Partial<OpenMessage>][] = [
    ['another model', 'STAGE_NOT_LOADED', { modelId: '00'.repeat(32) }],
    ['another arithmetic', 'WIRE_VERSION', { arithmeticVersion: 4 }],
    ['rounded keys and values of no arithmetic', 'WIRE_VERSION', { kvType: 'q8_0' }],
    ['layers that are not held', 'STAGE_NOT_LOADED', {}],
    ['another peer at this place', 'PEER_REFUSED', { index: 0 }],
    [
      'a model with more layers',
      'PEER_REFUSED',
      { route: [...MIDDLE, { ...MIDDLE[0]!, start: 12, end: 13 }] }
    ]
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

test('admission - rounded keys and values need the same arithmetic on both sides', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 })
  const { arithmeticVersion: exact } = open(ALONE)
  const rounded = (version: number) => sessionArithmetic(version, 'q8_0')
  const [one, two, three] = [1, 2, 3].map((i) => sessionIdOf(new Uint8Array(16).fill(i)))
  const q8 = { kvType: 'q8_0' } as const
  up.send(open(ALONE, { ...q8, session: one as SessionId, arithmeticVersion: rounded(exact) }))
  await clock.pass(1)
  t.alike(up.take(), ['opened'])
  up.send(
    open(ALONE, { ...q8, session: two as SessionId, arithmeticVersion: rounded(exact) + 65_536 })
  )
  up.send(open(ALONE, { session: three as SessionId, arithmeticVersion: rounded(exact) }))
  await clock.pass(1)
  const texts = up.received.flatMap((message) => (message.type === 'failed' ? [message.text] : []))
  t.is(
    texts[0],
    `arithmetic differs (${exact} with q8_0 keys and values 1 here, ` +
      `${exact} with q8_0 keys and values 2 there): upgrade the older`
  )
  t.ok(/^arithmetic differs \(\d+ here, \d+ with q8_0/.test(texts[1] ?? ''), texts[1])
})

test('admission - memory for keys and values is what the weights leave', async (t) => {
  // 12 layers weigh 12,000; a session of 100 positions takes 4,800.
  const { up, host, clock } = await setUp({ start: 0, end: 12 }, { memoryBytes: 12_000 + 9_700 })
  const names = [1, 2, 3].map((i) => sessionIdOf(new Uint8Array(16).fill(i)))
  for (const session of names) up.send(open(ALONE, { session }))
  await clock.pass(1)
  t.is(host.sessions, 2)
  const refused = up.received.find((message) => message.type === 'failed')
  t.is(refused?.code, 'STAGE_FULL')
  const wait = /needs 4.7 KiB, 100 B are free: ask again when another session has ended, or/
  t.ok(wait.test(refused?.text ?? ''), refused?.text)
  up.send({ type: 'close', session: names[0] as SessionId, epoch: 1, isReleased: false })
  up.send(open(ALONE, { session: names[2] as SessionId }))
  await clock.pass(1)
  t.is(up.received.at(-1)?.type, 'opened', 'a closed session makes room')
})

test('admission - sessions that do nothing make room when there is none, longest idle first', async (t) => {
  // As above: room for two sessions of 100 positions, 4,800 bytes each.
  const { up, stranger, host, clock } = await setUp(
    { start: 0, end: 12 },
    { memoryBytes: 12_000 + 9_700 }
  )
  const [first, second, third] = [1, 2, 3].map((i) => sessionIdOf(new Uint8Array(16).fill(i)))
  up.send(open(ALONE, { session: first as SessionId }))
  await clock.pass(1000)
  up.send(open(ALONE, { session: second as SessionId }))
  await clock.pass(STEP_TIMEOUT_MS - 500)
  stranger.send(open(ALONE, { session: third as SessionId, contextTokens: 190 }))
  await clock.pass(1)
  t.alike(stranger.take(), ['STAGE_FULL'], 'one of them alone is not enough')
  t.is(host.sessions, 2)
  stranger.send(open(ALONE, { session: third as SessionId }))
  await clock.pass(1)
  t.alike(stranger.take(), ['opened'])
  t.alike(up.take(), ['opened', 'opened', 'STAGE_UNKNOWN_SESSION'])
  t.is(host.sessions, 2)
})

test('admission - waiting is no advice where the session would never fit', async (t) => {
  const { up, clock } = await setUp({ start: 0, end: 12 }, { memoryBytes: 12_000 + 4_700 })
  up.send(open(ALONE))
  await clock.pass(1)
  const refused = up.received.find((message) => message.type === 'failed')
  t.ok(refused?.text.endsWith('are free: ask for a shorter one'), refused?.text)
})

test('admission - no more sessions than the bound', async (t) => {
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

test('admission - layers that will go are admitted no more and drained', async (t) => {
  const { up, clock, host } = await setUp({ start: 0, end: 12 })
  const other = sessionIdOf(new Uint8Array(16).fill(2))
  up.send(open(ALONE))
  await clock.pass(1)
  host.restrict([{ start: 4, end: 12 }])
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

test('admission - draining waits, an abort ends the wait, evicting ends the session', async (t) => {
  const { up, clock, host } = await setUp({ start: 0, end: 12 })
  up.send(open(ALONE))
  await clock.pass(1)
  host.restrict([{ start: 0, end: 4 }])
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

test('admission - a stage that cannot reach the next one says so and holds nothing', async (t) => {
  const { up, down, network, host, stage, clock } = await setUp({ start: 4, end: 8 })
  network.leave(down.id)
  up.send(open(MIDDLE))
  await clock.pass(1)
  const refused = up.received.find((message) => message.type === 'failed')
  t.is(refused?.code, 'PEER_NO_LINK')
  t.ok(refused?.text.startsWith('no link to eeeeeeee (layers 8-11) yet'), refused?.text)
  t.is(host.sessions + stage.openCaches, 0)
})

test('admission - another peer cannot take over a session', async (t) => {
  const { up, stranger, host, clock } = await setUp({ start: 4, end: 8 })
  up.send(open(MIDDLE))
  stranger.send(open(MIDDLE, { epoch: 2 }))
  await clock.pass(1)
  t.alike(stranger.take(), ['PEER_REFUSED'])
  t.is(host.sessions, 1)
})

test('admission - a stage without a link to those it takes from or gives to says to whom', async (t) => {
  for (const [missing, layers] of [
    ['up', 'aaaaaaaa (layers 0-3)'],
    ['down', 'eeeeeeee (layers 8-11)']
  ] as const) {
    const bench = await setUp({ start: 4, end: 8 })
    const { network, stranger, clock } = bench
    network.leave(bench[missing].id)
    stranger.send(open(MIDDLE))
    await clock.pass(1)
    const [failed] = stranger.received
    t.is(failed?.type === 'failed' && failed.code, 'PEER_NO_LINK')
    t.ok(failed?.type === 'failed' && failed.text.startsWith(`no link to ${layers} yet`))
  }
})
