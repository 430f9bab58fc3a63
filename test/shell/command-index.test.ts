import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import {
  COMMAND_INDEX_BYTES_MAX,
  COMMAND_INDEXED_CHARS_MAX,
  COMMANDS_INDEXED_MAX
} from '../../src/base/shell-limits.ts'
import { CommandIndex, foldCommands, isPlain } from '../../src/shell/command-index.ts'
import { spoolRecord } from '../helpers/spool-records.ts'

const all = () => true
const done = (command: string) => spoolRecord({ command, status: 0 })

test('command index - what succeeded comes newest first, each once', (t) => {
  const records = [done('a'), done('b'), done('a '), spoolRecord({ command: 'failed' })]
  t.alike(foldCommands(['b', 'old'], records, all), ['a', 'b', 'old'])
})

test('command index - only what ran to its end here gets in', (t) => {
  const asked = spoolRecord({ kind: 'asked', status: 0, command: 'x | swarm why' })
  t.alike(foldCommands([], [asked, spoolRecord({ status: 1 })], all), [])
})

test('command index - what would not show as one line stays out', (t) => {
  const bad = [
    'a\nb',
    'a\u001b[31m',
    'a\u202eb',
    'a\u0000',
    'x'.repeat(COMMAND_INDEXED_CHARS_MAX + 1)
  ]
  t.alike(foldCommands([], bad.map(done), all), [])
  t.is(foldCommands([], [done('x'.repeat(COMMAND_INDEXED_CHARS_MAX))], all).length, 1)
})

test('command index - what could be a secret stays out', (t) => {
  const secret = [
    'export GITHUB_TOKEN=x',
    'mysql --password=x',
    'git clone https://me:pw@example.org/x',
    'curl -H "Authorization: Bearer x"',
    'tool 4f3c2a1b9d8e7f6a5b4c3d2e1f0a9b8c'
  ]
  for (const command of secret) t.absent(isPlain(command), command)
  for (const command of ['git commit -m fix', 'ls /usr/lib/x86_64-linux-gnu', 'make -j4 O=build']) {
    t.ok(isPlain(command), command)
  }
  t.alike(foldCommands([], secret.map(done), all), [])
  t.alike(
    foldCommands([], [done('a'), done('b')], (command) => command !== 'a'),
    ['b']
  )
})

test('command index - its bounds hold', (t) => {
  const many = Array.from({ length: COMMANDS_INDEXED_MAX + 5 }, (_, i) => done(`c${i}`))
  const folded = foldCommands([], many, all)
  t.is(folded.length, COMMANDS_INDEXED_MAX)
  t.is(folded[0], `c${COMMANDS_INDEXED_MAX + 4}`)
  const long = Array.from({ length: 2000 }, (_, i) => done(String(i).padEnd(250, 'ä')))
  const bytes = foldCommands([], long, all).map((line) => Buffer.byteLength(line) + 1)
  const sum = bytes.reduce((a, b) => a + b, 0)
  t.ok(sum <= COMMAND_INDEX_BYTES_MAX && sum > COMMAND_INDEX_BYTES_MAX - 1000, `${sum} bytes`)
})

test('command index - the file is private, folded twice it is the same, removed it is gone', async (t) => {
  const index = new CommandIndex(join(await t.tmp(), 'commands'))
  t.alike(index.read(), [])
  const records = [done('a'), done('b')]
  t.is(index.fold(records, all), 2)
  const { mtimeMs, mode } = statSync(index.path)
  t.is(mode & 0o777, 0o600)
  t.is(index.fold(records, all), 2)
  t.is(statSync(index.path).mtimeMs, mtimeMs, 'it was not written again')
  t.alike(index.read(), ['b', 'a'])
  index.remove()
  index.remove()
  t.absent(existsSync(index.path))
})

test('command index - lines that it would not have written are not read', async (t) => {
  const index = new CommandIndex(join(await t.tmp(), 'commands'))
  writeFileSync(index.path, 'good\n\u001b[31mbad\n\n')
  t.alike(index.read(), ['good'])
})

test('command index - a folder that is gone is a clear refusal', async (t) => {
  const index = new CommandIndex(join(await t.tmp(), 'absent', 'commands'))
  t.exception(() => index.fold([done('a')], all), /cannot be used/)
})
