// Many random views for the planner, seeded: each planned twice from records that came in another order,
// with stale ones among them; one in four without the memory that its model needs. A long run (soak) and a
// short one (tests) share it, and so do the 600 golden views whose hashes another architecture must
// reproduce.

import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { computePlan, type Plan } from '../../src/sharding/plan.ts'
import { createView } from '../../src/sharding/view.ts'
import {
  randomModel,
  randomPeers,
  randomPin,
  shuffled,
  toRecord,
  withScarceMemory
} from './views.ts'

import type { View, ViewPeer } from '../../src/sharding/facts.ts'

/** Of what a model needs, the least that all machines have together where it has to come from disk. */
const SCARCE_PERCENT = 40

export interface PlanRun {
  /** Views whose second plan differed from the first. */
  wrong: number[]
  /** Plans that differ from each other. */
  different: number
}

/** @param nPeersMax of every view, from half of that on. */
export function planManyTimes(seed: number, count: number, nPeersMax: number): PlanRun {
  const random = seededRandom(seed)
  const wrong: number[] = []
  const plans = new Set<string>()
  for (let i = 0; i < count; i++) {
    const roomy = mixedView(random, nPeersMax)
    const view =
      i % 4 === 3 ? withScarceMemory(random, roomy, SCARCE_PERCENT + below(random, 60)) : roomy
    const records = view.peers.map((peer) => toRecord(peer, view.model))
    const stale = records.map((record) => ({ ...record, seq: 0, left: true }))
    const plan = JSON.stringify(computePlan(createView(view.model, 1, records)))
    const again = createView(view.model, 1, shuffled(random, [...records, ...stale]))
    if (JSON.stringify(computePlan(again)) !== plan) wrong.push(i)
    plans.add(plan)
  }
  return { wrong, different: plans.size }
}

/** One line for each golden view: the first digits of the hashes of plan and view, and predictions. */
export function goldenPlans(): string[] {
  const random = seededRandom(500)
  const views = Array.from({ length: 500 }, (_, index) =>
    mixedView(random, index % 50 === 0 ? 18 : index % 10 === 0 ? 10 : 6)
  )
  // Without most of the memory that they need, every machine with a disk.
  const scarce = Array.from({ length: 100 }, (_, index) =>
    withScarceMemory(random, mixedView(random, index % 10 === 0 ? 10 : 4), 50 + (index >> 1))
  )
  return [...views, ...scarce].map((view) => goldenLine(computePlan(view)))
}

function goldenLine({ hash, viewHash, predicted }: Plan): string {
  const { tokenUs = 0, firstTokenUs = 0, boundUs = 0 } = predicted ?? {}
  return `${hash.slice(0, 32)} ${viewHash.slice(0, 16)} ${tokenUs} ${firstTokenUs} ${boundUs}`
}

/** Pins, held ranges, accelerators, disks and measured links, each in some of the views. */
export function mixedView(random: Random, nPeersMax: number): View {
  const model = randomModel(random, 24)
  if (below(random, 3) === 0) {
    model.layerKops = model.layerKiB.map((sizeKiB) => sizeKiB * 4)
    model.sessions = 1 + below(random, 3)
  }
  const half = nPeersMax >> 1
  const peers = randomPeers(random, model, half + 1 + below(random, nPeersMax - half))
  const scarce = 1 + below(random, 4)
  const linked = below(random, 4) === 0
  const pinned = below(random, 5) === 0
  for (const peer of peers) {
    peer.memoryKiB = Math.max(1, Math.floor(peer.memoryKiB / scarce))
    peer.int8Mops = 1000 << below(random, 10)
    if (pinned && below(random, 4) === 0) peer.pin = randomPin(random, model.nLayers)
    if (below(random, 3) === 0) peer.held = [randomPin(random, model.nLayers)]
    if (below(random, 6) === 0) {
      const memoryKiB = Math.floor(peer.memoryKiB / 2) + 1
      peer.accelerator = { memoryKiB, weightMiBps: peer.weightMiBps * 4 }
    }
    if (nPeersMax <= 6 && below(random, 12) === 0) peer.diskMiBps = 500 << below(random, 3)
    if (linked) peer.links = randomLinks(random, peer, peers)
  }
  return { model, peers: peers.toSorted((a, b) => (a.key < b.key ? -1 : 1)) }
}

function randomLinks(random: Random, peer: ViewPeer, peers: readonly ViewPeer[]) {
  return peers
    .filter((other) => other !== peer && below(random, 3) > 0)
    .map(({ key }) => ({
      peer: key,
      delayUs: 50 << below(random, 10),
      mbps: 10 << below(random, 8)
    }))
}
