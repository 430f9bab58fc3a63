import test from 'brittle'

import { SESSION_IDLE_MS, SESSIONS_MAX } from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { Farewells } from '../../src/pipeline/farewells.ts'
import { LocalNetwork } from '../../src/pipeline/local-hops.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { SimClock } from '../helpers/sim-clock.ts'
import { routeOf } from '../helpers/sim-swarm.ts'
import { keyOf } from '../helpers/views.ts'

import type { SessionMessage } from '../../src/wire/session.ts'

const A = keyOf('a')
const B = keyOf('b')
const C = keyOf('c')
const OVER_B = routeOf([{ peer: B, start: 0, end: 4 }])
const OVER_C = routeOf([{ peer: C, start: 0, end: 4 }])

function setUp() {
  const clock = new SimClock()
  const network = new LocalNetwork()
  const farewells = new Farewells(network.join(A), clock)
  const heard: SessionMessage[] = []
  const arrive = () => network.join(B).onMessage((_, message) => heard.push(message))
  const random = seededRandom(3)
  const session = (changes = {}) => ({
    id: sessionIdOf(random.bytes(16)),
    epoch: 1,
    isOpen: true,
    isReleased: false,
    route: OVER_C,
    ...changes
  })
  return { clock, network, farewells, heard, arrive, session }
}

test('farewells - a stage that was out of reach is told as soon as it is back, once', async (t) => {
  const { clock, farewells, heard, arrive, session } = setUp()
  const left = session({ epoch: 3 })
  farewells.owe(B, left)
  await clock.pass(5000)
  left.epoch = 5
  arrive()
  await clock.pass(5000)
  t.alike(heard, [{ type: 'close', session: left.id, epoch: 3, isReleased: false }])
})

test('farewells - a stage that the session still counts on is not told', async (t) => {
  const { clock, farewells, heard, arrive, session } = setUp()
  const left = session({ route: OVER_B })
  farewells.owe(B, left)
  arrive()
  await clock.pass(5000)
  t.is(heard.length, 0)
  left.isOpen = false
  left.isReleased = true
  await clock.pass(5000)
  t.alike(heard, [{ type: 'close', session: left.id, epoch: 1, isReleased: true }])
})

test('farewells - what was told to a peer that then goes is told again', async (t) => {
  const { clock, farewells, heard, arrive, session } = setUp()
  arrive()
  farewells.owe(B, session())
  await clock.pass(5000)
  farewells.gone(C)
  await clock.pass(5000)
  t.is(heard.length, 1)
  farewells.gone(B)
  await clock.pass(5000)
  t.is(heard.length, 2)
})

test('farewells - of a session that was never opened there is nothing to tell', async (t) => {
  const { clock, farewells, heard, arrive, session } = setUp()
  arrive()
  farewells.owe(B, session({ epoch: 0, isOpen: false }))
  await clock.pass(5000)
  t.is(heard.length, 0)
})

test('farewells - nobody is waited for without end, and no more than are bounded', async (t) => {
  const { clock, farewells, heard, arrive, session } = setUp()
  farewells.owe(B, session({ isOpen: false }))
  await clock.pass(1.1 * SESSION_IDLE_MS)
  const many = Array.from({ length: SESSIONS_MAX + 3 }, () => session())
  for (const one of many) farewells.owe(B, one)
  arrive()
  await clock.pass(5000)
  const told = heard.map((message) => 'session' in message && message.session)
  t.alike(
    told,
    many.slice(3).map(({ id }) => id)
  )
})
