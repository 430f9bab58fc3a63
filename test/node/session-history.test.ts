// The answers that a peer remembers: across a restart, within bounds, and past damage.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { SESSION_HISTORY_BYTES_MAX, SESSION_HISTORY_MAX } from '../../src/base/limits.ts'
import {
  formatHistory,
  parseHistory,
  readHistory,
  SessionHistory
} from '../../src/node/session-history.ts'
import { formatReport, type SessionReport } from '../../src/wire/session-report.ts'
import { threePeers } from '../helpers/top-states.ts'

const base = threePeers().generation as SessionReport
const reportOf = (index: number): SessionReport => {
  return { ...base, session: index.toString(16).padStart(32, '0') }
}
const FILE = 'session-history.jsonl'
const silent = () => {}

test('session history - is there again after a restart, readable by its owner alone', async (t) => {
  const folder = await t.tmp()
  const first = new SessionHistory(folder, (text) => t.fail(text))
  await first.open()
  first.add(reportOf(1))
  first.add(reportOf(2))
  t.alike(first.reports, [reportOf(1), reportOf(2)])
  await first.close()
  const second = new SessionHistory(folder, (text) => t.fail(text))
  await second.open()
  t.alike(second.reports, first.reports)
  t.is(statSync(join(folder, FILE)).mode & 0o777, 0o600)
  t.alike(readdirSync(folder), [FILE], 'no draft stays')
})

test('session history - keeps the newest within its bounds', async (t) => {
  const folder = await t.tmp()
  const history = new SessionHistory(folder, (text) => t.fail(text))
  for (let index = 0; index < SESSION_HISTORY_MAX + 5; index++) history.add(reportOf(index))
  t.is(history.reports.length, SESSION_HISTORY_MAX)
  t.is(history.reports.at(-1)?.session, reportOf(SESSION_HISTORY_MAX + 4).session)
  await history.close()
  t.alike((await readHistory(folder)).reports, history.reports)
  const hops = Array.from({ length: 64 }, () => base.hops[0] as (typeof base.hops)[0])
  const large = Array.from({ length: SESSION_HISTORY_MAX }, (_, i) => ({ ...reportOf(i), hops }))
  const text = formatHistory(large)
  t.ok(Buffer.byteLength(text) <= SESSION_HISTORY_BYTES_MAX)
  const { reports } = parseHistory(text, FILE)
  t.ok(reports.length > 4 && reports.length < SESSION_HISTORY_MAX)
  t.alike(reports, large.slice(-reports.length))
})

test('session history - damaged lines are left out with one sentence', async (t) => {
  const folder = await t.tmp()
  const lines = [formatReport(reportOf(1)), '{"half', formatReport(reportOf(2)), '\u0000\u0000']
  writeFileSync(join(folder, FILE), lines.join('\n'))
  const told: string[] = []
  const history = new SessionHistory(folder, (text) => told.push(text))
  await history.open()
  t.alike(history.reports, [reportOf(1), reportOf(2)])
  t.is(told.length, 1)
  t.ok(told[0]?.startsWith('2 lines are damaged in '), told[0])
  history.add(reportOf(3))
  await history.close()
  t.alike(await readHistory(folder), { reports: history.reports, damage: null }, 'and mended')
})

test('session history - a file that is too large or none is told of and not read', async (t) => {
  const [folder, other] = [await t.tmp(), await t.tmp()]
  writeFileSync(join(folder, FILE), 'x'.repeat(SESSION_HISTORY_BYTES_MAX + 1))
  mkdirSync(join(other, FILE))
  for (const place of [folder, other]) {
    const { reports, damage } = await readHistory(place)
    t.alike(reports, [])
    t.ok(damage?.includes('is no history of answers'), damage ?? '')
  }
  t.alike(await readHistory(join(folder, 'nowhere')), { reports: [], damage: null })
})

test('session history - an answer goes on where nothing can be written, told once', async (t) => {
  const told: string[] = []
  const history = new SessionHistory(join(await t.tmp(), 'nowhere'), (text) => told.push(text))
  history.add(reportOf(1))
  await history.close()
  history.add(reportOf(2))
  await history.close()
  t.is(history.reports.length, 2)
  t.is(told.length, 1)
  t.ok(told[0]?.includes('cannot be written'), told[0])
})

test('session history - a reader finds whole lines while they are replaced', async (t) => {
  const folder = await t.tmp()
  const history = new SessionHistory(folder, silent)
  let seen = 0
  for (let index = 0; index < 40; index++) {
    history.add(reportOf(index))
    const { reports, damage } = await readHistory(folder)
    t.is(damage, null)
    if (reports.length < seen) t.fail('older lines came back')
    seen = reports.length
  }
  await history.close()
  t.is(readFileSync(join(folder, FILE), 'utf8').trimEnd().split('\n').length, 40)
})
