import test from 'brittle'

import { SessionTable } from '../../src/pipeline/session-table.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { SESSION } from '../helpers/host-bench.ts'

import type { HostedSession } from '../../src/pipeline/hosted-session.ts'

const OTHER = sessionIdOf(new Uint8Array(16).fill(2))

/** The little of a hosted session that the table looks at. */
function hosted(session: string, epoch: number, index: number, start: number, end: number) {
  const open = { session, epoch, index }
  return { open, stage: { start, end } } as unknown as HostedSession
}

test('session table - frames find their stage by epoch and index', (t) => {
  const table = new SessionTable()
  const [first, last] = [hosted(SESSION, 2, 0, 0, 4), hosted(SESSION, 2, 2, 8, 12)]
  table.add(first)
  table.add(last)
  t.is(table.find(SESSION, 2, 0), first)
  t.is(table.find(SESSION, 2, 2), last)
  t.is(table.find(SESSION, 2, 1), null)
  t.is(table.find(SESSION, 1, 0), null, 'late')
  t.is(table.find(OTHER, 2, 0), null)
})

test('session table - a new epoch finds a stage by its layers', (t) => {
  const table = new SessionTable()
  const own = hosted(SESSION, 2, 1, 4, 8)
  table.add(own)
  t.is(table.withLayers(SESSION, { start: 4, end: 8 }), own)
  t.is(table.withLayers(SESSION, { start: 4, end: 7 }), null)
  t.is(table.withLayers(OTHER, { start: 4, end: 8 }), null)
})

test('session table - what is removed is gone, once', (t) => {
  const table = new SessionTable()
  const [one, two] = [hosted(SESSION, 1, 0, 0, 4), hosted(SESSION, 1, 1, 4, 8)]
  table.add(one)
  table.add(two)
  table.remove(one)
  table.remove(one)
  t.is(table.size, 1)
  t.alike(table.of(SESSION), [two])
  table.remove(two)
  t.is(table.size, 0)
  t.alike(table.all(), [])
})
