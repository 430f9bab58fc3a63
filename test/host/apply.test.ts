// Changing settings and taking them back, on a made-up machine: again, twice, after a crash at each step.

import { appendFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { JOURNAL_BYTES_MAX } from '../../src/base/limits.ts'
import { applyChanges, undoChanges } from '../../src/host/apply.ts'
import { Journal } from '../../src/host/journal.ts'
import { isAllowed, persistChange, SYSCTL_FILE, type Change } from '../../src/host/setting.ts'
import { madeHost, type MadeHost } from '../helpers/made-host.ts'

const RMEM = '/proc/sys/net/core/rmem_max'
const TCP = '/proc/sys/net/ipv4/tcp_rmem'
const MTU = '/sys/class/net/eth1/mtu'

const CHANGES: Change[] = [
  { path: RMEM, name: 'net.core.rmem_max', from: '212992', to: '4194304' },
  { path: TCP, name: 'net.ipv4.tcp_rmem', from: '4096 87380 200000', to: '4096 87380 4194304' },
  { path: MTU, name: 'MTU of eth1', from: '1400', to: '1500' }
]

const BEFORE = { [RMEM]: '212992', [TCP]: '4096\t87380\t200000', [MTU]: '1400' }
const AFTER = { [RMEM]: '4194304', [TCP]: '4096 87380 4194304', [MTU]: '1500' }

interface Bench extends MadeHost {
  journal: Journal
}

async function bench(t: Test): Promise<Bench> {
  const made = await madeHost(t, { ...BEFORE, '/etc/sysctl.d/': '', '/data/': '' })
  return { ...made, journal: new Journal(join(made.root, 'data/host-changes')) }
}

function state({ files }: Bench): Record<string, string | null> {
  return Object.fromEntries(Object.keys(BEFORE).map((path) => [path, files.read(path)]))
}

const results = (outcomes: { result: string }[]) => outcomes.map(({ result }) => result)

test('apply - changes what it was given, and undo takes it back', async (t) => {
  const b = await bench(t)
  t.alike(results(applyChanges(CHANGES, b.files, b.journal)), ['changed', 'changed', 'changed'])
  t.alike(state(b), AFTER)
  t.alike(results(undoChanges(b.files, b.journal)), ['changed', 'changed', 'changed'])
  t.alike(state(b), BEFORE)
  t.absent(existsSync(b.journal.path))
})

test('apply - twice is once, and undo twice is once', async (t) => {
  const b = await bench(t)
  applyChanges(CHANGES, b.files, b.journal)
  t.alike(results(applyChanges(CHANGES, b.files, b.journal)), ['kept', 'kept', 'kept'])
  t.is(b.journal.read().length, 3)
  undoChanges(b.files, b.journal)
  t.alike(undoChanges(b.files, b.journal), [])
  t.alike(state(b), BEFORE)
})

test('apply - changes on changes are taken back to the first', async (t) => {
  const b = await bench(t)
  applyChanges(CHANGES, b.files, b.journal)
  const [, , mtu] = CHANGES as [Change, Change, Change]
  applyChanges([{ ...mtu, from: '1500', to: '9000' }], b.files, b.journal)
  t.is(b.files.read(MTU), '9000')
  undoChanges(b.files, b.journal)
  t.alike(state(b), BEFORE)
})

test('apply - a crash between journal and change leaves nothing that undo does not know', async (t) => {
  for (let made = 0; made < CHANGES.length; made++) {
    const b = await bench(t)
    applyChanges(CHANGES.slice(0, made), b.files, b.journal)
    b.journal.append(CHANGES[made] as Change)
    const outcomes = undoChanges(b.files, b.journal)
    t.alike(results(outcomes), ['kept', ...Array.from({ length: made }, () => 'changed')])
    t.alike(state(b), BEFORE)
    t.alike(undoChanges(b.files, b.journal), [])
  }
})

test('apply - a crash in the middle of a journal line, at each of its bytes, loses nothing', async (t) => {
  const b = await bench(t)
  applyChanges(CHANGES.slice(0, 1), b.files, b.journal)
  const whole = readFileSync(b.journal.path)
  applyChanges(CHANGES.slice(1, 2), b.files, b.journal)
  const both = readFileSync(b.journal.path)
  b.files.write(TCP, BEFORE[TCP] as string)
  for (let size = whole.byteLength; size < both.byteLength; size++) {
    writeFileSync(b.journal.path, both.subarray(0, size))
    t.is(b.journal.read().length, 1)
  }
  // It goes on behind what was whole.
  applyChanges(CHANGES, b.files, b.journal)
  t.alike(state(b), AFTER)
  undoChanges(b.files, b.journal)
  t.alike(state(b), BEFORE)
})

test('apply - a crash in the middle of undo is finished by the next undo', async (t) => {
  const b = await bench(t)
  applyChanges(CHANGES, b.files, b.journal)
  b.files.write(MTU, '1400')
  t.alike(results(undoChanges(b.files, b.journal)), ['kept', 'changed', 'changed'])
  t.alike(state(b), BEFORE)
})

test('apply - what somebody else has changed since is left as it is', async (t) => {
  const b = await bench(t)
  applyChanges(CHANGES, b.files, b.journal)
  b.files.write(RMEM, '16777216')
  const outcomes = undoChanges(b.files, b.journal)
  t.alike(results(outcomes), ['changed', 'changed', 'foreign'])
  t.is(outcomes[2]?.now, '16777216')
  t.alike(state(b), { ...BEFORE, [RMEM]: '16777216' })
})

test('apply - an interface that is gone fails alone, and undo does not make it up', async (t) => {
  const b = await bench(t)
  const gone = { path: '/sys/class/net/eth9/mtu', name: 'MTU of eth9', from: '1400', to: '1500' }
  const [first] = CHANGES as [Change]
  t.alike(results(applyChanges([gone, first], b.files, b.journal)), ['failed', 'changed'])
  undoChanges(b.files, b.journal)
  t.alike(state(b), BEFORE)
  t.absent(b.files.has('/sys/class/net/eth9/mtu'))
})

test('apply - a setting that makes another value of it gets its old one back', async (t) => {
  const b = await bench(t)
  const stubborn = {
    ...b.files,
    write: (path: string, text: string | null) => {
      b.files.write(path, text === '1500' ? '1480' : text)
    }
  }
  const [outcome] = applyChanges(CHANGES.slice(2), stubborn, b.journal)
  t.alike([outcome?.result, outcome?.now], ['failed', '1400'])
  t.is(outcome?.reason, 'the system made 1480 of it')
})

test('apply - undo that fails keeps its journal for the next try', async (t) => {
  const b = await bench(t)
  applyChanges(CHANGES, b.files, b.journal)
  const refusing = {
    ...b.files,
    write: () => {
      throw new Error('read-only file system')
    }
  }
  t.alike(results(undoChanges(refusing, b.journal)), ['failed', 'failed', 'failed'])
  t.alike(results(undoChanges(b.files, b.journal)), ['changed', 'changed', 'changed'])
})

test('apply - the sysctl file is written, changed and removed again', async (t) => {
  const b = await bench(t)
  applyChanges(CHANGES, b.files, b.journal)
  const lasting = persistChange(b.journal.read()) as Change
  t.alike(results(applyChanges([lasting], b.files, b.journal)), ['changed'])
  t.is(
    b.files.read(SYSCTL_FILE),
    '# Written by swarm bridge --persist; swarm bridge --undo removes it.\n' +
      'net.core.rmem_max = 4194304\nnet.ipv4.tcp_rmem = 4096 87380 4194304'
  )
  t.alike(results(applyChanges([lasting], b.files, b.journal)), ['kept'])
  undoChanges(b.files, b.journal)
  t.is(b.files.read(SYSCTL_FILE), null)
})

test('apply - nothing lasting is written when no sysctl was changed', (t) => {
  t.is(persistChange(CHANGES.slice(2)), null)
  t.is(persistChange([]), null)
})

test('apply - a sysctl file of somebody else is not touched', async (t) => {
  const b = await bench(t)
  b.files.write(SYSCTL_FILE, 'kernel.sysrq = 1\n')
  const lasting = persistChange(CHANGES) as Change
  const [outcome] = applyChanges([lasting], b.files, b.journal)
  t.alike([outcome?.result, b.files.read(SYSCTL_FILE)], ['failed', 'kernel.sysrq = 1'])
  t.alike(b.journal.read(), [])
})

test('journal - whatever it names is checked before root follows it', async (t) => {
  const line = (change: object) =>
    `${JSON.stringify({ name: 'x', from: '1', to: '2', ...change })}\n`
  const forged = [
    line({ path: '/etc/passwd' }),
    line({ path: '/proc/sys/kernel/core_pattern' }),
    line({ path: '/sys/class/net/../../../etc/mtu' }),
    line({ path: '/sys/class/net/../mtu' }),
    line({ path: RMEM, from: '|/tmp/x' }),
    line({ path: RMEM, from: null }),
    line({ path: SYSCTL_FILE, from: 'kernel.core_pattern = |/tmp/x' }),
    line({ path: SYSCTL_FILE, from: 'net.core.rmem_max = 1; x' }),
    line({ path: 7 }),
    '{}\n',
    'null\n',
    'nonsense\n'
  ]
  for (const text of forged) {
    const b = await bench(t)
    writeFileSync(b.journal.path, text)
    const error = await refusal(() => undoChanges(b.files, b.journal))
    t.is(error?.code, 'STORE_UNREADABLE', text.trim())
    t.alike(state(b), BEFORE)
  }
})

test('journal - a link in its place is not followed', async (t) => {
  const b = await bench(t)
  const victim = join(b.root, 'victim')
  writeFileSync(victim, 'untouched')
  symlinkSync(victim, b.journal.path)
  const error = await refusal(() => b.journal.append(CHANGES[0] as Change))
  t.is(error?.code, 'STORE_UNREADABLE')
  t.is(readFileSync(victim, 'utf8'), 'untouched')
})

test('journal - its size is bounded, in reading and in writing', async (t) => {
  const b = await bench(t)
  const line = `${JSON.stringify(CHANGES[0])}\n`
  writeFileSync(b.journal.path, line.repeat(Math.floor(JOURNAL_BYTES_MAX / line.length)))
  const full = await refusal(() => applyChanges(CHANGES, b.files, b.journal))
  t.is(full?.code, 'STORE_FULL')
  t.alike(state(b), BEFORE)
  appendFileSync(b.journal.path, line.repeat(2))
  t.is((await refusal(() => b.journal.read()))?.code, 'STORE_UNREADABLE')
})

test('setting - only what is ours to change may be written', (t) => {
  const allowed: [string, string | null][] = [
    [RMEM, '4194304'],
    [TCP, '4096\t87380\t6291456'],
    [MTU, '9000'],
    ['/proc/sys/net/ipv6/conf/eth1/disable_ipv6', '0'],
    [SYSCTL_FILE, null],
    [SYSCTL_FILE, '# x\nnet.core.rmem_max = 4194304\n']
  ]
  for (const [path, value] of allowed) t.ok(isAllowed(path, value), path)
  const refused: [string, string | null][] = [
    [MTU, null],
    [MTU, '1500\n1'],
    [MTU, ''],
    ['/sys/class/net/a b/mtu', '1500'],
    ['/sys/class/net/sixteen-bytes-ab/mtu', '1500'],
    ['/proc/sys/net/core/somaxconn', '1'],
    ['/etc/sysctl.d/99-other.conf', null],
    [SYSCTL_FILE, 'net.core.somaxconn = 1\n']
  ]
  for (const [path, value] of refused) t.absent(isAllowed(path, value), `${path} ${value}`)
})

async function refusal(work: () => unknown): Promise<SwarmError | null> {
  try {
    work()
    return null
  } catch (error) {
    return error instanceof SwarmError ? error : null
  }
}
