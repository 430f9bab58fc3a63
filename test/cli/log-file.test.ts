// join.log: what the peer says while the dashboard has its terminal.

import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { JOIN_LOG_BYTES_MAX } from '../../src/base/limits.ts'
import { LogFile } from '../../src/cli/log-file.ts'

test('log file - lines are appended, for their owner only, without control characters', async (t) => {
  const path = join(await t.tmp(), 'join.log')
  const log = new LogFile(path)
  log.write('one \u001b[31mred')
  log.close()
  log.write('lost')
  const again = new LogFile(path)
  again.write('two')
  t.is(readFileSync(path, 'utf8'), 'one [31mred\ntwo\n')
  t.is(statSync(path).mode & 0o777, 0o600)
})

test('log file - beyond its bound it begins anew and keeps one older file', async (t) => {
  const path = join(await t.tmp(), 'join.log')
  new LogFile(path).write('old')
  truncateSync(path, JOIN_LOG_BYTES_MAX + 1)
  const log = new LogFile(path)
  log.write('new')
  t.is(readFileSync(path, 'utf8'), 'new\n')
  t.is(statSync(`${path}.1`).size, JOIN_LOG_BYTES_MAX + 1)
})

test('log file - a folder that is gone ends nothing', async (t) => {
  const path = join(await t.tmp(), 'gone', 'join.log')
  t.execution(() => new LogFile(path).write('one'))
  t.absent(existsSync(path))
})
