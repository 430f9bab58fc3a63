import test from 'brittle'

import { seededRandom } from '../../../src/base/random.ts'
import {
  Membership,
  PERIOD_MS,
  ROUND_MS,
  crashKnownMs,
  spreadRounds,
  suspicionMs,
  type MembershipEffect,
  type MembershipEvent,
  type MembershipMessage
} from '../../../src/peer/members/membership.ts'

import type { MemberClaim } from '../../../src/wire/control.ts'
import type { PeerId } from '../../../src/wire/ids.ts'

const id = (index: number) => index.toString(16).padStart(64, '0') as PeerId
const SELF = id(1)

type Sent = Extract<MembershipEffect, { type: 'send' }>

/** One member's view, with records of `nPeers` others and links to the first `nLinked` of them. */
function setUp(nPeers: number, nLinked: number, seed = 1) {
  const membership = new Membership(SELF, seededRandom(seed))
  let nowMs = 0
  const apply = (event: MembershipEvent) => membership.apply(event, nowMs)
  const record = (index: number, incarnation = 1, left = false) =>
    apply({ type: 'record', peer: id(index), incarnation, left })
  const hear = (from: number, message: MembershipMessage) =>
    apply({ type: 'message', from: id(from), message })
  const claim = (
    from: number,
    about: number,
    state: MemberClaim['state'],
    incarnation = 1
  ): MembershipEffect[] =>
    hear(from, { type: 'members', claims: [{ key: id(about), incarnation, state }] })
  const down = (index: number, left = false) => apply({ type: 'link-down', peer: id(index), left })
  const up = (index: number) => apply({ type: 'link-up', peer: id(index) })
  /** Ticks through so much time. */
  const pass = (ms: number) => {
    const effects: MembershipEffect[] = []
    for (let end = nowMs + ms; nowMs < end;) {
      nowMs += ROUND_MS
      effects.push(...apply({ type: 'tick' }))
    }
    return effects
  }
  const state = (index: number) => membership.state(id(index))
  for (let index = 1; index <= 1 + nPeers; index++) record(index)
  for (let index = 2; index <= 1 + nLinked; index++) up(index)
  return { membership, apply, record, hear, claim, down, up, pass, state }
}

const sends = (effects: MembershipEffect[], type: MembershipMessage['type']) =>
  effects.filter((one): one is Sent => one.type === 'send' && one.message.type === type)

test('membership - a lost neighbour is sought through three others at a time, then suspect', (t) => {
  const { down, hear, state, pass } = setUp(6, 6)
  const asked: PeerId[] = []
  let wave = sends(down(2), 'probe')
  t.is(wave.length, 3)
  while (wave.length > 0) {
    t.is(state(2), 'alive')
    const next: MembershipEffect[] = []
    for (const { to, message } of wave) {
      asked.push(to)
      if (message.type !== 'probe' || message.key !== id(2)) return t.fail()
      const answer: MembershipMessage = { type: 'probe-answer', id: message.id, reached: false }
      next.push(...hear(Number(`0x${to}`), answer))
    }
    wave = sends(next, 'probe')
  }
  t.alike(asked.toSorted(), [3, 4, 5, 6, 7].map(id), 'each neighbour once')
  t.is(state(2), 'suspect', 'as soon as the last has said no')
  pass(PERIOD_MS - ROUND_MS)
  t.is(state(2), 'suspect', 'time to come back')
  pass(ROUND_MS)
  t.is(state(2), 'dead', 'nobody is left who could hear it refute')
})

/** Asked whether they have a link to the second member, these say no. */
function allSayNo(
  { hear }: Pick<ReturnType<typeof setUp>, 'hear'>,
  effects: MembershipEffect[]
): void {
  let wave = sends(effects, 'probe')
  while (wave.length > 0) {
    const next = wave.flatMap(({ to, message }) => {
      if (message.type !== 'probe') return []
      return hear(Number(`0x${to}`), { type: 'probe-answer', id: message.id, reached: false })
    })
    wave = sends(next, 'probe')
  }
}

test('membership - whom somebody may reach still has the time that an answer takes', (t) => {
  const patienceMs = suspicionMs(5)
  const unlinked = setUp(4, 3)
  allSayNo(unlinked, unlinked.down(2))
  t.is(unlinked.state(2), 'suspect', 'the fifth could not be asked')
  unlinked.pass(patienceMs - ROUND_MS)
  t.is(unlinked.state(2), 'suspect')
  unlinked.pass(2 * ROUND_MS)
  t.is(unlinked.state(2), 'dead')

  const pair = setUp(1, 1)
  pair.down(2)
  t.is(pair.state(2), 'suspect', 'nobody else can be asked')
  pair.pass(suspicionMs(2) - ROUND_MS)
  t.is(pair.state(2), 'suspect', 'one witness is too few')

  const silent = setUp(4, 4)
  silent.down(2)
  silent.pass(1000)
  t.is(silent.state(2), 'suspect', 'those asked did not answer')
  silent.pass(2 * PERIOD_MS)
  t.is(silent.state(2), 'suspect')
})

test('membership - who comes back and is lost again is not judged by what was said before', (t) => {
  const all = setUp(4, 4)
  allSayNo(all, all.down(2))
  all.up(2)
  t.is(all.state(2), 'alive')
  all.down(2)
  all.pass(1000)
  t.is(all.state(2), 'suspect', 'nobody answered this time')
  all.pass(2 * PERIOD_MS)
  t.is(all.state(2), 'suspect')
})

test('membership - helpers that do not answer are not waited for', (t) => {
  const { down, state, pass } = setUp(4, 4)
  down(2)
  pass(750)
  t.is(state(2), 'alive')
  pass(500)
  t.is(state(2), 'suspect')
})

test('membership - one helper that reaches it is enough, and is asked first the next time', (t) => {
  for (let seed = 1; seed < 10; seed++) {
    const { down, hear, state, pass } = setUp(8, 8, seed)
    pass(3000)
    const [first] = sends(down(2), 'probe') as [Sent]
    const via = Number(`0x${first.to}`)
    const answer = (effects: MembershipEffect[]) => {
      for (const { to, message } of sends(effects, 'probe')) {
        if (message.type !== 'probe') continue
        const reached = to === first.to
        hear(Number(`0x${to}`), { type: 'probe-answer', id: message.id, reached })
      }
    }
    answer([first])
    for (let i = 0; i < 20; i++) {
      const effects = pass(PERIOD_MS)
      const probes = sends(effects, 'probe')
      t.is(probes[0]?.to, id(via))
      answer(effects)
    }
    t.is(state(2), 'alive')
  }
})

test('membership - answers that nobody asked for mean nothing', (t) => {
  const { down, hear, state, pass } = setUp(6, 6)
  const probes = sends(down(2), 'probe')
  const asked = new Set(probes.map(({ to }) => to))
  const stranger = [3, 4, 5, 6, 7].find((index) => !asked.has(id(index))) as number
  const { message } = probes[0] as Sent
  if (message.type !== 'probe') return t.fail()
  hear(stranger, { type: 'probe-answer', id: message.id, reached: true })
  hear(3, { type: 'probe-answer', id: message.id + 1, reached: true })
  pass(1250)
  t.is(state(2), 'suspect')
})

test('membership - answers whether it has a link itself, and for itself', (t) => {
  const { hear } = setUp(4, 2)
  const answers = [1, 2, 4, 99].map((index) => {
    return hear(3, { type: 'probe', id: 7, key: id(index) })
  })
  t.alike(
    answers.map(([effect]) => effect),
    [true, true, false, false].map((reached) => ({
      type: 'send',
      to: id(3),
      message: { type: 'probe-answer', id: 7, reached }
    }))
  )
})

test('membership - who is not linked is probed once per turn, one per period', (t) => {
  const { pass, hear } = setUp(9, 3)
  pass(3000)
  const counts = new Map<string, number>()
  for (let period = 0; period < 18; period++) {
    const keys = new Set<string>()
    for (const { to, message } of sends(pass(PERIOD_MS), 'probe')) {
      if (message.type !== 'probe') continue
      keys.add(message.key)
      hear(Number(`0x${to}`), { type: 'probe-answer', id: message.id, reached: true })
    }
    t.is(keys.size, 1)
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  t.alike([...counts.values()], [3, 3, 3, 3, 3, 3], 'six members, three turns')
})

test('membership - a member just heard of is not probed before its links can be up', (t) => {
  const { pass } = setUp(3, 2)
  t.is(sends(pass(2750), 'probe').length, 0)
  t.ok(sends(pass(PERIOD_MS + ROUND_MS), 'probe').length > 0)
})

test('membership - what others say of our neighbour we know better, and tell it once', (t) => {
  const { claim, record, state } = setUp(3, 3)
  const told = claim(2, 3, 'dead')
  t.is(state(3), 'alive')
  t.alike(
    told.map((effect) => (effect.type === 'send' ? effect.to : effect.type)),
    [id(3)]
  )
  t.is(claim(4, 3, 'dead').length, 0, 'however many say so')
  record(3, 2)
  t.is(claim(4, 3, 'suspect', 1).length, 0, 'of its earlier record nothing is said any more')
  t.is(claim(4, 3, 'suspect', 2).length, 1)
})

test('membership - accusations are answered once per period, by a new record of ours', (t) => {
  const { claim, pass, record } = setUp(3, 3)
  for (const from of [2, 3, 4]) claim(from, 1, 'suspect')
  t.is(pass(5000).filter(({ type }) => type === 'refute').length, 1)
  record(1, 2)
  claim(2, 1, 'dead', 1)
  t.absent(pass(1000).some(({ type }) => type === 'refute'))
  let refuted = 0
  for (let ms = 0; ms < 10_000; ms += ROUND_MS) {
    claim(2, 1, 'dead', 2 + refuted)
    if (!pass(ROUND_MS).some(({ type }) => type === 'refute')) continue
    refuted++
    record(1, 2 + refuted)
  }
  t.is(refuted, 10_000 / PERIOD_MS)
})

test('membership - who has left does not refute', (t) => {
  const { claim, pass, record } = setUp(3, 3)
  record(1, 2, true)
  claim(2, 1, 'dead', 2)
  t.absent(pass(1000).some(({ type }) => type === 'refute'))
})

test('membership - a link that comes up makes alive, and tells the peer what was believed of it', (t) => {
  const { down, up, pass, state } = setUp(4, 4)
  down(2)
  down(3)
  pass(20_000)
  t.alike([state(2), state(3)], ['dead', 'dead'])
  const [first] = sends(up(2), 'members') as [Sent]
  t.is(first.to, id(2))
  const keys = first.message.type === 'members' ? first.message.claims.map(({ key }) => key) : []
  t.alike(keys, [id(2), id(3)])
  t.alike([state(2), state(3)], ['alive', 'dead'])
})

test('membership - a claim is sent so often and no more', (t) => {
  for (const nPeers of [3, 10, 60]) {
    const { claim, pass } = setUp(nPeers, nPeers - 1)
    claim(2, nPeers + 1, 'suspect')
    const told = sends(pass(suspicionMs(nPeers) / 2), 'members')
    const most = 3 * Math.ceil(Math.log2(nPeers + 2)) + 2
    t.ok(told.length >= most / 2 && told.length <= most, `${told.length} of at most ${most}`)
  }
})

test('membership - a claim reaches all within the rounds that theory gives', (t) => {
  for (const nPeers of [2, 3, 5, 8, 16, 32, 64]) {
    let worst = 0
    for (let seed = 1; seed <= 20; seed++) worst = Math.max(worst, roundsToAll(nPeers, seed))
    const promised = spreadRounds(nPeers)
    t.ok(worst <= promised, `${nPeers} peers: ${worst} of ${promised} rounds`)
  }
})

/** Rounds until all of n linked members have heard of the death of one more. */
function roundsToAll(nPeers: number, seed: number): number {
  const victim = id(nPeers)
  const members = Array.from({ length: nPeers }, (_, index) => {
    const membership = new Membership(id(index), seededRandom(100 * seed + index))
    for (let peer = 0; peer <= nPeers; peer++) {
      membership.apply({ type: 'record', peer: id(peer), incarnation: 1, left: false }, 0)
      if (peer === index || peer === nPeers) continue
      membership.apply({ type: 'link-up', peer: id(peer) }, 0)
    }
    return membership
  })
  const claims: MemberClaim[] = [{ key: victim, incarnation: 1, state: 'dead' }]
  const first: MembershipEvent = {
    type: 'message',
    from: id(1),
    message: { type: 'members', claims }
  }
  members[0]?.apply(first, 0)
  for (let round = 1; ; round++) {
    // All speak before any hears: a message is as late as the next round.
    const spoken = members.flatMap((member, index) =>
      member.apply({ type: 'tick' }, round).map((effect) => ({ from: id(index), effect }))
    )
    for (const { from, effect } of spoken) {
      if (effect.type !== 'send' || effect.message.type !== 'members') continue
      members[Number(`0x${effect.to}`)]?.apply(
        { type: 'message', from, message: effect.message },
        round
      )
    }
    if (members.every((member) => member.state(victim) === 'dead')) return round
    if (round > 1000) return Infinity
  }
}

test('membership - claims of members without a record are not believed, kept or passed on', (t) => {
  const { claim, pass, state, membership } = setUp(3, 3)
  for (let index = 100; index < 1000; index++) claim(2, index, 'dead')
  t.is(sends(pass(1000), 'members').length, 0)
  t.is(state(100), 'left')
  t.is(membership.goneSince(Infinity).length, 0)
})

test('membership - for a newcomer the one that went first makes room, and never a neighbour', (t) => {
  const { membership, down, record, pass, up } = setUp(5, 5)
  const newcomer = id(99)
  t.is(membership.dispensable(newcomer), null)
  record(4, 2, true)
  down(4)
  pass(1000)
  down(3, true)
  t.is(membership.dispensable(newcomer), id(4))
  membership.forget(id(4))
  t.is(membership.dispensable(newcomer), id(3))
  membership.forget(id(3))
  down(5)
  t.is(membership.dispensable(newcomer), null, 'one that may be there stays')
  up(99)
  t.is(membership.dispensable(newcomer), id(5), 'but for a neighbour')
})

test('membership - who went is known for a while, and then due to be forgotten', (t) => {
  const { membership, record, pass } = setUp(3, 1)
  pass(1000)
  record(4, 2, true)
  t.alike(membership.goneSince(1000), [])
  t.alike(membership.goneSince(1001), [id(4)])
})

test('membership - what is promised grows with the logarithm of the swarm', (t) => {
  t.ok(crashKnownMs(2) < 8000 && crashKnownMs(64) < 20_000)
  t.ok(crashKnownMs(64) - crashKnownMs(32) < 4000)
})
