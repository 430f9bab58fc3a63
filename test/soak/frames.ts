// Mutated frames without end: valid bytes of every codec are cut, stretched, spliced and overwritten,
// and each decoder has to refuse them by name or mean exactly these bytes. Anything else it throws, any
// value that encodes to other bytes, and memory that grows, is a failure with its seed.

import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { toHex } from '../../src/base/text.ts'
import { usedBytes } from '../helpers/heap.ts'
import { CODECS, type FrameCodec } from './codecs.ts'

/** Bytes that a codec may hold more after all frames than after the first tenth of them: caches. */
export const GROWTH_BYTES_MAX = 8 * 2 ** 20

/** Valid frames per codec that mutations start from; more only cost time. */
const SAMPLES = 256

export interface FrameReport {
  codec: string
  frames: number
  /** Refused by name. */
  refused: number
  /** Another value than before: it encodes to exactly these bytes. */
  taken: number
  /** Mutations that came to nothing. */
  unchanged: number
  grownBytes: number
  /** What went wrong, at most a few; each with the bytes. */
  problems: string[]
}

/** @param count mutated frames. */
export function soakCodec(codec: FrameCodec, seed: number, count: number): FrameReport {
  const random = seededRandom(seed)
  const samples = Array.from({ length: SAMPLES }, () => codec.sample(random))
  const report: FrameReport = {
    codec: codec.name,
    frames: count,
    refused: 0,
    taken: 0,
    unchanged: 0,
    grownBytes: 0,
    problems: []
  }
  for (const sample of samples) expectSame(report, codec, sample)
  const { stackTraceLimit } = Error
  // A refusal costs ten times as much with the stack that nobody reads.
  Error.stackTraceLimit = 0
  let startBytes = 0
  try {
    for (let index = 0; index < count && report.problems.length < 5; index++) {
      if (index === Math.floor(count / 10)) startBytes = usedBytes()
      const sample = samples[below(random, SAMPLES)] as Uint8Array
      const other = samples[below(random, SAMPLES)] as Uint8Array
      const frame = mutate(random, sample, other)
      if (Buffer.compare(frame, sample) === 0) report.unchanged++
      else if (expectSame(report, codec, frame)) report.taken++
      else report.refused++
    }
    report.grownBytes = usedBytes() - startBytes
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  if (report.grownBytes > GROWTH_BYTES_MAX) {
    report.problems.push(`${report.grownBytes} bytes more are held than at first`)
  }
  return report
}

/** @returns whether the frame was taken. */
function expectSame(report: FrameReport, codec: FrameCodec, frame: Uint8Array): boolean {
  try {
    const again = codec.pass(frame)
    if (again === null) return false
    if (Buffer.compare(again, frame) !== 0) {
      report.problems.push(`${toHex(frame)} means ${toHex(again)}`)
    }
  } catch (error) {
    report.problems.push(`${toHex(frame.subarray(0, 4096))} throws ${String(error)}`)
  }
  return true
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xfd, 0xfe, 0xff]

type Mutation = (random: Random, bytes: Buffer, other: Uint8Array) => Buffer

/** A place in the bytes; half of the time near the beginning, where numbers and counts are. */
function place(random: Random, bytes: Buffer): number {
  const most = below(random, 2) === 0 ? Math.min(bytes.byteLength, 64) : bytes.byteLength
  return below(random, Math.max(1, most))
}

export const MUTATIONS: Record<string, Mutation> = {
  'a bit': (random, bytes) => {
    const at = place(random, bytes)
    if (at < bytes.byteLength) bytes[at] = (bytes[at] as number) ^ (1 << below(random, 8))
    return bytes
  },
  'a byte': (random, bytes) => {
    const at = place(random, bytes)
    if (at < bytes.byteLength) bytes[at] = EXTREMES[below(random, EXTREMES.length)] as number
    return bytes
  },
  'a length': (random, bytes) => {
    const sizeBytes = below(random, 2) === 0 ? 2 : 4
    const at = place(random, bytes)
    if (at + sizeBytes > bytes.byteLength) return bytes
    bytes.fill(EXTREMES[below(random, EXTREMES.length)] as number, at, at + sizeBytes)
    if (below(random, 2) === 0) bytes[at] = random.uint32() & 255
    return bytes
  },
  cut: (random, bytes) => bytes.subarray(0, below(random, bytes.byteLength + 1)),
  more: (random, bytes) => Buffer.concat([bytes, random.bytes(1 + below(random, 16))]),
  without: (random, bytes) => {
    const at = place(random, bytes)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 8))])
  },
  twice: (random, bytes) => {
    const at = place(random, bytes)
    const end = at + 1 + below(random, 48)
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
  },
  spliced: (random, bytes, other) => {
    const at = place(random, bytes)
    return Buffer.concat([bytes.subarray(0, at), other.subarray(at)])
  },
  noise: (random, bytes) => {
    const head = bytes.subarray(0, below(random, Math.min(8, bytes.byteLength) + 1))
    return Buffer.concat([head, random.bytes(below(random, 256))])
  }
}

const ALL = Object.values(MUTATIONS)

/** One to four mutations of a copy. */
export function mutate(random: Random, sample: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes: Buffer = Buffer.from(sample)
  for (let left = 1 + below(random, 4); left > 0; left--) {
    bytes = (ALL[below(random, ALL.length)] as Mutation)(random, bytes, other)
  }
  return bytes
}

/** @param count mutated frames for each codec. */
export async function soakFrames(seed: number, count: number): Promise<boolean> {
  let isGood = true
  for (const codec of CODECS) {
    const startMs = performance.now()
    const { problems, ...counts } = soakCodec(codec, seed, count)
    const seconds = Number(((performance.now() - startMs) / 1000).toFixed(1))
    console.log(JSON.stringify({ ...counts, seconds }))
    for (const problem of problems) console.log(`seed ${seed}, ${codec.name}: ${problem}`)
    isGood &&= problems.length === 0
  }
  const verdict = isGood ? 'without a fault' : 'with faults'
  console.log(
    `${count} mutated frames for each of ${CODECS.length} codecs from seed ${seed}, ${verdict}`
  )
  return isGood
}
