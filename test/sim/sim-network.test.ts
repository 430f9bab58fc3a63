import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { hopsSuite } from '../helpers/hops-suite.ts'
import { SimClock } from '../helpers/sim-clock.ts'
import { SimNetwork } from '../helpers/sim-network.ts'
import { keyOf } from '../helpers/views.ts'

const keys = [keyOf('a'), keyOf('b'), keyOf('c')] as const

function create(seed = 1) {
  const clock = new SimClock()
  const network = new SimNetwork(clock, seededRandom(seed))
  const hops = [network.join(keys[0]), network.join(keys[1]), network.join(keys[2])] as const
  return { clock, network, hops }
}

hopsSuite('simulated hops', () => {
  const { clock, network, hops } = create()
  return Promise.resolve({
    hops: [hops[0], hops[1], hops[2]],
    async until(condition) {
      if (!(await clock.until(condition, 10_000))) throw new Error('it never happens')
    },
    lose: (index) => network.crash(keys[index] as (typeof keys)[0])
  })
})

const close = {
  type: 'close',
  session: sessionIdOf(new Uint8Array(16)),
  epoch: 1,
  isReleased: false
} as const

async function arrivals(seed: number): Promise<number[]> {
  const { clock, hops } = create(seed)
  const times: number[] = []
  hops[1].onMessage(() => times.push(clock.now()))
  for (let i = 0; i < 50; i++) {
    hops[0].to(keys[1]).send(close)
    await clock.pass(2)
  }
  await clock.until(() => times.length === 50)
  return times
}

test('simulated network - one seed is one run, another seed another', async (t) => {
  t.alike(await arrivals(5), await arrivals(5))
  t.unlike(await arrivals(5), await arrivals(6))
})

test('simulated network - messages take time, and not always the same', async (t) => {
  const times = await arrivals(5)
  const delays = times.map((time, i) => time - (1000 + 2 * i))
  t.ok(delays.every((delay) => delay >= 0.25 && delay < 1.3))
  t.ok(new Set(delays.map((delay) => delay.toFixed(4))).size > 40)
})

test('simulated network - bytes take time', async (t) => {
  const { clock, hops } = create()
  let arrivedMs = 0
  hops[1].onMessage(() => (arrivedMs = clock.now()))
  const header = {
    session: close.session,
    epoch: 1,
    index: 1,
    stop: 1,
    position: 0,
    nTokens: 100,
    dim: 4000,
    sample: false,
    drafted: false,
    company: 0
  }
  hops[0].to(keys[1]).allocate(header).send()
  await clock.until(() => arrivedMs > 0)
  t.ok(arrivedMs - 1000 > 13.6, '1.6 MB at 117 MB/s')
})

test('simulated network - a crash loses what is on its way, and the others are told', async (t) => {
  const { clock, network, hops } = create()
  let received = 0
  let goneMs = 0
  hops[1].onMessage(() => received++)
  hops[1].onGone(() => (goneMs = clock.now()))
  hops[0].to(keys[1]).send(close)
  network.crash(keys[0])
  await clock.until(() => goneMs > 0)
  t.is(received, 0)
  t.is(network.counts.lost, 1)
  t.ok(goneMs - 1000 >= 490 && goneMs - 1000 <= 700, `${goneMs - 1000} ms`)
})

test('simulated network - a healed link carries new messages and none of the old', async (t) => {
  const { clock, network, hops } = create()
  let received = 0
  hops[1].onMessage(() => received++)
  hops[0].to(keys[1]).send(close)
  network.cut(keys[0], keys[1])
  await clock.pass(1000)
  t.exception(() => hops[0].to(keys[1]), /cannot be reached/)
  network.heal(keys[0], keys[1])
  hops[0].to(keys[1]).send(close)
  await clock.pass(1000)
  t.is(received, 1)
})
