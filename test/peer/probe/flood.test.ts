import { EventEmitter } from 'node:events'
import test from 'brittle'

import { PROBE_FLOOD_BYTES_MAX } from '../../../src/base/limits.ts'
import { flood, FLOOD_MS, FloodMeter, rateOf } from '../../../src/peer/probe/flood.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

class Sink extends EventEmitter {
  destroyed = false
}

test('flood - ends after its time, however fast it is', async (t) => {
  const clock = new FakeClock()
  let blocks = 0
  await flood(new Sink(), clock, 1000, () => {
    clock.advance(1)
    blocks++
    return true
  })
  t.is(blocks, FLOOD_MS)
})

test('flood - ends at its bound of bytes, to the byte', async (t) => {
  const meter = new FloodMeter(new FakeClock())
  const blockBytes = PROBE_FLOOD_BYTES_MAX / 64
  let fine = true
  await flood(new Sink(), new FakeClock(), blockBytes, () => (fine = meter.add(blockBytes)))
  t.ok(fine)
  t.is(meter.figure().sizeBytes, PROBE_FLOOD_BYTES_MAX)
  t.absent(meter.add(1))
})

test('flood - waits for a slow reader, and not for one that is gone', async (t) => {
  const sink = new Sink()
  let blocks = 0
  const done = flood(sink, new FakeClock(), 1, () => ++blocks < 0)
  t.is(blocks, 1)
  sink.emit('drain')
  await new Promise(setImmediate)
  t.is(blocks, 2)
  sink.destroyed = true
  sink.emit('close')
  await done
  t.is(blocks, 2)
  t.alike([sink.listenerCount('drain'), sink.listenerCount('close')], [0, 0])
})

test('flood - a rate is bytes by the time between the first and the last', (t) => {
  const clock = new FakeClock()
  const meter = new FloodMeter(clock)
  clock.advance(5000)
  for (let i = 0; i <= 10; i++) {
    meter.add(1000)
    if (i < 10) clock.advance(50)
  }
  t.alike(meter.figure(), { sizeBytes: 11_000, durationUs: 500_000 })
  t.is(rateOf(meter.figure()), 22_000)
})

test('flood - too little says nothing', (t) => {
  t.is(rateOf(new FloodMeter(new FakeClock()).figure()), null)
  t.is(rateOf({ sizeBytes: 0, durationUs: 0 }), null)
  t.is(rateOf({ sizeBytes: 5, durationUs: 900 }), null)
})
