import test from 'brittle'
import { SPOOL_COMMAND_CHARS_MAX, SPOOL_CWD_CHARS_MAX } from '../../src/base/shell-limits.ts'
import { parseSpool, type SpoolRecord } from '../../src/shell/spool-record.ts'
import { spoolBytes, spoolRecord } from '../helpers/spool-records.ts'

const RECORD = spoolRecord({ command: 'make -j4\nls', cwd: '/a b', status: 2, durationMs: 12 })

test('spool record - what the hook writes is read back', (t) => {
  const asked = spoolRecord({ kind: 'asked', command: 'make 2>&1 | swarm why', status: 0 })
  t.alike(parseSpool(spoolBytes(RECORD, asked)), [RECORD, asked])
  t.alike(parseSpool(new Uint8Array()), [])
})

test('spool record - cut at any byte it is passed over, and the next is read', (t) => {
  const bytes = spoolBytes(RECORD)
  const next = spoolRecord({ command: 'next' })
  for (let size = 0; size < bytes.length; size++) {
    const torn = bytes.subarray(0, size)
    if (parseSpool(torn).length > 0) t.fail(`${size} bytes are taken for a record`)
    const found = parseSpool(Buffer.concat([torn, spoolBytes(next)]))
    if (found.length !== 1 || found[0]?.command !== 'next') t.fail(`lost after ${size} bytes`)
  }
  t.pass(`${bytes.length} cuts`)
})

test('spool record - begun in the middle, the first whole one is found', (t) => {
  const bytes = spoolBytes(RECORD, RECORD)
  const half = bytes.length / 2
  for (let from = 2; from <= half; from++) {
    if (parseSpool(bytes.subarray(from)).length !== 1) t.fail(`from ${from}`)
  }
  t.pass()
})

test('spool record - a field that cannot be is refused', (t) => {
  const bad: Record<string, unknown>[] = [
    { kind: 'other' },
    { shellPid: -1 },
    { shellPid: '1e3' },
    { status: 256 },
    { status: 'x' },
    { wallMs: '9'.repeat(16) },
    { durationMs: '' },
    { command: '' },
    { command: ' \n' },
    { command: 'x'.repeat(2 * SPOOL_COMMAND_CHARS_MAX + 1) },
    { cwd: 'x'.repeat(2 * SPOOL_CWD_CHARS_MAX + 1) }
  ]
  for (const fields of bad) {
    const hostile = spoolBytes({ ...RECORD, ...fields } as SpoolRecord)
    t.alike(
      parseSpool(Buffer.concat([hostile, spoolBytes(RECORD)])),
      [RECORD],
      JSON.stringify(fields).slice(0, 60)
    )
  }
})

test('spool record - at its bounds it is taken', (t) => {
  const long = spoolRecord({
    command: 'x'.repeat(2 * SPOOL_COMMAND_CHARS_MAX),
    cwd: '/'.repeat(2 * SPOOL_CWD_CHARS_MAX),
    status: 255
  })
  t.alike(parseSpool(spoolBytes(long)), [long])
})

test('spool record - a clock that was set back leaves no duration', (t) => {
  const bytes = spoolBytes({ ...RECORD, durationMs: -5 })
  t.is(parseSpool(bytes)[0]?.durationMs, null)
})

test('spool record - a command that spells the marks forges nothing', (t) => {
  const forged = spoolRecord({ command: 'swarm1', cwd: 'swarm1' })
  t.alike(parseSpool(spoolBytes(forged, RECORD)), [forged, RECORD])
})

test('spool record - bytes that are no UTF-8, and noise, are survived', (t) => {
  const bytes = spoolBytes(RECORD)
  const at = bytes.indexOf(0x6d)
  bytes[bytes.indexOf('make')] = 0xff
  t.ok(at > 0)
  t.is(parseSpool(bytes)[0]?.command, '\ufffdake -j4\nls')
  const noise = Buffer.alloc(4096, '\0swarm1\0')
  t.alike(parseSpool(Buffer.concat([noise, spoolBytes(RECORD)])), [RECORD])
})
