// A whole swarm's membership in one process from a seed: links that break and return, pairs that can never
// link, retransmissions, crashes, a partition that heals, a goodbye. The reducer is the real one; the
// network below it, and the records that travel beside it, are played here in a few lines.
//
// Links are ordered streams: a lost packet delays what is behind it and loses nothing. A link that breaks
// loses what is on its way.

import { below, seededRandom, unit, type Random } from '../../src/base/random.ts'
import {
  Membership,
  ROUND_MS,
  crashKnownMs,
  type MembershipEvent,
  type MembershipMessage
} from '../../src/peer/members/membership.ts'

import type { PeerId } from '../../src/wire/ids.ts'

/** Links notice within this time that the other side is gone, and come back within this time. */
const NOTICE_MOST_MS = 2000
const RELINK_MOST_MS = 3000
/** Links come back, the accused hear of it, and their new records go round. */
export const HEAL_MS = RELINK_MOST_MS + 5000
const HEALTHY_MS = 25_000

export interface MembersOptions {
  seed: number
  nPeers: number
  /** Pairs that can never link, as behind two address translations; a ring always can. */
  unlinkableShare: number
  /** Messages that are sent again after 200 ms, some of them several times. */
  resentShare: number
}

export interface MembersReport {
  problems: string[]
  /** States that members came into, over all views: what the run has seen. */
  nSuspect: number
  /** Of those suspects the ones of the healthy time: all of them without reason. */
  nDoubted: number
  nDead: number
  nRefuted: number
  nMessages: number
  /** Until the last survivor held the last crashed one for dead, and what is promised. */
  crashKnownMs: number
  promisedMs: number
  healedMs: number
}

interface Node {
  index: number
  id: PeerId
  membership: Membership
  isRunning: boolean
  linked: Set<number>
  /** Newest record of each peer: its number, and whether it is a goodbye. */
  records: Map<PeerId, { incarnation: number; left: boolean }>
}

type Payload = MembershipMessage | { type: 'records'; peers: PeerId[] }

export const memberId = (index: number): PeerId =>
  (index + 1).toString(16).padStart(64, '0') as PeerId

class MembersSim {
  readonly report: MembersReport
  readonly nodes: Node[]
  /** Nobody is held for dead while this is true. */
  isHealthy = true
  nowMs = 0
  readonly #options: MembersOptions
  readonly #random: Random
  readonly #due = new Map<number, (() => void)[]>()
  readonly #broken = new Set<string>()
  readonly #unlinkable = new Set<string>()
  readonly #arrivesMs = new Map<string, number>()

  constructor(options: MembersOptions) {
    const { seed, nPeers } = options
    this.#options = options
    this.#random = seededRandom(seed)
    const promisedMs = crashKnownMs(nPeers)
    this.report = {
      problems: [],
      nSuspect: 0,
      nDoubted: 0,
      nDead: 0,
      nRefuted: 0,
      nMessages: 0,
      crashKnownMs: 0,
      promisedMs,
      healedMs: 0
    }
    this.nodes = Array.from({ length: nPeers }, (_, index) => ({
      index,
      id: memberId(index),
      membership: new Membership(memberId(index), seededRandom(seed * 1000 + index)),
      isRunning: true,
      linked: new Set(),
      records: new Map()
    }))
    this.#drawUnlinkable()
    for (const node of this.nodes) {
      this.#learn(node, node.id, { incarnation: 1, left: false }, null)
      this.#at(below(this.#random, ROUND_MS), () => this.#tick(node))
      this.#at(below(this.#random, 2000), () => this.#digest(node))
      for (const other of this.nodes) if (other.index > node.index) this.#relink(node, other)
    }
  }

  running(): Node[] {
    return this.nodes.filter(({ isRunning }) => isRunning)
  }

  /** Lets time pass until the condition holds. @returns how long that took; null when it never did. */
  pass(limitMs: number, condition: () => boolean = () => false): number | null {
    const startMs = this.nowMs
    while (this.nowMs - startMs < limitMs) {
      for (const work of this.#due.get(this.nowMs) ?? []) work()
      this.#due.delete(this.nowMs)
      this.nowMs++
      if (this.nowMs % 50 === 0 && condition()) return this.nowMs - startMs
    }
    return condition() ? limitMs : null
  }

  crash(node: Node): void {
    node.isRunning = false
    for (const index of node.linked) this.#breakLink(this.nodes[index] as Node, node)
  }

  leave(node: Node): void {
    this.#publish(node, true)
    this.#at(400, () => {
      node.isRunning = false
      for (const index of node.linked) {
        const other = this.nodes[index] as Node
        if (!other.linked.delete(node.index) || !other.isRunning) continue
        this.#apply(other, { type: 'link-down', peer: node.id, left: true })
      }
    })
  }

  /** Some pairs lose their link for some seconds, though both sides are there and all stay connected. */
  flap(count: number): void {
    for (let i = 0; i < count; i++) {
      const [a, b] = [this.#any(), this.#any()]
      this.#at(below(this.#random, HEALTHY_MS - 10_000), () => {
        if (a === b || !this.#isConnectedWithout(a, b)) return
        this.cut(a, b)
        this.#at(2000 + below(this.#random, 6000), () => this.mend(a, b))
      })
    }
  }

  cut(a: Node, b: Node): void {
    this.#broken.add(pairOf(a, b))
    this.#breakLink(a, b)
    this.#breakLink(b, a)
  }

  mend(a: Node, b: Node): void {
    this.#broken.delete(pairOf(a, b))
    this.#relink(a, b)
  }

  #any(): Node {
    return this.nodes[below(this.#random, this.nodes.length)] as Node
  }

  #at(delayMs: number, work: () => void): void {
    const atMs = this.nowMs + Math.max(1, Math.round(delayMs))
    const due = this.#due.get(atMs)
    if (due === undefined) this.#due.set(atMs, [work])
    else due.push(work)
  }

  #drawUnlinkable(): void {
    const { nPeers, unlinkableShare } = this.#options
    for (const a of this.nodes) {
      for (const b of this.nodes.slice(a.index + 1)) {
        const apart = b.index - a.index
        const isRing = apart === 1 || apart === nPeers - 1
        if (!isRing && unit(this.#random) < unlinkableShare) this.#unlinkable.add(pairOf(a, b))
      }
    }
  }

  #isConnectedWithout(a: Node, b: Node): boolean {
    const first = this.nodes[0] as Node
    const found = new Set([first])
    for (const node of found) {
      for (const other of this.nodes) {
        const isUp = node.linked.has(other.index) && other.linked.has(node.index)
        if (!isUp || !this.#reaches(node, other) || pairOf(node, other) === pairOf(a, b)) continue
        found.add(other)
      }
    }
    return found.size === this.nodes.length
  }

  #reaches(a: Node, b: Node): boolean {
    return a.isRunning && b.isRunning && !this.#broken.has(pairOf(a, b))
  }

  /** One side of a link notices in its own time that the other is out of reach. */
  #breakLink(side: Node, other: Node): void {
    this.#at(600 + below(this.#random, NOTICE_MOST_MS - 600), () => {
      if (!side.isRunning || this.#reaches(side, other)) return
      if (!side.linked.delete(other.index)) return
      this.#apply(side, { type: 'link-down', peer: other.id, left: false })
    })
  }

  #relink(a: Node, b: Node): void {
    if (this.#unlinkable.has(pairOf(a, b))) return
    this.#at(200 + below(this.#random, RELINK_MOST_MS - 200), () => {
      if (!this.#reaches(a, b)) return
      for (const [side, other] of [
        [a, b],
        [b, a]
      ] as const) {
        // Who has not noticed that the old link broke sees a new one take its place.
        if (side.linked.delete(other.index)) {
          this.#apply(side, { type: 'link-down', peer: other.id, left: false })
        }
        side.linked.add(other.index)
      }
      for (const [side, other] of [
        [a, b],
        [b, a]
      ] as const) {
        this.#apply(side, { type: 'link-up', peer: other.id })
        this.#send(side, other, { type: 'records', peers: [...side.records.keys()] })
      }
    })
  }

  #send(from: Node, to: Node, payload: Payload): void {
    if (!from.linked.has(to.index)) return
    this.report.nMessages++
    let delayMs = 1 + 60 * unit(this.#random)
    while (unit(this.#random) < this.#options.resentShare) delayMs += 200
    const way = `${from.index} ${to.index}`
    const atMs = Math.max(this.nowMs + delayMs, this.#arrivesMs.get(way) ?? 0)
    this.#arrivesMs.set(way, atMs)
    // The content of the records is that at the time of sending.
    const records = payload.type === 'records' ? new Map(from.records) : from.records
    this.#at(atMs - this.nowMs, () => {
      if (!this.#reaches(from, to) || !to.linked.has(from.index)) return
      if (payload.type === 'records') {
        for (const peer of payload.peers) this.#learn(to, peer, records.get(peer)!, from)
      } else this.#apply(to, { type: 'message', from: from.id, message: payload })
    })
  }

  #learn(
    node: Node,
    peer: PeerId,
    record: { incarnation: number; left: boolean },
    from: Node | null
  ): void {
    if ((node.records.get(peer)?.incarnation ?? 0) >= record.incarnation) return
    const isFirst = !node.records.has(peer)
    node.records.set(peer, record)
    this.#apply(node, { type: 'record', peer, ...record })
    // Whoever passed it on says behind it what it believes.
    const claims = from?.membership.claims([peer]) ?? []
    if (isFirst && from !== null && claims.length > 0) {
      const message: MembershipMessage = { type: 'members', claims }
      this.#apply(node, { type: 'message', from: from.id, message })
    }
    this.#at(below(this.#random, ROUND_MS), () => {
      for (const index of node.linked) {
        if (index === from?.index) continue
        this.#send(node, this.nodes[index] as Node, { type: 'records', peers: [peer] })
      }
    })
  }

  #publish(node: Node, left: boolean): void {
    const incarnation = (node.records.get(node.id)?.incarnation ?? 0) + 1
    this.#learn(node, node.id, { incarnation, left }, null)
  }

  #tick(node: Node): void {
    if (!node.isRunning) return
    this.#apply(node, { type: 'tick' })
    this.#at(ROUND_MS, () => this.#tick(node))
  }

  #digest(node: Node): void {
    if (!node.isRunning) return
    for (const index of node.linked) {
      const other = this.nodes[index] as Node
      const isNewer = (peer: PeerId) =>
        (other.records.get(peer)?.incarnation ?? 0) < (node.records.get(peer)?.incarnation ?? 0)
      const peers = [...node.records.keys()].filter(isNewer)
      if (peers.length > 0) this.#send(node, other, { type: 'records', peers })
    }
    this.#at(2000, () => this.#digest(node))
  }

  #apply(node: Node, event: MembershipEvent): void {
    for (const effect of node.membership.apply(event, this.nowMs)) {
      if (effect.type === 'send') {
        this.#send(node, this.nodes[Number(`0x${effect.to}`) - 1] as Node, effect.message)
      } else if (effect.type === 'refute') {
        this.report.nRefuted++
        this.#publish(node, false)
      } else this.#noteState(node, effect.peer)
    }
  }

  #noteState(node: Node, peer: PeerId): void {
    const state = node.membership.state(peer)
    if (state === 'suspect') this.report.nSuspect++
    if (state !== 'dead') return
    this.report.nDead++
    const subject = this.nodes[Number(`0x${peer}`) - 1] as Node
    if (this.isHealthy && subject.isRunning) {
      this.report.problems.push(`${this.nowMs} ms: ${node.index} holds ${subject.index} for dead`)
    }
  }
}

/** One swarm's life: healthy with flapping links, some crash, a partition, its healing, a goodbye. */
export function membersRun(options: MembersOptions): MembersReport {
  const sim = new MembersSim(options)
  const { report } = sim
  const expect = (what: string, limitMs: number, condition: () => boolean): number => {
    const tookMs = sim.pass(limitMs, condition)
    if (tookMs === null) report.problems.push(`${what} not within ${limitMs} ms`)
    return tookMs ?? limitMs
  }
  const all = (state: string, subjects: Node[], observers = sim.running()) =>
    observers.every(({ membership, id }) =>
      subjects.every((subject) => subject.id === id || membership.state(subject.id) === state)
    )

  sim.flap(2 * options.nPeers)
  sim.pass(HEALTHY_MS)
  report.nDoubted = report.nSuspect
  expect('all alive', HEAL_MS, () => all('alive', sim.nodes))

  const crashed = sim.nodes.slice(1, 1 + Math.max(1, Math.floor(options.nPeers / 8)))
  for (const node of crashed) sim.crash(node)
  report.crashKnownMs = expect('crashes known', report.promisedMs, () => all('dead', crashed))

  const left = sim.running()
  if (left.length >= 2) {
    const [ours, theirs] = [left.filter((_, i) => i % 2 === 0), left.filter((_, i) => i % 2 === 1)]
    sim.isHealthy = false
    for (const a of ours) for (const b of theirs) sim.cut(a, b)
    const isSplit = () => all('dead', theirs, ours) && all('dead', ours, theirs)
    expect('partition known', report.promisedMs, isSplit)
    for (const a of ours) for (const b of theirs) sim.mend(a, b)
    report.healedMs = expect('partition healed', HEAL_MS, () => all('alive', left))
    sim.isHealthy = true
    sim.pass(5000)
    if (left.some(({ id }) => left.some((one) => one.membership.state(id) === 'dead'))) {
      report.problems.push('not healed for good')
    }
    const goes = left.at(-1) as Node
    sim.leave(goes)
    expect('goodbye known', 3000, () => all('left', [goes]))
    if (!all('dead', crashed)) report.problems.push('the crashed came back')
  }
  return report
}

function pairOf(a: Node, b: Node): string {
  return a.index < b.index ? `${a.index} ${b.index}` : `${b.index} ${a.index}`
}
