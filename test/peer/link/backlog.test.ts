import test from 'brittle'

import { Backlog } from '../../../src/peer/link/backlog.ts'

test('backlog - what is drained at once never counts', (t) => {
  const backlog = new Backlog(() => 0)
  backlog.sent(5000, true)
  t.is(backlog.bytes, 0)
  t.is(backlog.isFilling, false)
})

test('backlog - bytes that the connection takes leave it, and draining empties it', (t) => {
  let written = 100
  const backlog = new Backlog(() => written)
  backlog.drained()
  backlog.sent(8000, false)
  backlog.sent(1000, false)
  t.is(backlog.bytes, 9000)
  written += 3000
  t.is(backlog.bytes, 6000)
  t.is(backlog.isFilling, true)
  backlog.drained()
  t.is(backlog.bytes, 0)
  t.is(backlog.isFilling, false)
})
