import test from 'brittle'

import { Pings, RttEstimate } from '../../../src/peer/link/rtt.ts'

test('rtt - is unknown before a sample and the sample after one', (t) => {
  const rtt = new RttEstimate()
  t.is(rtt.valueMs, null)
  rtt.sample(7)
  t.is(rtt.valueMs, 7)
})

test('rtt - three slow samples of four leave no trace', (t) => {
  const rtt = new RttEstimate()
  for (const ms of [0.2, 90, 80, 70, 0.2, 300, 0.2]) rtt.sample(ms)
  t.ok((rtt.valueMs as number) < 0.3)
})

test('rtt - follows a path that became slower within a few seconds of samples', (t) => {
  const rtt = new RttEstimate()
  for (let i = 0; i < 20; i++) rtt.sample(1)
  for (let i = 0; i < 40; i++) rtt.sample(20)
  t.ok((rtt.valueMs as number) > 19)
})

test('pings - an answer is matched to its ping, once', (t) => {
  const pings = new Pings()
  const [a, b] = [pings.next(100), pings.next(200)]
  t.is(pings.answered(b, 203), 3)
  t.is(pings.answered(a, 203), 103)
  t.is(pings.answered(a, 204), null)
  t.is(pings.answered(12_345, 204), null)
})

test('pings - what is never answered is forgotten, oldest first', (t) => {
  const pings = new Pings()
  const ids = Array.from({ length: 100 }, (_, ms) => pings.next(ms))
  t.is(pings.answered(ids[0] as number, 200), null)
  t.is(pings.answered(ids[99] as number, 200), 101)
})
