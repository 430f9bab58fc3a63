import test from 'brittle'

import { PROBE_ENDS_MAX, PROBE_STRANGERS_MAX } from '../../../src/base/limits.ts'
import { EndTable } from '../../../src/peer/probe/end-table.ts'

import type { Sighting } from '../../../src/peer/probe/finder.ts'
import type { PeerId } from '../../../src/wire/ids.ts'

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [PeerId, PeerId, PeerId]
const seen = (key: PeerId, kind: Sighting['kind'] = 'bridge', host = '169.254.1.1'): Sighting => {
  return { kind, key, host, port: 4000 }
}

test('end table - the greater key leads at once', (t) => {
  const table = new EndTable(B)
  const lesser = table.add(seen(A), 'eth1', 0)
  t.is(table.next(0, false), lesser)
  t.is(table.next(0, true), lesser)
})

test('end table - the lesser key waits, then steps in unless it is being measured', (t) => {
  const table = new EndTable(A)
  const greater = table.add(seen(B), 'eth1', 100)
  t.is(table.next(3100, false), null)
  t.is(table.next(3101, true), null)
  t.is(table.next(3101, false), greater)
  t.ok(table.isWaiting)
})

test('end table - an end that cannot be reached is tried again for a while, then no more', (t) => {
  const table = new EndTable(B)
  const end = table.add(seen(A), 'eth1', 0)
  let [nowMs, tries] = [0, 0]
  for (; nowMs < 60_000; nowMs += 50) {
    const next = table.next(nowMs, false)
    if (next === null) continue
    tries++
    table.unreachable(next, nowMs)
  }
  t.is(tries, 4)
  t.is(end?.tried, true)
  t.absent(table.isWaiting)
})

test('end table - a running peer is tried by us, whoever has the greater key', (t) => {
  const table = new EndTable(A)
  const peer = table.add(seen(B, 'peer'), 'eth1', 0)
  t.is(table.next(0, true), peer)
})

test('end table - one cable is measured once, two cables to one machine twice', (t) => {
  const table = new EndTable(B)
  const first = table.add(seen(A), 'eth1', 0)
  t.is(table.add(seen(A, 'bridge', 'fe80::1%eth1'), 'eth1', 1), null)
  const second = table.add(seen(A, 'bridge', '10.0.0.1'), 'eth2', 1)
  if (first) first.tried = true
  t.is(table.next(1, false), second)
  if (second) second.tried = true
  t.is(table.next(9999, false), null)
  t.absent(table.isWaiting)
})

test('end table - somebody with another topic is told, not tried', (t) => {
  const table = new EndTable(C)
  table.add(seen(A, 'other-topic'), 'eth1', 0)
  t.is(table.next(9999, false), null)
  t.absent(table.isWaiting)
  t.is(table.found()[0]?.kind, 'other-topic')
})

test('end table - who calls under the topic as well is no other', (t) => {
  const table = new EndTable(C)
  table.add(seen(A, 'other-topic'), 'eth1', 0)
  table.add(seen(A), 'eth1', 1)
  t.alike(
    table.found().map(({ kind }) => kind),
    ['bridge']
  )
})

test('end table - what is found has nothing of the table in it', (t) => {
  const table = new EndTable(B)
  table.add(seen(A), 'eth1', 0)
  const names = ['kind', 'key', 'host', 'port', 'interfaceName', 'connectMs', 'figures', 'error']
  t.alike(Object.keys(table.found()[0] ?? {}), names)
})

test('end table - is bounded: anybody on a network can make ends up', (t) => {
  const table = new EndTable(B)
  for (let i = 0; i < 3 * PROBE_ENDS_MAX; i++) table.add(seen(A, 'peer', `10.0.0.${i}`), null, 0)
  t.is(table.found().length, PROBE_ENDS_MAX)
})

test('end table - strangers, who can be made up, leave the room of members alone', (t) => {
  const table = new EndTable(B)
  for (let i = 0; i < 100; i++) table.add(seen(C, 'other-topic', `10.0.0.${i}`), null, 0)
  t.is(table.found().length, PROBE_STRANGERS_MAX)
  t.ok(table.add(seen(A), 'eth1', 0))
})
