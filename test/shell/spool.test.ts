import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { FAILURE_OUTPUT_BYTES_MAX, SPOOL_BYTES_MAX } from '../../src/base/shell-limits.ts'
import { isOwnCommand, lastFailed, readLastFailure, Spool } from '../../src/shell/spool.ts'
import { keepWatched, readWatched } from '../../src/shell/watched.ts'
import { spoolBytes, spoolRecord } from '../helpers/spool-records.ts'

test('spool - opened, it is for its owner only; closed, nothing of it is there', async (t) => {
  const spool = new Spool(join(await t.tmp(), 'hook'))
  t.absent(spool.isOpen)
  spool.open()
  spool.open()
  t.is(statSync(spool.folder).mode & 0o777, 0o700)
  t.is(statSync(join(spool.folder, 'spool')).mode & 0o777, 0o600)
  writeFileSync(join(spool.folder, 'spool.old'), '')
  spool.close()
  t.absent(spool.isOpen || existsSync(join(spool.folder, 'spool.old')))
  spool.remove()
  spool.remove()
  t.absent(existsSync(spool.folder))
})

test('spool - a folder that others may enter, or that is a link, is refused', async (t) => {
  const parent = await t.tmp()
  const open = join(parent, 'open')
  mkdirSync(open)
  chmodSync(open, 0o755)
  const link = join(parent, 'link')
  mkdirSync(join(parent, 'real'), { mode: 0o700 })
  symlinkSync(join(parent, 'real'), link)
  writeFileSync(join(parent, 'file'), '')
  for (const name of ['open', 'link', 'file', 'absent/deep']) {
    t.exception(() => new Spool(join(parent, name)).open(), /cannot be used/, name)
  }
})

test('spool - both generations are read, oldest first', async (t) => {
  const spool = new Spool(join(await t.tmp(), 'hook'))
  t.alike(spool.read(), [])
  spool.open()
  const records = ['a', 'b', 'c'].map((command) => spoolRecord({ command }))
  writeFileSync(join(spool.folder, 'spool.old'), spoolBytes(...records.slice(0, 2)))
  appendFileSync(join(spool.folder, 'spool'), spoolBytes(...records.slice(2)))
  t.alike(spool.read(), records)
  t.is(spool.sizeBytes, spoolBytes(...records).length)
})

test('spool - of a file above every bound only the end is read', async (t) => {
  const spool = new Spool(join(await t.tmp(), 'hook'))
  spool.open()
  const path = join(spool.folder, 'spool')
  writeFileSync(path, spoolBytes(spoolRecord({ command: 'first' })))
  appendFileSync(path, Buffer.alloc(4 * SPOOL_BYTES_MAX))
  appendFileSync(path, spoolBytes(spoolRecord({ command: 'last' })))
  t.alike(
    spool.read().map(({ command }) => command),
    ['last']
  )
})

test('spool - a link, a pipe or a folder in its place is read as nothing', async (t) => {
  const folder = await t.tmp()
  chmodSync(folder, 0o700)
  const path = join(folder, 'spool')
  writeFileSync(join(folder, 'x'), spoolBytes(spoolRecord({})))
  symlinkSync(join(folder, 'x'), path)
  spawnSync('mkfifo', [`${path}.old`])
  t.alike(new Spool(folder).read(), [])
})

test('spool - the last failure of the shell that asks comes before any other', (t) => {
  const records = [
    spoolRecord({ shellPid: 1, command: 'mine' }),
    spoolRecord({ shellPid: 1, command: 'fine', status: 0 }),
    spoolRecord({ shellPid: 2, command: 'theirs' }),
    spoolRecord({ shellPid: 1, kind: 'asked', command: 'x | swarm why' })
  ]
  t.is(lastFailed(records, 1)?.command, 'mine')
  t.is(lastFailed(records, 3)?.command, 'theirs')
  t.is(lastFailed(records.slice(1, 2), 1), null)
})

test('spool - a line that asks about a failure is none', (t) => {
  const own = [
    'swarm why',
    '/usr/bin/swarm why -v',
    'make 2>&1 | swarm why',
    'cd x && swarm learn y'
  ]
  for (const line of [...own, 'swarm watch -- make']) t.ok(isOwnCommand(line), line)
  for (const line of ['swarm join home', 'swarms why', 'echo swarm why', 'make why']) {
    t.absent(isOwnCommand(line), line)
  }
  const records = [spoolRecord({}), spoolRecord({ command: 'swarm why' })]
  t.is(lastFailed(records, 100)?.command, 'make')
})

test('spool - the last failure is given as it was, without output', async (t) => {
  const spool = new Spool(join(await t.tmp(), 'hook'))
  t.is(readLastFailure(spool.folder, 1), null)
  spool.open()
  writeFileSync(join(spool.folder, 'spool'), spoolBytes(spoolRecord({ status: 2 })))
  t.alike(readLastFailure(spool.folder, 100), {
    command: 'make',
    status: 2,
    cwd: '/work',
    durationMs: 5,
    wallMs: 1_700_000_000_000,
    output: null,
    source: 'spool'
  })
})

const WATCHED = {
  command: 'make',
  status: 2,
  cwd: '/',
  durationMs: 5,
  wallMs: 7,
  output: 'x\ny',
  source: 'watch'
} as const

test('watched - the last one is kept, for its owner only', async (t) => {
  const folder = join(await t.tmp(), 'hook')
  t.is(readWatched(folder), null)
  keepWatched(folder, { ...WATCHED, status: 1 })
  keepWatched(folder, WATCHED)
  t.alike(readWatched(folder), WATCHED)
  t.is(statSync(join(folder, 'watched')).mode & 0o777, 0o600)
  const largest = { ...WATCHED, output: '\u0001'.repeat(FAILURE_OUTPUT_BYTES_MAX) }
  keepWatched(folder, largest)
  t.is(readWatched(folder)?.output?.length, FAILURE_OUTPUT_BYTES_MAX)
})

test('watched - a file cut short or with a wrong field is as good as none', async (t) => {
  const folder = join(await t.tmp(), 'hook')
  keepWatched(folder, WATCHED)
  const path = join(folder, 'watched')
  const text = JSON.stringify(WATCHED)
  for (let size = 0; size < text.length; size++) {
    writeFileSync(path, text.slice(0, size))
    if (readWatched(folder) !== null) t.fail(`${size} bytes`)
  }
  const bad: Record<string, unknown>[] = [
    { command: 5 },
    { status: 256 },
    { status: -1 },
    { status: 1.5 },
    { wallMs: 'x' },
    { durationMs: 2 ** 60 },
    { output: {} },
    { output: 'x'.repeat(FAILURE_OUTPUT_BYTES_MAX + 1) },
    { cwd: null }
  ]
  for (const fields of bad) {
    writeFileSync(path, JSON.stringify({ ...WATCHED, ...fields }))
    t.is(readWatched(folder), null, JSON.stringify(fields).slice(0, 40))
  }
  writeFileSync(path, 'null')
  t.is(readWatched(folder), null)
})
