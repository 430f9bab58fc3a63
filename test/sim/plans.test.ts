// Plans that stand still, and peers that come to the same one: a day of noisy measurements, and 32 peers
// with the real directory, gossip and plan watch on links that take their time.

import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import { PlanWatch } from '../../src/node/plan-watch.ts'
import { Directory } from '../../src/peer/members/directory.ts'
import { Gossip } from '../../src/peer/members/gossip.ts'
import { decodeControl, encodeControl, type ControlMessage } from '../../src/wire/control.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { noisyDay } from '../helpers/noisy-day.ts'
import { identities } from '../peer/test-peer.ts'

import type { Identity } from '../../src/peer/identity.ts'
import type { ModelFacts } from '../../src/sharding/facts.ts'
import type { Profile } from '../../src/wire/record.ts'

const SLOW = { timeout: 180_000 }

test('plans - a day of noise changes the plan at most five times and costs little', SLOW, (t) => {
  const regrets: number[] = []
  for (const noise of [5, 10, 20]) {
    for (const seed of [1, 2]) {
      const { changes, regret } = noisyDay(seed, noise)
      t.ok(changes <= 5, `seed ${seed}, ${noise} % noise: ${changes} changes`)
      regrets.push(regret)
    }
  }
  const mean = regrets.reduce((sum, regret) => sum + regret, 0) / regrets.length
  t.ok(mean <= 0.015, `regret ${mean}`)
})

test('plans - nor does a day of noise move layers that are read from disk', SLOW, (t) => {
  const regrets: number[] = []
  for (const noise of [5, 10, 20]) {
    for (const seed of [1, 2, 3]) {
      const { changes, regret } = noisyDay(seed, noise, { streams: true })
      t.ok(changes <= 5, `seed ${seed}, ${noise} % noise: ${changes} changes`)
      regrets.push(regret)
    }
  }
  const mean = regrets.reduce((sum, regret) => sum + regret, 0) / regrets.length
  t.ok(mean <= 0.015, `regret ${mean}`)
})

test(
  'plans - the canary: without steps, averages and held ranges a quarter of the samples are new plans',
  SLOW,
  (t) => {
    const { changes } = noisyDay(2, 20, { steady: false, nSamples: 240 })
    t.ok(changes > 60, `${changes} changes`)
  }
)

const N_PEERS = 32
const FACTS: ModelFacts = {
  id: 'ab'.repeat(32),
  nLayers: 12,
  dim: 1024,
  layerKiB: Array.from({ length: 12 }, () => 400_000),
  activeKiB: Array.from({ length: 12 }, () => 400_000),
  embeddingKiB: 0,
  headKiB: 0,
  tied: false,
  kvBytesPerToken: 1024,
  contextTokens: 1024
}

class Node {
  readonly directory: Directory
  readonly gossip: Gossip
  readonly watch: PlanWatch
  readonly hashes: string[] = []

  constructor(identity: Identity, clock: FakeClock) {
    const first = {
      name: 'n',
      programVersion: '1',
      arithmeticVersion: 1,
      model: { id: FACTS.id, name: 'm', givesWay: false }
    }
    this.directory = new Directory(identity, first, clock, seededRandom(1), {
      onRecord: (peer, from) => {
        this.gossip.push(peer, from)
        this.watch.stir()
      },
      onState: () => {},
      onDuplicate: () => {},
      send: () => {}
    })
    this.gossip = new Gossip(this.directory, clock)
    const records = () => this.directory.peers().map(({ record }) => record)
    this.watch = new PlanWatch({
      facts: FACTS,
      arithmeticVersion: 1,
      records,
      reachable: records,
      isMeasuring: () => false,
      isSettling: () => false,
      clock,
      onPlan: ({ hash }) => this.hashes.push(hash)
    })
  }
}

/** Each linked to the next and to three others, 20 ms away and more. */
async function swarm(clock: FakeClock): Promise<Node[]> {
  const random = seededRandom(3)
  const keys = await identities(N_PEERS)
  const nodes = keys.map((identity) => new Node(identity, clock))
  const linked = new Set<string>()
  const link = (a: number, b: number) => {
    const name = [Math.min(a, b), Math.max(a, b)].join()
    if (a === b || linked.has(name)) return
    linked.add(name)
    const delayMs = 20 + below(random, 30)
    const neighbour = (from: number, to: number) => ({
      peer: keys[to]!.id,
      send(message: ControlMessage) {
        const bytes = encodeControl(message)
        clock.after(delayMs, () => nodes[to]!.gossip.receive(keys[from]!.id, decodeControl(bytes)))
      }
    })
    nodes[a]!.directory.linkUp(keys[b]!.id)
    nodes[b]!.directory.linkUp(keys[a]!.id)
    nodes[a]!.gossip.linkUp(neighbour(a, b))
    nodes[b]!.gossip.linkUp(neighbour(b, a))
  }
  for (let i = 0; i < N_PEERS; i++) {
    link(i, (i + 1) % N_PEERS)
    for (let k = 0; k < 3; k++) link(i, below(random, N_PEERS))
  }
  return nodes
}

function profileOf(index: number, weightMiBps: number): Profile {
  const memoryKiB = 700_000 + 100_000 * (index % 5)
  const rates = { weightMiBps, int8Mops: 100_000, diskMiBps: 0 }
  const unasked = { contextTokens: 0, sessions: 0, neighbours: [] }
  return { cores: 4, kernels: 'scalar', memoryKiB, ...rates, ...unasked }
}

test(
  'plans - 32 peers agree within two seconds of news, and each changes its plan once',
  SLOW,
  async (t) => {
    const clock = new FakeClock()
    const nodes = await swarm(clock)
    for (const [index, node] of nodes.entries()) {
      node.directory.publish({ profile: profileOf(index, 8000 + 300 * index) })
    }
    const run = (durationMs: number, until: () => boolean) => {
      for (let ms = 0; ms < durationMs; ms += 20) {
        clock.advance(20)
        for (const node of nodes) node.gossip.tick()
        if (until()) return ms + 20
      }
      return Infinity
    }
    const agree = () => {
      const hashes = nodes.map(({ watch }) => watch.plan?.hash)
      return hashes[0] !== undefined && new Set(hashes).size === 1
    }
    const views = () => new Set(nodes.map(({ watch }) => watch.plan?.viewHash)).size
    t.ok(run(6000, () => agree() && views() === 1) < Infinity, 'a first plan')
    run(3000, () => false)

    const before = nodes.map(({ hashes }) => hashes.length)
    const old = nodes[0]!.watch.plan!.hash
    // A machine of which everybody wants some.
    nodes[7]!.directory.publish({ profile: { ...profileOf(7, 300_000), memoryKiB: 3_000_000 } })
    const agreedMs = run(6000, () => agree() && nodes[0]!.watch.plan!.hash !== old)
    t.ok(agreedMs <= 2000, `${agreedMs} ms`)
    run(3000, () => false)
    t.alike(
      nodes.map(({ hashes }, index) => hashes.length - (before[index] as number)),
      nodes.map(() => 1)
    )
    t.is(views(), 1)
  }
)
