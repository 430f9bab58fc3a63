// Who is there: SWIM membership as a reducer, events in and effects out, with time and randomness given.
// Owns the probes and the suspicions; the rules for one member are in member-state.ts, how claims spread in
// spread.ts, records and their signatures in directory.ts, which drives this.
//
// A link of ours is the direct probe: heartbeats every 100 ms tell more than SWIM's ping once a period. So
// only members without one are probed, through others that may have one. Whoever is suspected without
// reason hears of it through any neighbour and refutes with a new record.

import { below, type Random } from '../../base/random.ts'
import { nextMember, type Member, type MemberEvent, type MemberState } from './member-state.ts'
import { Spread } from './spread.ts'

import type {
  MemberClaim,
  MembersMessage,
  ProbeAnswerMessage,
  ProbeMessage
} from '../../wire/control.ts'
import type { PeerId } from '../../wire/ids.ts'

/** Between two ticks, and so between two rounds of spreading: as often as gossip pushes records. */
export const ROUND_MS = 250
/** One unlinked member is probed per period. */
export const PERIOD_MS = 1000
/**
 * Others that are asked at once whether they reach a member: SWIM's k. If all say no, others are asked:
 * where some pairs cannot link, a few may not know it, and a false suspicion costs all of the swarm more.
 */
const HELPERS = 3
/** For all answers: helpers know without asking anybody, so each takes a round trip and a busy loop. */
const PROBE_TIMEOUT_MS = 1000
/** A member just heard of is not probed yet: its links, and those of whoever told us, are coming up. */
const PROBE_GRACE_MS = 3000
/** Periods that a suspect has to refute per log2 of the members: its answer crosses the swarm twice. */
const SUSPICION_FACTOR = 2
/**
 * The same where it has a link to nobody who is there, by their own word: nobody could hear it refute, it can
 * only come back, and what it computed is missed meanwhile. Twice what dialling it again takes; who is away
 * longer, while a cable is seated anew, costs a plan and, once it is back, another one. Lifeguard (Dadgar et
 * al. 2018) shortens suspicion by witnesses too.
 */
const CUT_OFF_MS = PERIOD_MS
/** Links notice a loss within this time (link/jitter.ts, link/silence.ts). */
const LINK_NOTICE_MS = 2000

/**
 * Rounds in which a claim reaches all of n members that are linked: an epidemic that tells three per round
 * takes log4 n to reach most and ln n / 3 for the rest (Demers et al. 1987), which is below log2 n; twice
 * that leaves room for messages that are late.
 */
export function spreadRounds(nMembers: number): number {
  return 2 * Math.ceil(Math.log2(nMembers + 1))
}

/** How long a suspect among n members has to refute, in ms. */
export function suspicionMs(nMembers: number): number {
  return SUSPICION_FACTOR * PERIOD_MS * Math.log2(nMembers + 1)
}

/** Within this time after a member of n crashed all others hold it for dead, in ms. */
export function crashKnownMs(nMembers: number): number {
  const noticedMs = LINK_NOTICE_MS + PROBE_TIMEOUT_MS + ROUND_MS
  return noticedMs + suspicionMs(nMembers) + spreadRounds(nMembers) * ROUND_MS
}

export type MembershipEvent =
  | { type: 'record'; peer: PeerId; incarnation: number; left: boolean }
  | { type: 'link-up'; peer: PeerId }
  | { type: 'link-down'; peer: PeerId; left: boolean }
  | { type: 'message'; from: PeerId; message: MembershipMessage }
  /** Every ROUND_MS. */
  | { type: 'tick' }

export type MembershipMessage = MembersMessage | ProbeMessage | ProbeAnswerMessage

export type MembershipEffect =
  | { type: 'send'; to: PeerId; message: MembershipMessage }
  /** We are suspected: a new record of ours refutes it. */
  | { type: 'refute' }
  /** Another state than before. */
  | { type: 'state'; peer: PeerId }

interface Entry {
  member: Member
  /** When it came into its state. */
  sinceMs: number
  /** The helper that reached it last; asked first. */
  via: PeerId | null
  /** While it is suspect: whether all who are there, at least two, have no link to it. */
  isCutOff: boolean
  /** The incarnation of which it was told that it is accused. */
  toldIncarnation: number
}

interface Probe {
  peer: PeerId
  unanswered: Set<PeerId>
  /** Neighbours not asked yet. */
  untried: PeerId[]
  untilMs: number
  /** Whether those asked are all others that are there. */
  asksAll: boolean
}

export class Membership {
  readonly #self: PeerId
  readonly #random: Random
  readonly #entries = new Map<PeerId, Entry>()
  readonly #linked = new Set<PeerId>()
  readonly #probes = new Map<number, Probe>()
  readonly #spread = new Spread()
  #nextProbe = 0
  #periodMs = -Infinity
  /** Members still to be probed in this turn, in random order. */
  #turn: PeerId[] = []
  #isAccused = false
  #refutedMs = -Infinity

  constructor(self: PeerId, random: Random) {
    this.#self = self
    this.#random = random
  }

  /** Of a member whose record is known; others count as gone. */
  state(peer: PeerId): MemberState {
    return this.#entries.get(peer)?.member.state ?? 'left'
  }

  /** What we believe of these that is against them. */
  claims(peers: Iterable<PeerId>): MemberClaim[] {
    const claims: MemberClaim[] = []
    for (const key of peers) {
      const member = this.#entries.get(key)?.member
      if (member?.state !== 'suspect' && member?.state !== 'dead') continue
      claims.push({ key, incarnation: member.incarnation, state: member.state })
    }
    return claims
  }

  apply(event: MembershipEvent, nowMs: number): MembershipEffect[] {
    const effects: MembershipEffect[] = []
    switch (event.type) {
      case 'record':
        this.#record(event.peer, event, nowMs, effects)
        break
      case 'link-up':
        this.#linkUp(event.peer, nowMs, effects)
        break
      case 'link-down':
        this.#linked.delete(event.peer)
        this.#change(event.peer, { type: 'link-down', left: event.left }, nowMs, effects)
        if (this.state(event.peer) === 'alive') this.#probe(event.peer, nowMs, effects)
        break
      case 'message':
        this.#message(event.from, event.message, nowMs, effects)
        break
      case 'tick':
        this.#tick(nowMs, effects)
    }
    return effects
  }

  /** Members that went so long ago that nobody needs to know any more. */
  goneSince(beforeMs: number): PeerId[] {
    return [...this.#entries]
      .filter(([, entry]) => isGone(entry) && entry.sinceMs < beforeMs)
      .map(([peer]) => peer)
  }

  /**
   * Who is to be forgotten for a newcomer: of those that went the one that did so first, and for a peer
   * that we are linked to of all others as well. Never one that we are linked to. Null: nobody.
   */
  dispensable(newcomer: PeerId): PeerId | null {
    const order = (entry: Entry) => (isGone(entry) ? entry.sinceMs : entry.sinceMs + 1e15)
    const others = [...this.#entries].filter(
      ([peer, entry]) =>
        peer !== this.#self &&
        !entry.member.isLinked &&
        (isGone(entry) || this.#linked.has(newcomer))
    )
    if (others.length === 0) return null
    return others.reduce((a, b) => (order(b[1]) < order(a[1]) ? b : a))[0]
  }

  forget(peer: PeerId): void {
    this.#entries.delete(peer)
    this.#spread.end(peer)
  }

  #record(
    peer: PeerId,
    record: { incarnation: number; left: boolean },
    nowMs: number,
    effects: MembershipEffect[]
  ): void {
    if (!this.#entries.has(peer)) {
      const isLinked = this.#linked.has(peer)
      this.#entries.set(peer, {
        member: { state: 'left', incarnation: -1, isLinked },
        sinceMs: nowMs,
        via: null,
        isCutOff: false,
        toldIncarnation: -1
      })
    }
    const { incarnation, left } = record
    this.#change(peer, { type: 'record', incarnation, left }, nowMs, effects)
  }

  #linkUp(peer: PeerId, nowMs: number, effects: MembershipEffect[]): void {
    this.#linked.add(peer)
    // Also what we believed of the peer itself: it refutes, and those who heard it from us learn it.
    const claims = this.claims(this.#entries.keys())
    if (claims.length > 0) effects.push({ type: 'send', to: peer, message: membersOf(claims) })
    this.#change(peer, { type: 'link-up' }, nowMs, effects)
  }

  #message(
    from: PeerId,
    message: MembershipMessage,
    nowMs: number,
    effects: MembershipEffect[]
  ): void {
    if (message.type === 'members') {
      for (const claim of message.claims) this.#hear(claim, nowMs, effects)
    } else if (message.type === 'probe') {
      const reached = message.key === this.#self || this.#linked.has(message.key)
      const answer: ProbeAnswerMessage = { type: 'probe-answer', id: message.id, reached }
      effects.push({ type: 'send', to: from, message: answer })
    } else this.#answered(from, message, nowMs, effects)
  }

  #hear(claim: MemberClaim, nowMs: number, effects: MembershipEffect[]): void {
    const { key, incarnation, state } = claim
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.member.incarnation !== incarnation) return
    if (key === this.#self) this.#isAccused ||= entry.member.state !== 'left'
    else if (!entry.member.isLinked) this.#change(key, { type: state, incarnation }, nowMs, effects)
    else if (entry.toldIncarnation !== incarnation) {
      // We know better, but whoever said so does not: only the accused can tell all.
      entry.toldIncarnation = incarnation
      effects.push({ type: 'send', to: key, message: membersOf([claim]) })
    }
  }

  #answered(
    from: PeerId,
    { id, reached }: ProbeAnswerMessage,
    nowMs: number,
    effects: MembershipEffect[]
  ): void {
    const probe = this.#probes.get(id)
    // An answer that was not asked for, or of somebody else, means nothing.
    if (!probe?.unanswered.delete(from)) return
    const entry = this.#entries.get(probe.peer)
    if (reached) {
      this.#probes.delete(id)
      if (entry !== undefined) entry.via = from
    } else if (probe.unanswered.size === 0) this.#ask(id, probe, nowMs, effects)
  }

  #tick(nowMs: number, effects: MembershipEffect[]): void {
    // However often we are accused: each refutation is a record that goes to everybody.
    if (this.#isAccused && nowMs - this.#refutedMs >= PERIOD_MS) {
      this.#isAccused = false
      this.#refutedMs = nowMs
      effects.push({ type: 'refute' })
    }
    for (const [id, probe] of this.#probes) {
      if (nowMs >= probe.untilMs) this.#unreached(id, { ...probe, asksAll: false }, nowMs, effects)
    }
    const refutingMs = suspicionMs(this.#nPresent())
    for (const [peer, { member, sinceMs, isCutOff }] of this.#entries) {
      const patienceMs = isCutOff ? CUT_OFF_MS : refutingMs
      if (member.state !== 'suspect' || nowMs - sinceMs < patienceMs) continue
      this.#change(peer, { type: 'expired' }, nowMs, effects)
    }
    if (nowMs - this.#periodMs >= PERIOD_MS) {
      this.#periodMs = nowMs
      const next = this.#nextToProbe(nowMs)
      if (next !== null) this.#probe(next, nowMs, effects)
    }
    if (this.#spread.isQuiet) return
    const { to, claims } = this.#spread.round(this.#shuffled([...this.#linked]), this.#nPresent())
    for (const one of to) effects.push({ type: 'send', to: one, message: membersOf(claims) })
  }

  #change(peer: PeerId, event: MemberEvent, nowMs: number, effects: MembershipEffect[]): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    const before = entry.member
    entry.member = nextMember(before, event)
    if (entry.member.isLinked !== before.isLinked) entry.toldIncarnation = -1
    const { state, incarnation } = entry.member
    if (state === before.state && incarnation === before.incarnation) return
    // What was claimed of an earlier incarnation, or of another state, is no news any more.
    this.#spread.end(peer)
    if (state === before.state) return
    entry.sinceMs = nowMs
    entry.isCutOff = false
    effects.push({ type: 'state', peer })
    if (state === 'suspect' || state === 'dead') {
      this.#spread.begin({ key: peer, incarnation, state })
    }
  }

  #probe(peer: PeerId, nowMs: number, effects: MembershipEffect[]): void {
    if ([...this.#probes.values()].some((pending) => pending.peer === peer)) return
    const id = this.#nextProbe
    this.#nextProbe = (id + 1) >>> 0
    const untilMs = nowMs + PROBE_TIMEOUT_MS
    const untried = this.#helpers(peer)
    const asksAll = untried.length > 0 && this.#linksAllBut(peer)
    const probe = { peer, unanswered: new Set<PeerId>(), untried, untilMs, asksAll }
    this.#probes.set(id, probe)
    this.#ask(id, probe, nowMs, effects)
  }

  /** Asks the next few; when nobody is left to ask, it is out of reach. */
  #ask(id: number, probe: Probe, nowMs: number, effects: MembershipEffect[]): void {
    for (const to of probe.untried.splice(0, HELPERS)) {
      probe.unanswered.add(to)
      effects.push({ type: 'send', to, message: { type: 'probe', id, key: probe.peer } })
    }
    if (probe.unanswered.size === 0) this.#unreached(id, probe, nowMs, effects)
  }

  #unreached(id: number, probe: Probe, nowMs: number, effects: MembershipEffect[]): void {
    this.#probes.delete(id)
    this.#change(probe.peer, { type: 'unreached' }, nowMs, effects)
    const entry = this.#entries.get(probe.peer)
    if (entry?.member.state === 'suspect') entry.isCutOff = probe.asksAll
  }

  /** Whether all others that are alive have a link to us. */
  #linksAllBut(peer: PeerId): boolean {
    return [...this.#entries].every(([other, { member }]) => {
      return member.state !== 'alive' || member.isLinked || other === peer || other === this.#self
    })
  }

  /** Our neighbours in random order, but the one that reached it last first. */
  #helpers(peer: PeerId): PeerId[] {
    const via = this.#entries.get(peer)?.via ?? null
    const others = this.#shuffled([...this.#linked].filter((other) => other !== via))
    return via !== null && this.#linked.has(via) ? [via, ...others] : others
  }

  /** Each unlinked member once per turn, in an order that is another every time (SWIM section 4.3). */
  #nextToProbe(nowMs: number): PeerId | null {
    const isDue = (peer: PeerId) => {
      const entry = this.#entries.get(peer)
      if (entry === undefined || entry.member.isLinked || peer === this.#self) return false
      return entry.member.state === 'alive' && nowMs - entry.sinceMs >= PROBE_GRACE_MS
    }
    for (;;) {
      const next = this.#turn.pop()
      if (next === undefined) break
      if (isDue(next)) return next
    }
    this.#turn = this.#shuffled([...this.#entries.keys()].filter(isDue))
    return this.#turn.pop() ?? null
  }

  #shuffled(peers: PeerId[]): PeerId[] {
    for (let left = peers.length; left > 1; left--) {
      const other = below(this.#random, left)
      const last = peers[left - 1] as PeerId
      peers[left - 1] = peers[other] as PeerId
      peers[other] = last
    }
    return peers
  }

  #nPresent(): number {
    return [...this.#entries.values()].filter((entry) => !isGone(entry)).length
  }
}

function isGone({ member }: Entry): boolean {
  return member.state === 'dead' || member.state === 'left'
}

function membersOf(claims: MemberClaim[]): MembersMessage {
  return { type: 'members', claims }
}
