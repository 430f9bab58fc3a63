import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { OwnProfile, type OwnProfileOptions } from '../../src/node/own-profile.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { keyOf, randomModel } from '../helpers/views.ts'

import type { Machine } from '../../src/sharding/probe.ts'
import type { Profile } from '../../src/wire/record.ts'

const SELF = keyOf('a')
const OTHER = keyOf('b')
const GIB = 2 ** 20

const machine: Machine = {
  cores: 8,
  kernels: 'avx2',
  memoryKiB: 8 * GIB,
  weightMiBps: 19_488,
  int8Mops: 370_688,
  diskMiBps: 2896
}

const model = { ...randomModel(seededRandom(1), 1), nLayers: 1, layerKiB: [2 * GIB] }
const facts = { ...model, activeKiB: model.layerKiB, headKiB: 0 }
const view = {
  model: facts,
  peers: [SELF, OTHER].map((key) => ({ key, memoryKiB: 8 * GIB, weightMiBps: 19_488, pin: null }))
}

function setUp(wishes = { contextTokens: 32_768 as number | null, sessions: null }) {
  const world = {
    clock: new FakeClock(),
    told: [] as (Profile | null)[],
    links: [] as { peer: string; lane: 'tcp'; rttMs: number; upMs: number }[],
    claimKiB: 8 * GIB
  }
  const network = {
    hops: { self: SELF },
    links: () => world.links,
    measurePath: () => Promise.resolve({ rttMs: 0.3, mbps: 900 }),
    publish: ({ profile }: { profile: Profile }) => world.told.push(profile)
  }
  const profile = new OwnProfile({
    network: network as unknown as OwnProfileOptions['network'],
    wishes,
    clock: world.clock
  })
  const begin = () => profile.begin(machine, () => world.claimKiB)
  const pass = async (ms: number) => {
    for (let done = 0; done < ms; done += 250) {
      world.clock.advance(250)
      for (let turn = 0; turn < 4; turn++) await Promise.resolve()
    }
  }
  return Object.assign(world, { profile, begin, pass })
}

/** An answer of 11 tokens in which a peer computed for so many ms. */
function answer(peer: string, computeMs: number) {
  const perHop = [{ peer, start: 0, end: 1, computeMs, queueMs: 0, wireMs: 0 }]
  const ids = Array.from({ length: 11 }, () => 1)
  return { ids, timing: { prefillMs: 0, decodeMs: 0, tokensPerSecond: 0, perHop } } as never
}

test('own profile - the machine, the wishes and the links in one', async (t) => {
  const world = setUp()
  t.alike(world.begin(), { ...machine, contextTokens: 32_768, sessions: 0, neighbours: [] })
  t.is(world.profile.claimBytes, 8 * GIB * 1024)
  world.links = [{ peer: OTHER, lane: 'tcp', rttMs: 0.3, upMs: 0 }]
  t.ok(world.profile.isSettling)
  await world.pass(1000)
  t.absent(world.profile.isSettling)
  t.is(world.told.length, 1)
  t.alike(world.told[0]?.neighbours, [{ peer: OTHER, delayUs: 152, mbps: 861, seenMiBps: 0 }])
})

test('own profile - links that come before the machine is measured are told with it', async (t) => {
  const world = setUp()
  world.links = [{ peer: OTHER, lane: 'tcp', rttMs: 0.3, upMs: 0 }]
  await world.pass(1000)
  t.is(world.told.length, 0)
  t.is(world.profile.claimBytes, 0)
  t.is(world.begin().neighbours.length, 1)
})

test('own profile - less memory is published and claimed', async (t) => {
  const world = setUp()
  world.begin()
  world.claimKiB = 4 * GIB
  await world.pass(5 * 60_000)
  t.is(world.told.at(-1)?.memoryKiB, 4 * GIB)
  t.is(world.profile.claimBytes, 4 * GIB * 1024)
})

test('own profile - what an answer showed of others is told, of itself nothing', (t) => {
  const world = setUp()
  world.begin()
  world.profile.note(view, answer(SELF, 1000))
  t.is(world.told.length, 0)
  world.profile.note(view, answer(OTHER, 1000))
  // 2 GiB a token, ten of them in a second.
  t.is(world.told.at(-1)?.neighbours[0]?.seenMiBps, 19_488)
})

test('own profile - nothing is published after the end', async (t) => {
  const world = setUp()
  world.begin()
  world.profile.close()
  world.claimKiB = GIB
  world.links = [{ peer: OTHER, lane: 'tcp', rttMs: 0.3, upMs: 0 }]
  await world.pass(10 * 60_000)
  t.is(world.told.length, 0)
})
