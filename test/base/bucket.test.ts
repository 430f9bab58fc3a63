import test from 'brittle'

import { Bucket } from '../../src/base/bucket.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

test('bucket - gives its burst at once, then its rate', (t) => {
  const clock = new FakeClock()
  const bucket = new Bucket(clock, 10, 3)
  t.alike([bucket.take(), bucket.take(), bucket.take(), bucket.take()], [true, true, true, false])
  clock.advance(100)
  t.alike([bucket.take(), bucket.take()], [true, false])
  clock.advance(60_000)
  t.ok(bucket.take(3))
  t.absent(bucket.take())
})

test('bucket - what does not fit takes nothing', (t) => {
  const bucket = new Bucket(new FakeClock(), 1, 5)
  t.absent(bucket.take(6))
  t.ok(bucket.take(5))
})

test('bucket - gives as many as there are when asked for up to a number', (t) => {
  const clock = new FakeClock()
  const bucket = new Bucket(clock, 10, 5)
  t.alike([bucket.takeUpTo(3), bucket.takeUpTo(3), bucket.takeUpTo(3)], [3, 2, 0])
  clock.advance(150)
  t.is(bucket.takeUpTo(3), 1, 'whole ones only')
  t.is(bucket.takeUpTo(0), 0)
})
