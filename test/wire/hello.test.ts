import test from 'brittle'

import { LANE_ADDRESSES_MAX, RECORD_BYTES_MAX } from '../../src/base/limits.ts'
import {
  PROTOCOL_VERSION,
  decodeHello,
  decodeVersions,
  encodeHello,
  type Hello
} from '../../src/wire/hello.ts'
import { checkDecoder, encodeRefusal, refusal, type Codec } from './decoder-checks.ts'

import type { PeerId } from '../../src/wire/ids.ts'

const codec: Codec<Hello> = { encode: encodeHello, decode: decodeHello }

const FULL: Hello = {
  protocolVersion: PROTOCOL_VERSION,
  arithmeticVersion: 7,
  programVersion: '1.2.3',
  name: 'studio',
  upMs: 12_345_678_901,
  wallMs: 1_795_000_000_123,
  lane: { port: 40_123, addresses: ['192.168.1.4', 'fd00::2'] },
  heartbeat: { port: 50_123, key: new Uint8Array(32).fill(8) },
  model: { id: '5a'.repeat(32), name: 'model.gguf', givesWay: false },
  record: { bytes: new Uint8Array([1, 2, 3, 250]), signature: new Uint8Array(64).fill(9) },
  logs: {
    author: 'c1'.repeat(32) as PeerId,
    epoch: 3,
    basins: 'ba'.repeat(32),
    facts: 'fa'.repeat(32),
    signature: new Uint8Array(64).fill(7)
  }
}

const BARE: Hello = {
  ...FULL,
  lane: { port: 0, addresses: [] },
  model: null,
  record: null,
  logs: null
}

test('hello - withstands foreign bytes when full', (t) => checkDecoder(t, codec, FULL))

test('hello - withstands foreign bytes when bare', (t) => checkDecoder(t, codec, BARE))

test('hello - its versions are read even when the rest is of another protocol', (t) => {
  const future = encodeHello({ ...BARE, protocolVersion: 999, programVersion: '9.0.0' })
  const bytes = Buffer.concat([future.subarray(0, 11), Buffer.from('anything at all')])
  t.is(refusal(codec, bytes)?.code, 'WIRE_TOO_LARGE')
  t.alike(decodeVersions(bytes), {
    protocolVersion: 999,
    arithmeticVersion: 7,
    programVersion: '9.0.0'
  })
})

test('hello - its versions are refused at every cut', (t) => {
  const bytes = encodeHello(BARE)
  const versions: Codec<unknown> = { encode: () => bytes, decode: decodeVersions }
  for (let size = 0; size < 11; size++) {
    t.is(refusal(versions, bytes.slice(0, size))?.code, 'WIRE_BAD_FRAME', `${size} bytes`)
  }
})

test('hello - a lane address is an address, not a name that somebody would have to look up', (t) => {
  const offered = (address: string) => ({ ...FULL, lane: { port: 1, addresses: [address] } })
  for (const address of ['10.0.0.1', '::1', 'fe80::1%eth0']) {
    t.is(encodeRefusal(codec, offered(address)), null, address)
  }
  for (const address of ['', 'localhost', 'printer.corp', '10.0.0.1:80', '127.1', 'a\0b']) {
    t.is(encodeRefusal(codec, offered(address))?.code, 'WIRE_BAD_FRAME', address)
  }
  const bytes = encodeHello(offered('10.0.0.1'))
  bytes[Buffer.from(bytes).indexOf('10.0.0.1')] = 0x78
  t.is(refusal(codec, bytes)?.code, 'WIRE_BAD_FRAME', 'x0.0.0.1')
})

test('hello - refuses what is one beyond a bound', (t) => {
  const addresses = (count: number) => Array.from({ length: count }, () => '10.0.0.1')
  const lane = (count: number) => ({ port: 1, addresses: addresses(count) })
  t.is(encodeRefusal(codec, { ...FULL, lane: lane(LANE_ADDRESSES_MAX) }), null)
  const code = encodeRefusal(codec, { ...FULL, lane: lane(LANE_ADDRESSES_MAX + 1) })?.code
  t.is(code, 'WIRE_TOO_LARGE')
  t.is(
    encodeRefusal(codec, { ...FULL, lane: { port: 65_536, addresses: [] } })?.code,
    'WIRE_BAD_FRAME'
  )
  t.is(encodeRefusal(codec, { ...FULL, upMs: -1 })?.code, 'WIRE_BAD_FRAME')
  t.is(encodeRefusal(codec, { ...FULL, wallMs: -1 })?.code, 'WIRE_BAD_FRAME')
  t.is(encodeRefusal(codec, { ...FULL, name: 'n'.repeat(65) })?.code, 'WIRE_TOO_LARGE')
  const signature = new Uint8Array(63)
  t.is(
    encodeRefusal(codec, { ...FULL, record: { bytes: new Uint8Array(1), signature } })?.code,
    'WIRE_BAD_FRAME'
  )
  const record = { bytes: new Uint8Array(RECORD_BYTES_MAX + 1), signature: new Uint8Array(64) }
  t.is(encodeRefusal(codec, { ...FULL, record })?.code, 'WIRE_TOO_LARGE')
})
