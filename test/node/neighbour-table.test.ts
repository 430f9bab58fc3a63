import test from 'brittle'

import { NEIGHBOURS_MAX } from '../../src/base/limits.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { NeighbourTable } from '../../src/node/neighbour-table.ts'
import { keyOf } from '../helpers/views.ts'

const A = keyOf('a')
const B = keyOf('b')
const MINUTE_MS = 60_000

/** A link of 0.3 ms that was measured. */
function measured(rttMs = 0.3, mbps = 900): NeighbourTable {
  const table = new NeighbourTable()
  table.delay(A, 'tcp', rttMs, 0)
  table.path(A, { rttMs, mbps }, 0)
  return table
}

test('neighbour table - a link is told as half its round trip and what it carries, in steps', (t) => {
  t.alike(measured().records(0), [{ peer: A, delayUs: 152, mbps: 861, seenMiBps: 0 }])
})

test('neighbour table - nothing is nearer than half a tenth of a millisecond', (t) => {
  t.is(measured(0.01).records(0)[0]?.delayUs, 53)
})

test('neighbour table - a new link is told once its path was measured', (t) => {
  const table = new NeighbourTable()
  t.ok(table.isSettling(A, 0))
  // What keeps a peer busy that is just starting is in its first round trips, and in no path.
  table.delay(A, 'tcp', 300, 100)
  t.alike(table.records(100), [])
  t.ok(table.isSettling(A, 100))
  table.path(A, { rttMs: 0.3, mbps: 900 }, 700)
  t.alike(table.records(700), [{ peer: A, delayUs: 152, mbps: 861, seenMiBps: 0 }])
  t.absent(table.isSettling(A, 700))
})

test('neighbour table - what kept a new link busy while it was measured is soon told no more', (t) => {
  const table = measured(2)
  t.is(table.records(0)[0]?.delayUs, 1024)
  table.delay(A, 'tcp', 0.9, 250)
  t.is(table.records(250)[0]?.delayUs, 430)
  table.delay(A, 'tcp', 5, 500)
  t.is(table.records(500)[0]?.delayUs, 430, 'more is told after ten minutes, as of any way')
  table.delay(A, 'tcp', 0.9, 31_000)
  table.delay(A, 'tcp', 0.3, 31_250)
  t.is(table.records(31_250)[0]?.delayUs, 430, 'less with the next half minute, once it is not new')
  table.delay(A, 'tcp', 0.9, 61_500)
  t.is(table.records(61_500)[0]?.delayUs, 152)
})

test('neighbour table - what cannot be measured is waited for briefly and told after a minute', (t) => {
  const table = new NeighbourTable()
  for (let nowMs = 0; nowMs <= MINUTE_MS; nowMs += 250) {
    table.delay(A, 'tcp', nowMs < 5000 ? 300 : 0.3, nowMs)
    if (nowMs === 2000) t.ok(table.isSettling(A, nowMs))
    if (nowMs === 2250) t.absent(table.isSettling(A, nowMs))
  }
  t.alike(table.records(MINUTE_MS), [])
  t.alike(table.records(MINUTE_MS + 1), [{ peer: A, delayUs: 152, mbps: 0, seenMiBps: 0 }])
})

test('neighbour table - a link without a lane carries what UDX does, unmeasured', (t) => {
  const table = new NeighbourTable()
  table.delay(A, 'udx', 2, 0)
  t.ok(table.isSettling(A, 2000))
  t.alike(table.records(2000), [])
  t.alike(table.records(2001), [{ peer: A, delayUs: 1024, mbps: 609, seenMiBps: 0 }])
  t.absent(table.needsPath(A, 0, 2001))
})

test('neighbour table - a path is measured once, and again after an hour', (t) => {
  const table = new NeighbourTable()
  table.delay(A, 'tcp', 0.3, 0)
  t.absent(table.needsPath(A, 500, 499))
  t.ok(table.needsPath(A, 500, 500))
  table.path(A, { rttMs: 0.3, mbps: 900 }, 500)
  table.keep(new Set(), 600)
  table.delay(A, 'tcp', 0.3, 10_000)
  t.absent(table.needsPath(A, 0, 10_000), 'a link that was renewed')
  t.ok(table.needsPath(A, 0, 61 * MINUTE_MS))
})

test('neighbour table - what is in the way for a while changes nothing, for ten minutes it does', (t) => {
  const table = measured()
  let nowMs = 0
  const pass = (minutes: number, rttMs: number) => {
    for (const endMs = nowMs + minutes * MINUTE_MS; nowMs < endMs;) {
      nowMs += 250
      table.delay(A, 'tcp', rttMs, nowMs)
    }
    return table.records(nowMs)[0]?.delayUs
  }
  t.is(pass(9, 5), 152)
  t.is(pass(2, 5), 2436)
  t.is(pass(1, 0.3), 152, 'a way that got shorter is so at once')
})

test('neighbour table - a day of noise is no news', (t) => {
  const random = seededRandom(4)
  const table = measured()
  const told = new Set<string>()
  let changes = 0
  let last = ''
  for (let nowMs = 0; nowMs < 24 * 60 * MINUTE_MS; nowMs += 1000) {
    // 20 % and now and then ten times as long.
    const spike = below(random, 10) === 0 ? 3 : 0
    table.delay(A, 'tcp', 0.3 + below(random, 60) / 1000 + spike, nowMs)
    if (nowMs % (61 * MINUTE_MS) === 0)
      table.path(A, { rttMs: 0.35, mbps: 800 + below(random, 200) }, nowMs)
    const text = JSON.stringify(table.records(nowMs))
    if (text !== last) changes++
    last = text
    told.add(text)
  }
  t.ok(changes <= 5, `${changes} changes`)
  t.ok(told.size <= 3, `${told.size} states`)
})

test('neighbour table - a link that comes and goes is told all the time', (t) => {
  const table = measured()
  const [told] = table.records(0)
  for (let nowMs = 0; nowMs < 9 * MINUTE_MS; nowMs += 250) table.keep(new Set(), nowMs)
  t.alike(table.records(9 * MINUTE_MS), [told])
  table.delay(A, 'tcp', 0.3, 9 * MINUTE_MS)
  t.alike(table.records(9 * MINUTE_MS), [told])
})

test('neighbour table - a link that is lost for long is told no more, and begins anew', (t) => {
  const table = measured()
  table.keep(new Set(), 10 * MINUTE_MS)
  t.alike(table.records(10 * MINUTE_MS), [])
  table.delay(A, 'tcp', 300, 11 * MINUTE_MS)
  t.alike(table.records(11 * MINUTE_MS), [], 'not before it is measured')
  t.ok(table.needsPath(A, 0, 11 * MINUTE_MS))
  table.path(A, { rttMs: 5, mbps: 100 }, 11 * MINUTE_MS)
  t.alike(table.records(11 * MINUTE_MS), [{ peer: A, delayUs: 2436, mbps: 107, seenMiBps: 0 }])
})

test('neighbour table - another kind of lane is another way', (t) => {
  const table = measured()
  table.delay(A, 'udx', 2, 1000)
  t.alike(table.records(3001), [{ peer: A, delayUs: 1024, mbps: 609, seenMiBps: 0 }])
})

test('neighbour table - of an hour the fastest that was seen counts, and then no longer', (t) => {
  const table = new NeighbourTable()
  table.seen(A, 20_000, 0)
  table.seen(A, 5000, 1000)
  t.alike(table.records(1000), [{ peer: A, delayUs: 0, mbps: 0, seenMiBps: 19_488 }])
  table.seen(A, 5000, 61 * MINUTE_MS)
  t.is(table.records(61 * MINUTE_MS)[0]?.seenMiBps, 4872)
  t.alike(table.records(130 * MINUTE_MS), [])
})

test('neighbour table - of more than fit the farthest are told, in the order of their keys', (t) => {
  const table = new NeighbourTable()
  for (let i = 0; i < NEIGHBOURS_MAX + 9; i++) {
    const peer = keyOf((i + 16).toString(16))
    table.delay(peer, 'tcp', 40 - i, 0)
    table.path(peer, { rttMs: 40 - i, mbps: 900 }, 0)
  }
  const records = table.records(0)
  t.is(records.length, NEIGHBOURS_MAX)
  t.is(records[0]?.peer, keyOf('10'))
  t.alike(
    records.map(({ peer }) => peer),
    records.map(({ peer }) => peer).toSorted()
  )
})

test('neighbour table - a thousand that come and go are forgotten, who is here is not', (t) => {
  const table = measured()
  const linked = new Set([A])
  for (let i = 0; i < 1000; i++) {
    const peer = keyOf((i + 4096).toString(16))
    table.seen(peer, 9000, i)
    table.keep(linked, i)
  }
  t.ok(table.records(1000).some(({ peer }) => peer === A))
  table.seen(B, 9000, 1000)
  t.is(table.records(1000).length, NEIGHBOURS_MAX)
})
