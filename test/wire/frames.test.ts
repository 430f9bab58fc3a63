// The short seeded form of `npm run soak -- frames`, and tests of what it mutates with.

import { readdirSync, readFileSync } from 'node:fs'
import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { CODECS, type FrameCodec } from '../soak/codecs.ts'
import { GROWTH_BYTES_MAX, MUTATIONS, mutate, soakCodec } from '../soak/frames.ts'

const FRAMES = 4000

for (const codec of CODECS) {
  test(`frames - mutated ones of '${codec.name}' are refused or mean their bytes`, (t) => {
    const report = soakCodec(codec, 1, FRAMES)
    t.alike(report.problems, [])
    t.is(report.refused + report.taken + report.unchanged, FRAMES)
    t.ok(report.refused > FRAMES / 4, `${report.refused} refused`)
    // Where a MAC or a checksum covers all, nothing but what was sent before is taken.
    const isSealed = ['beacon', 'proof', 'invite'].includes(codec.name)
    t.ok(isSealed || report.taken > FRAMES / 100, `${report.taken} taken`)
  })
}

test('frames - every decoder of src/wire is among them', (t) => {
  const exported = readdirSync('src/wire').flatMap((file) => {
    const source = readFileSync(`src/wire/${file}`, 'utf8')
    const names = source.matchAll(/^export function ((?:decode|versionOf)\w+)/gm)
    return [...names].map((match) => match[1] as string)
  })
  // What they are made of: it decodes with the field that it is given.
  const parts = new Set(['decodeWhole'])
  t.alike(
    exported.filter((name) => !parts.has(name)).toSorted(),
    CODECS.flatMap(({ decoders }) => decoders).toSorted()
  )
})

test('frames - samples of a codec differ and are taken as they are', (t) => {
  for (const codec of CODECS) {
    const random = seededRandom(2)
    const samples = Array.from({ length: 50 }, () => codec.sample(random))
    const different = new Set(samples.map((sample) => Buffer.from(sample).toString('hex')))
    t.ok(different.size > 10, `${codec.name}: ${different.size} of 50`)
    const untaken = samples.filter((sample) => {
      const again = codec.pass(sample)
      return again === null || Buffer.compare(again, sample) !== 0
    })
    t.is(untaken.length, 0, codec.name)
  }
})

test('frames - each kind of mutation changes most frames, and never the sample', (t) => {
  const random = seededRandom(3)
  const sample = Buffer.from(random.bytes(200))
  const before = sample.toString('hex')
  for (const [name, mutation] of Object.entries(MUTATIONS)) {
    let changed = 0
    for (let round = 0; round < 100; round++) {
      const bytes = mutation(random, Buffer.from(sample), random.bytes(150))
      if (Buffer.compare(bytes, sample) !== 0) changed++
    }
    t.ok(changed > 80, `${name}: ${changed} of 100`)
  }
  for (let round = 0; round < 100; round++) mutate(random, sample, random.bytes(150))
  t.is(sample.toString('hex'), before)
})

test('frames - a decoder with a fault is found', (t) => {
  const [good] = CODECS as [FrameCodec]
  const held: Uint8Array[] = []
  const faulty: [string, FrameCodec['pass'], RegExp][] = [
    [
      'throws what it should not',
      (bytes) => {
        if (bytes.byteLength < 10) throw new RangeError('out of bounds')
        return good.pass(bytes)
      },
      /throws RangeError/
    ],
    [
      'takes what means something else',
      (bytes) => good.pass(bytes) ?? new Uint8Array(1),
      /means 00/
    ],
    [
      'keeps what it is given',
      (bytes) => {
        held.push(new Uint8Array((2 * GROWTH_BYTES_MAX) / FRAMES))
        return good.pass(bytes)
      },
      /bytes more are held/
    ]
  ]
  for (const [name, pass, problem] of faulty) {
    const report = soakCodec({ ...good, pass }, 1, FRAMES)
    t.ok(problem.test(report.problems.join()), name)
  }
  t.ok(held.length >= FRAMES)
})
