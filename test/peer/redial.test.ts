import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { PEERS_MAX } from '../../src/base/limits.ts'
import { Redial } from '../../src/peer/redial.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { settleMicrotasks } from '../helpers/sim-clock.ts'

import type { PeerId } from '../../src/wire/ids.ts'

const peer = (index: number) => index.toString(16).padStart(64, '0') as PeerId
const GONE = new SwarmError('PEER_GONE', 'gone')
const MALFORMED = new SwarmError('WIRE_BAD_FRAME', 'malformed')

function setUp() {
  const clock = new FakeClock()
  const calls: string[] = []
  const redial = new Redial(clock, () => ({
    again: (peer) => calls.push(`again ${Number(`0x${peer}`)}`),
    want: (peer) => calls.push(`want ${Number(`0x${peer}`)}`),
    forget: (peer, holdMs) => calls.push(`forget ${Number(`0x${peer}`)} ${holdMs}`)
  }))
  const down = async (index: number, upMs: number | null, error = GONE, left = false) => {
    calls.length = 0
    redial.linkDown({ peer: peer(index), closed: Promise.resolve() }, upMs, error, left)
    await settleMicrotasks()
    return calls.join(', ')
  }
  return { clock, calls, redial, down }
}

test('redial - a peer lost without a word is wanted, and not dialled at once', async (t) => {
  t.is(await setUp().down(1, 60_000), 'want 1')
})

test('redial - a young link was lost to another one: dialled as soon as it has closed', async (t) => {
  const { down } = setUp()
  t.is(await down(1, 500), 'want 1, again 1')
  t.is(await down(2, null), 'again 2', 'one that never came up was not there to be lost')
})

test('redial - who left, or broke the rules, is not wanted', async (t) => {
  const { redial, calls, down } = setUp()
  t.is(await down(1, 60_000, GONE, true), 'forget 1 1000')
  t.is(await down(2, 60_000, MALFORMED), '')
  redial.refused(peer(2), MALFORMED)
  t.is(calls.pop(), 'forget 2 60000')
  redial.refused(peer(3), new SwarmError('WIRE_PROOF', 'none'))
  t.is(calls.pop(), 'forget 3 2000')
  redial.refused(peer(4), new SwarmError('PEER_BUSY', 'busy'))
  t.is(calls.length, 0)
})

test('redial - who was away seeks those it lost at once, whatever they waited before', async (t) => {
  const { redial, calls, down } = setUp()
  for (const index of [1, 2, 3]) await down(index, 60_000)
  redial.linkUp(peer(2))
  await down(3, 60_000, GONE, true)
  calls.length = 0
  redial.back()
  t.is(calls.join(', '), 'forget 1 0, want 1, again 1')
})

test('redial - links that turn out to be dead after an absence are dialled at once', async (t) => {
  const { clock, redial, down } = setUp()
  redial.back()
  clock.advance(1500)
  t.is(await down(1, 3_600_000), 'want 1, again 1')
  clock.advance(60_000)
  t.is(await down(2, 3_600_000), 'want 2', 'later losses are as ever')
})

test('redial - remembers no more peers than there can be links', async (t) => {
  const { redial, calls, down } = setUp()
  for (let index = 1; index <= 2 * PEERS_MAX; index++) await down(index, 60_000)
  calls.length = 0
  redial.back()
  t.is(calls.length, 3 * PEERS_MAX)
})
