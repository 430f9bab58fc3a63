// Every codec of src/wire as one shape, with seeded samples of what it carries: for tests that feed
// decoders with mutated bytes. A test compares this list with the decoders that src/wire exports.

import { SwarmError } from '../../src/base/errors.ts'
import {
  CONTEXT_TOKENS_MAX,
  DIRECTORY_RECORDS_MAX,
  GOSSIP_RECORDS_MAX,
  INVITE_ADDRESSES_MAX,
  EMBEDDING_DIM,
  HELD_RANGES_MAX,
  LANE_ADDRESSES_MAX,
  LOG_CARDS_MAX,
  NEIGHBOURS_MAX,
  RECORD_BYTES_MAX,
  SESSIONS_MAX
} from '../../src/base/limits.ts'
import { below, type Random } from '../../src/base/random.ts'
import { toHex } from '../../src/base/text.ts'
import { normalise } from '../../src/model/layer-range.ts'
import { decodeBasin, encodeBasin } from '../../src/wire/basin.ts'
import { decodeBeeBlock, encodeBeeBlock, type BeeBlock } from '../../src/wire/bee-block.ts'
import { decodeBeacon, encodeBeacon } from '../../src/wire/beacon.ts'
import { decodeControl, encodeControl, type ControlMessage } from '../../src/wire/control.ts'
import { decodeFactValue, encodeFactValue, type FactValue } from '../../src/wire/fact.ts'
import { decodeHello, decodeVersions, encodeHello, type Hello } from '../../src/wire/hello.ts'
import {
  HEARTBEAT_KEY_BYTES,
  addressedLink,
  decodeHeartbeat,
  encodeHeartbeat,
  heartbeatAddress
} from '../../src/wire/heartbeat.ts'
import { peerIdOf } from '../../src/wire/ids.ts'
import { decodeInvite, encodeInvite } from '../../src/wire/invite.ts'
import { decodeLogCard, encodeLogCard, type LogCard } from '../../src/wire/log-card.ts'
import {
  PROBE_TOKEN_BYTES,
  decodeProbe,
  encodeProbe,
  type ProbeMessage
} from '../../src/wire/probe.ts'
import { PROOF_BYTES, proofOf, versionOfProof } from '../../src/wire/proof.ts'
import { decodeRecord, encodeRecord } from '../../src/wire/record-codec.ts'
import { decodeSessionMessage, encodeSessionMessage } from '../../src/wire/session-codec.ts'
import { between, randomMessage } from '../helpers/session-messages.ts'

import type { Basin } from '../../src/wire/knowledge.ts'
import type { NeighbourRecord, PeerRecord, SignedRecord } from '../../src/wire/record.ts'

export interface FrameCodec {
  /** The decoders of src/wire that it feeds. */
  readonly decoders: readonly string[]
  readonly name: string
  /** Bytes of a value within all bounds. */
  sample(random: Random): Uint8Array
  /**
   * What these bytes decode to, encoded again; null when they are refused as they should be.
   * @throws whatever else the decoder throws.
   */
  pass(bytes: Uint8Array): Uint8Array | null
}

const KEY = new Uint8Array(32).fill(3)
const HASH = new Uint8Array(64).fill(4)
const WORDS = ['', 'a', 'atlas', 'küche', '1.2.3', '\u001b[31m', 'n'.repeat(32)]
const HOSTS = ['10.0.0.1', '::1', 'fe80::1%eth0', 'fd00::2', '192.168.255.254']

function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)] as T
}

function listOf<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: below(random, most + 1) }, make)
}

/** Half of the time nothing. */
function maybe<T>(random: Random, make: () => T): T | null {
  return below(random, 2) === 0 ? null : make()
}

/** From `least` to 2^53 - 1; both ends come up often. */
function large(random: Random, least: number): number {
  const any = random.uint32() * 2 ** 21 + below(random, 2 ** 21)
  return Math.max(least, pick(random, [least, any, any, any, Number.MAX_SAFE_INTEGER]))
}

function hex(random: Random, sizeBytes: number): string {
  return toHex(random.bytes(sizeBytes))
}

function model(random: Random) {
  return { id: hex(random, 32), name: pick(random, WORDS), givesWay: between(random, 0, 1) === 1 }
}

function range(random: Random) {
  const start = between(random, 0, 1023)
  return { start, end: between(random, start + 1, 1024) }
}

function heldRanges(random: Random) {
  return normalise(listOf(random, HELD_RANGES_MAX, () => range(random)))
}

function neighbours(random: Random): NeighbourRecord[] {
  return Array.from({ length: below(random, 4) === 0 ? NEIGHBOURS_MAX : below(random, 3) }, () => ({
    peer: peerIdOf(random.bytes(32)),
    delayUs: between(random, 0, 2 ** 32 - 1),
    mbps: between(random, 0, 2 ** 32 - 1),
    seenMiBps: between(random, 0, 2 ** 32 - 1)
  })).toSorted((a, b) => (a.peer < b.peer ? -1 : 1))
}

function record(random: Random): PeerRecord {
  return {
    key: peerIdOf(random.bytes(32)),
    seq: large(random, 1),
    name: pick(random, WORDS),
    programVersion: pick(random, WORDS),
    arithmeticVersion: between(random, 1, 65_535),
    left: below(random, 2) === 0,
    profile: maybe(random, () => ({
      cores: between(random, 1, 4096),
      kernels: pick(random, WORDS),
      memoryKiB: large(random, 0),
      weightMiBps: between(random, 0, 2 ** 32 - 1),
      int8Mops: between(random, 0, 2 ** 32 - 1),
      diskMiBps: between(random, 0, 2 ** 32 - 1),
      contextTokens: between(random, 0, CONTEXT_TOKENS_MAX),
      sessions: between(random, 0, SESSIONS_MAX),
      neighbours: neighbours(random)
    })),
    model: maybe(random, () => model(random)),
    pin: maybe(random, () => range(random)),
    held: heldRanges(random),
    own: heldRanges(random),
    loading: maybe(random, () => ({ range: range(random), percent: between(random, 0, 100) }))
  }
}

function signed(random: Random): SignedRecord {
  const sizeBytes = below(random, 8) === 0 ? RECORD_BYTES_MAX : below(random, 40)
  return { bytes: random.bytes(sizeBytes), signature: random.bytes(64) }
}

function logCard(random: Random): LogCard {
  return {
    author: peerIdOf(random.bytes(32)),
    epoch: random.uint32(),
    basins: hex(random, 32),
    facts: hex(random, 32),
    signature: random.bytes(64)
  }
}

function factValue(random: Random): FactValue {
  const wallMs = large(random, 0)
  if (below(random, 4) === 0) return { type: 'tombstone', wallMs }
  const [question, answer] = [pick(random, WORDS), pick(random, WORDS)]
  const kind = pick(random, ['text', 'fix'] as const)
  return { type: 'fact', kind, question, answer, source: pick(random, WORDS), wallMs }
}

function beeBlock(random: Random): BeeBlock {
  const sizeBytes = () => below(random, below(random, 8) === 0 ? 20_000 : 60)
  return {
    index: random.bytes(sizeBytes()),
    key: random.bytes(16),
    value: random.bytes(sizeBytes())
  }
}

function basin(random: Random): Basin {
  // Mostly zeros: a changed bit of a zero keeps the length within its slack, so that some are taken.
  const vector = new Float32Array(EMBEDDING_DIM)
  vector[below(random, EMBEDDING_DIM)] = 1
  return { id: hex(random, 16), spaceId: hex(random, 8), wallMs: large(random, 0), vector }
}

function hello(random: Random): Hello {
  return {
    protocolVersion: between(random, 1, 65_535),
    arithmeticVersion: between(random, 1, 65_535),
    programVersion: pick(random, WORDS),
    name: pick(random, WORDS),
    upMs: large(random, 0),
    wallMs: large(random, 0),
    lane: {
      port: between(random, 0, 65_535),
      addresses: listOf(random, LANE_ADDRESSES_MAX, () => pick(random, HOSTS))
    },
    heartbeat: {
      port: between(random, 0, 65_535),
      key: random.bytes(HEARTBEAT_KEY_BYTES)
    },
    model: maybe(random, () => model(random)),
    record: maybe(random, () => signed(random)),
    logs: maybe(random, () => logCard(random))
  }
}

function control(random: Random): ControlMessage {
  switch (below(random, 12)) {
    case 0:
      return { type: 'ping', id: random.uint32() }
    case 1:
      return { type: 'pong', id: random.uint32() }
    case 2: {
      const most = below(random, 4) === 0 ? GOSSIP_RECORDS_MAX : 3
      return { type: 'gossip', records: listOf(random, most, () => signed(random)) }
    }
    case 3: {
      const most = below(random, 8) === 0 ? DIRECTORY_RECORDS_MAX : 4
      const entry = () => ({
        key: peerIdOf(random.bytes(32)),
        seq: large(random, 1)
      })
      return { type: 'digest', entries: listOf(random, most, entry) }
    }
    case 4:
      return { type: 'no-lane' }
    case 5: {
      const most = below(random, 8) === 0 ? DIRECTORY_RECORDS_MAX : 4
      const claim = () => ({
        key: peerIdOf(random.bytes(32)),
        incarnation: large(random, 1),
        state: pick(random, ['suspect', 'dead'] as const)
      })
      return { type: 'members', claims: listOf(random, most, claim) }
    }
    case 6:
      return { type: 'probe', id: random.uint32(), key: peerIdOf(random.bytes(32)) }
    case 7:
      return { type: 'probe-answer', id: random.uint32(), reached: below(random, 2) === 0 }
    case 8: {
      const addresses = listOf(random, LANE_ADDRESSES_MAX, () => pick(random, HOSTS))
      return { type: 'addresses', addresses }
    }
    case 9:
      return { type: 'frames-end', move: random.uint32() }
    case 10: {
      const most = below(random, 8) === 0 ? LOG_CARDS_MAX : 3
      return { type: 'log-cards', cards: listOf(random, most, () => logCard(random)) }
    }
    default:
      return { type: 'leave' }
  }
}

function probe(random: Random): ProbeMessage {
  const padding = random.bytes(below(random, 100))
  switch (below(random, 9)) {
    case 0: {
      const [mtuBytes, measures] = [random.uint32(), below(random, 2) === 0]
      return { type: 'hello', name: pick(random, WORDS), mtuBytes, measures }
    }
    case 1:
      return { type: 'ping', id: random.uint32(), padding }
    case 2:
      return { type: 'pong', id: random.uint32(), padding }
    case 3:
      return { type: 'data', padding }
    case 4:
      return { type: 'end' }
    case 5:
      return { type: 'report', sizeBytes: large(random, 0), durationUs: random.uint32() }
    case 6:
      return { type: 'plain-request' }
    case 7: {
      const token = random.bytes(PROBE_TOKEN_BYTES)
      return { type: 'plain-offer', port: between(random, 1, 65_535), token }
    }
    default:
      return { type: 'result', rttUs: random.uint32(), activationRttUs: random.uint32() }
  }
}

/** Refused: an error of the family that its decoder promises. */
function refusedAs<T>(family: string, work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof SwarmError && error.family === family) return null
    throw error
  }
}

function codec<T>(
  name: string,
  decoder: string,
  make: (random: Random) => T,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T
): FrameCodec {
  return {
    name,
    decoders: [decoder],
    sample: (random) => encode(make(random)),
    pass: (bytes) => refusedAs('WIRE', () => encode(decode(bytes)))
  }
}

export const CODECS: readonly FrameCodec[] = [
  codec('hello', 'decodeHello', hello, encodeHello, decodeHello),
  {
    name: 'versions',
    decoders: ['decodeVersions'],
    sample: (random) => encodeHello(hello(random)),
    // Whatever follows them is of no concern, so there is nothing to compare with.
    pass: (bytes) => refusedAs('WIRE', () => (decodeVersions(bytes), bytes))
  },
  codec('control', 'decodeControl', control, encodeControl, decodeControl),
  codec('basin', 'decodeBasin', basin, encodeBasin, decodeBasin),
  codec('bee-block', 'decodeBeeBlock', beeBlock, encodeBeeBlock, decodeBeeBlock),
  codec('fact', 'decodeFactValue', factValue, encodeFactValue, decodeFactValue),
  codec('log-card', 'decodeLogCard', logCard, encodeLogCard, decodeLogCard),
  codec('probe', 'decodeProbe', probe, encodeProbe, decodeProbe),
  codec('record', 'decodeRecord', record, encodeRecord, decodeRecord),
  codec(
    'session',
    'decodeSessionMessage',
    randomMessage,
    encodeSessionMessage,
    decodeSessionMessage
  ),
  {
    name: 'beacon',
    decoders: ['decodeBeacon'],
    sample: (random) => {
      const [instance, dhtPort] = [hex(random, 8), between(random, 1, 65_535)]
      const key = peerIdOf(random.bytes(32))
      return encodeBeacon({ key, instance, dhtPort, lanePort: below(random, 65_536) }, KEY)
    },
    pass: (bytes) => {
      const message = decodeBeacon(bytes, KEY)
      return message && encodeBeacon(message, KEY)
    }
  },
  {
    name: 'heartbeat',
    decoders: ['decodeHeartbeat'],
    sample: (random) => {
      const [number, heard] = [large(random, 1), large(random, 0)]
      const beat = { number, heard, heardAgoUs: random.uint32() }
      return encodeHeartbeat(beat, heartbeatAddress(KEY), KEY)
    },
    pass: (bytes) => {
      const beat = decodeHeartbeat(bytes, KEY, 0)
      return beat && encodeHeartbeat(beat, addressedLink(bytes) ?? 0n, KEY)
    }
  },
  {
    name: 'proof',
    decoders: ['versionOfProof'],
    sample: (random) => proofOf(KEY, HASH, 'link', true, 1 + below(random, 32)),
    pass: (bytes) => {
      const version = versionOfProof(bytes, KEY, HASH, 'link', true)
      return version === null
        ? null
        : proofOf(KEY, HASH, 'link', true, version).slice(0, PROOF_BYTES)
    }
  },
  {
    name: 'invite',
    decoders: ['decodeInvite'],
    sample: (random) => {
      const addresses = () => ({ host: pick(random, HOSTS), port: between(random, 1, 65_535) })
      const bootstrap = listOf(random, INVITE_ADDRESSES_MAX, addresses)
      const dht = bootstrap.length > 0 ? 'given' : pick(random, ['none', 'public'] as const)
      const root = maybe(random, () => random.bytes(32))
      return Buffer.from(encodeInvite({ name: pick(random, WORDS), root, dht, bootstrap }))
    },
    pass: (bytes) => {
      const line = Buffer.from(bytes).toString('latin1')
      const again = refusedAs('USAGE', () => encodeInvite(decodeInvite(line)))
      // Capitals and white space do not matter, so the line is compared without.
      if (again === line.replace(/\s+/g, '').toLowerCase()) return bytes
      return again === null ? null : Buffer.from(again)
    }
  }
]
