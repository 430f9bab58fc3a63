import test from 'brittle'

import { Metadata, type GgufValue } from '../../src/model/metadata.ts'
import { isSentinel, recommendedSampling } from '../../src/model/recommended.ts'

function metadata(values: Record<string, GgufValue>): Metadata {
  return new Metadata(new Map(Object.entries(values)))
}

const f32 = (value: number): GgufValue => ({ type: 'f32', value })
const i32 = (value: number): GgufValue => ({ type: 'i32', value })

test('recommended - sampling is read under the names of llama.cpp', (t) => {
  const given = metadata({
    'general.sampling.temp': f32(0),
    'general.sampling.top_k': i32(20),
    'general.sampling.top_p': f32(0.5),
    'general.sampling.min_p': f32(0.25)
  })
  t.alike(recommendedSampling(given), { temperature: 0, topK: 20, topP: 0.5, minP: 0.25 })
  t.alike(recommendedSampling(metadata({})), {})
})

test('recommended - what is out of range or of another type is no advice', (t) => {
  const wrong: Record<string, GgufValue>[] = [
    { 'general.sampling.temp': f32(-1) },
    { 'general.sampling.temp': f32(NaN) },
    { 'general.sampling.temp': f32(11) },
    { 'general.sampling.temp': { type: 'string', value: '0' } },
    { 'general.sampling.top_k': f32(1.5) },
    { 'general.sampling.top_k': i32(2 ** 21) },
    { 'general.sampling.top_p': f32(1.01) },
    { 'general.sampling.min_p': f32(-0.1) }
  ]
  for (const one of wrong) t.alike(recommendedSampling(metadata(one)), {}, Object.keys(one)[0])
})

test('recommended - a sentinel is known by the version of its layout', (t) => {
  const format = (value: GgufValue) => isSentinel(metadata({ 'swarm.sentinel.format': value }))
  t.ok(format({ type: 'u32', value: 1 }))
  t.absent(format({ type: 'u32', value: 2 }))
  t.absent(format({ type: 'string', value: '1' }))
  t.absent(isSentinel(metadata({})))
})
