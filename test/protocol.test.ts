// docs/protocol.md against the codecs: its tables of fields are what the codecs declare, and its tables of
// offsets read real frames.

import { readFileSync } from 'node:fs'
import test from 'brittle'

import { BEACON_BYTES, encodeBeacon } from '../src/wire/beacon.ts'
import { CONTROL_BODIES } from '../src/wire/control.ts'
import { FACT_BODIES } from '../src/wire/fact.ts'
import {
  HEARTBEAT_BYTES,
  HEARTBEAT_KEY_BYTES,
  encodeHeartbeat,
  heartbeatAddress
} from '../src/wire/heartbeat.ts'
import { PROTOCOL_VERSION } from '../src/wire/hello.ts'
import { LANE_SIGNALS } from '../src/peer/lane/lane-message.ts'
import { PROBE_BODIES } from '../src/wire/probe.ts'
import { ACTIVATION_NUMBER, BODIES } from '../src/wire/session-messages.ts'
import {
  ACTIVATION_HEADER_BYTES,
  activationBytes,
  encodeSessionMessage
} from '../src/wire/session-codec.ts'

import type { Layout } from '../src/wire/fields.ts'
import type { PeerId, SessionId } from '../src/wire/ids.ts'

interface Generator {
  protocolTables(): Promise<Record<string, string>>
  protocolDocument(document: string, tables: Record<string, string>): string
  fieldTable(layout: Layout): string
}

const document = readFileSync('docs/protocol.md', 'utf8')
const generator = new URL('../../scripts/protocol-doc.mjs', import.meta.url).href
const { protocolTables, protocolDocument, fieldTable } = (await import(generator)) as Generator

test('protocol - every table of fields is what its codec declares', async (t) => {
  const tables = await protocolTables()
  t.is(document, protocolDocument(document, tables), 'run: npm run docs')
  for (const name of Object.keys(tables)) t.ok(document.includes(`<!-- ${name} -->`), name)
})

test('protocol - every message has its heading with its number', (t) => {
  const messages: [string, { number: number }][] = [
    ...Object.entries(CONTROL_BODIES),
    ...Object.entries(BODIES),
    ...Object.entries(PROBE_BODIES),
    ...Object.entries(FACT_BODIES),
    ['activation', { number: ACTIVATION_NUMBER }]
  ]
  for (const [type, { number }] of messages) {
    t.ok(document.includes(`\n#### ${number} \`${type}\`\n`), `${number} ${type}`)
  }
  t.is([...document.matchAll(/^#### /gm)].length, messages.length, 'and nothing else has one')
})

test('protocol - the table of a struct lists every part, nested ones with their path', (t) => {
  const u8: Layout = { size: '1', reads: 'a byte', parts: [] }
  const inner: Layout = { size: '', reads: '', parts: [['b', u8]] }
  const list: Layout = { size: '2', reads: 'a count', parts: [['[]', inner]] }
  const maybe: Layout = { size: '1', reads: 'whether', parts: [['', inner]] }
  const table = fieldTable({
    size: '',
    reads: '',
    parts: [
      ['a', u8],
      ['l', list],
      ['m', maybe]
    ]
  })
  const names = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name)
  t.alike(names, ['a', 'l', 'l[].b', 'm', 'm.b'])
})

interface Row {
  offset: number
  sizeBytes: number
  field: string
}

function offsets(name: string): Row[] {
  const [, table = ''] =
    new RegExp(`<!-- offsets ${name} -->\n([\\s\\S]*?)\n<!-- end -->`).exec(document) ?? []
  return [...table.matchAll(/^\| (\d+) \| (\d+) \| `(\w+)`/gm)].map(([, offset, size, field]) => {
    return { offset: Number(offset), sizeBytes: Number(size), field: field as string }
  })
}

/** Reads a frame by a table: numbers of up to four bytes little-endian, else hexadecimal. */
function readBy(rows: Row[], frame: Uint8Array): Record<string, number | string> {
  const bytes = Buffer.from(frame)
  return Object.fromEntries(
    rows.map(({ offset, sizeBytes, field }) => {
      const isNumber = sizeBytes <= 4
      const end = offset + sizeBytes
      return [
        field,
        isNumber ? bytes.readUIntLE(offset, sizeBytes) : bytes.toString('hex', offset, end)
      ]
    })
  )
}

function isWhole(rows: Row[], sizeBytes: number): boolean {
  const ends = rows.map((row) => row.offset + row.sizeBytes)
  return rows.every((row, at) => row.offset === (ends[at - 1] ?? 0)) && ends.at(-1) === sizeBytes
}

test('protocol - a beacon read by the table is the beacon', (t) => {
  const rows = offsets('beacon')
  t.ok(isWhole(rows, BEACON_BYTES), 'no gap, no overlap, all of it')
  const message = {
    key: 'a1'.repeat(32) as PeerId,
    instance: 'b2'.repeat(8),
    dhtPort: 513,
    lanePort: 65_534
  }
  const { magic, tag, ...read } = readBy(rows, encodeBeacon(message, new Uint8Array(32)))
  t.alike(read, message)
  t.is(magic, Buffer.from('swrm\u0001').toString('hex'))
  t.is(String(tag).length, 32)
})

test('protocol - a heartbeat read by the table is the heartbeat', (t) => {
  const rows = offsets('heartbeat')
  t.ok(isWhole(rows, HEARTBEAT_BYTES), 'no gap, no overlap, all of it')
  const key = new Uint8Array(HEARTBEAT_KEY_BYTES).fill(9)
  const beat = { number: 0x0102030405, heard: 77, heardAgoUs: 70_000 }
  const frame = encodeHeartbeat(beat, heartbeatAddress(key), key)
  const { number, heard, heardAgoUs, address, tag } = readBy(rows, frame)
  t.alike([number, heard, heardAgoUs], ['0504030201000000', '4d00000000000000', 70_000])
  t.is(address, Buffer.from(frame.subarray(0, 8)).toString('hex'))
  t.is(String(tag).length, 32)
})

test('protocol - the signals of a lane are listed with their bytes', (t) => {
  const [, table = ''] = /<!-- signals lane -->\n([\s\S]*?)\n<!-- end -->/.exec(document) ?? []
  const listed = [...table.matchAll(/^\| (\d+) \| `([\w-]+)`/gm)].map(([, byte, name]) => [
    byte,
    name
  ])
  t.alike(
    listed,
    LANE_SIGNALS.map((name, byte) => [String(byte), name])
  )
})

test('protocol - an activation read by the table is the activation', (t) => {
  const rows = offsets('activation')
  t.ok(isWhole(rows, ACTIVATION_HEADER_BYTES), 'no gap, no overlap, all of it')
  const header = {
    session: 'c3'.repeat(16) as SessionId,
    epoch: 0x01020304,
    position: 70_000,
    index: 3,
    stop: 5,
    nTokens: 2,
    dim: 258
  }
  for (const [flag, sample, drafted] of [
    [0, false, false],
    [1, true, false],
    [3, true, true],
    [4 * 63 + 1, true, false]
  ] as const) {
    const shape = { ...header, sample, drafted, company: flag >> 2 }
    const payload = new Uint8Array(activationBytes(shape))
    const frame = encodeSessionMessage({ type: 'activation', ...shape, payload })
    const { number, flags, ...read } = readBy(rows, frame)
    t.alike(read, header)
    t.alike([number, flags], [ACTIVATION_NUMBER, flag])
  }
})

test('protocol - the document is about the version that is spoken', (t) => {
  t.ok(document.includes(`Version ${PROTOCOL_VERSION} (\`PROTOCOL_VERSION\``))
})
