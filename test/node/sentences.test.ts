import test from 'brittle'

import * as sentences from '../../src/node/sentences.ts'
import { evenChunking } from '../../src/sharding/chunking.ts'
import { keyOf } from '../helpers/views.ts'

import type { Plan } from '../../src/sharding/plan.ts'
import type { Hello } from '../../src/wire/hello.ts'

const NASTY = 'a\u001b[2Jb\nc\u202ed'
const hello: Hello = {
  protocolVersion: 1,
  arithmeticVersion: 1,
  programVersion: '0.1.0',
  name: 'attic',
  upMs: 0,
  wallMs: 0,
  lane: { port: 0, addresses: [] },
  heartbeat: { port: 0, key: new Uint8Array(32) },
  model: { id: 'ab'.repeat(32), name: 'tiny.gguf', givesWay: false },
  record: null,
  logs: null
}

const plan: Plan = {
  stages: [
    { peer: keyOf('a'), start: 0, end: 2 },
    { peer: keyOf('b'), start: 2, end: 5 }
  ],
  standbys: [],
  streamed: [],
  predicted: {
    tokenUs: 58_000,
    perStageUs: [20_000, 30_000],
    hopUs: 8000,
    firstTokenUs: 900_000,
    chunking: evenChunking(64),
    boundUs: 58_000,
    tokensPerSecond: 17.24,
    pooledTokensPerSecond: 33.3
  },
  leftOut: [],
  gap: [],
  reserve: { contextTokens: 4096, sessions: 1 },
  hash: '',
  viewHash: ''
}

test('sentences - who came, with what, and who went', (t) => {
  const peer = keyOf('a')
  t.is(sentences.linkUpText(peer, hello), 'attic (aaaaaaaa) is here, with tiny.gguf, version 0.1.0')
  const bare = { ...hello, model: null }
  t.ok(sentences.portText('10.0.0.1', 7).endsWith('--peer 10.0.0.1:7'))
  t.ok(sentences.portText('2001:db8::1', 7).endsWith('--peer [2001:db8::1]:7'))
  t.is(sentences.linkUpText(peer, bare), 'attic (aaaaaaaa) is here, version 0.1.0')
  t.is(sentences.linkDownText(peer, 'attic', true), 'attic (aaaaaaaa) left')
  t.is(sentences.linkDownText(peer, 'attic', false), 'attic (aaaaaaaa) is gone')
})

test('sentences - which way activations go', (t) => {
  const peer = keyOf('a')
  t.is(sentences.laneText(peer, 'tcp'), 'activations to aaaaaaaa go over tcp')
  t.ok(/over udx, slower than TCP/.test(sentences.laneText(peer, 'udx')))
  t.is(sentences.laneText(peer, null), 'no way for activations to aaaaaaaa at the moment')
})

test('sentences - what a machine can do', (t) => {
  const profile = {
    cores: 8,
    kernels: 'avx2',
    memoryKiB: 12 * 2 ** 20,
    weightMiBps: 20_480,
    int8Mops: 1,
    diskMiBps: 0
  }
  t.is(
    sentences.profileText(profile, null),
    'this machine: 8 cores, avx2, 21.5 GB/s of weights, up to 12 GiB; as measured before'
  )
  t.is(
    sentences.profileText({ ...profile, diskMiBps: 2896 }, 1140),
    'this machine: 8 cores, avx2, 21.5 GB/s of weights, 3.0 GB/s from disk, up to 12 GiB; ' +
      'measured in 1.1 s'
  )
})

test('sentences - who holds which layers, or which layers nobody can hold', (t) => {
  const name = (peer: string) => (peer === keyOf('a') ? 'attic' : 'cellar')
  t.is(sentences.planText(plan, name), 'layers: attic 0-1, cellar 2-4; predicted 17.2 tokens/s')
  const [first, second] = plan.stages as [(typeof plan.stages)[0], (typeof plan.stages)[0]]
  const again = { ...first, start: second.end, end: second.end + 2 }
  t.is(
    sentences.planText({ ...plan, stages: [first, second, again] }, name),
    'layers: attic 0-1 + 5-6, cellar 2-4; predicted 17.2 tokens/s'
  )
  const gap = [
    { start: 0, end: 1 },
    { start: 3, end: 5 }
  ]
  t.is(
    sentences.planText({ ...plan, stages: [], predicted: null, gap }, name),
    'no plan: nobody has room for layers 0-0, 3-4'
  )
})

test('sentences - foreign text is one clipped line without control characters', (t) => {
  const foreign = {
    ...hello,
    name: NASTY,
    programVersion: NASTY,
    model: { id: '', name: NASTY, givesWay: false }
  }
  const texts = [
    sentences.linkUpText(keyOf('a'), foreign),
    sentences.linkDownText(keyOf('a'), NASTY, true),
    sentences.planText(plan, () => NASTY)
  ]
  for (const text of texts) t.absent(/[\p{Cc}\p{Cf}]/u.test(text), JSON.stringify(text))
  const long = 'x'.repeat(500)
  const longs = {
    ...hello,
    name: long,
    programVersion: long,
    model: { id: '', name: long, givesWay: false }
  }
  t.ok(sentences.linkUpText(keyOf('a'), longs).length < 200)
})

test('sentences - what a load has brought: the stage, or layers that stand by', (t) => {
  const range = (start: number, end: number) => ({ start, end })
  const loading = { range: range(0, 4), percent: 99 }
  const before = { held: [range(6, 8)], loading }
  const news = (
    held: { start: number; end: number }[],
    own: (typeof loading.range)[],
    onDisk: number[] = []
  ) => sentences.holdingNews(before, { held, own, loading: null }, onDisk)
  t.alike(news([range(0, 4), range(6, 8)], [range(0, 4)]), {
    kind: 'layers',
    text: 'layers 0-3 are ready'
  })
  t.alike(news([range(0, 2), range(6, 10)], []), {
    kind: 'standby',
    text: 'layers 0-1, 8-9 stand by here'
  })
  t.is(
    news([range(0, 4), range(6, 8)], [range(0, 4)], [0, 6, 7, 9])?.text,
    'layers 0-3 are ready; 3 of them, whole or in part, are read from disk for each token'
  )
  t.is(news([range(6, 8)], []), null, 'a load that failed')
  t.is(news([range(0, 2), range(6, 8)], [range(0, 4)]), null, 'a part of the stage is no stage')
  t.is(sentences.holdingNews(before, { ...before, own: [] }, []), null, 'it still loads')
})
