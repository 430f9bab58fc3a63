import test from 'brittle'

import { seededRandom } from '../../../src/base/random.ts'
import { CROSSING_MS, takesOver } from '../../../src/peer/link/crossing.ts'

import type { Random } from '../../../src/base/random.ts'

const UP = { isAnswered: true, upForMs: 1 }
const KINDS = ['tcp', 'udx'] as const

test('crossing - whoever opened one more keeps what works, and gives up what never answered', (t) => {
  for (const kind of KINDS) {
    for (const initiator of [true, false]) {
      for (const isGreater of [true, false]) {
        const ours = { initiator: true, kind }
        t.absent(takesOver(ours, { initiator, kind: 'udx', ...UP }, isGreater))
        const dead = { initiator: true, kind: 'udx', isAnswered: false, upForMs: null } as const
        t.ok(takesOver(ours, dead, isGreater))
      }
    }
  }
})

test('crossing - of two offers that crossed both sides keep that of the greater key', (t) => {
  for (const kind of KINDS) {
    const standing = { initiator: true, kind, isAnswered: true, upForMs: null }
    t.absent(
      takesOver({ initiator: false, kind }, standing, true),
      'the greater side keeps its own'
    )
    t.ok(takesOver({ initiator: false, kind }, standing, false), 'the lesser side gives up its own')
  }
})

test('crossing - an offer where a link has long been up says that the peer has lost it', (t) => {
  for (const kind of KINDS) {
    for (const initiator of [true, false]) {
      const standing = { initiator, kind: 'tcp', isAnswered: true } as const
      t.ok(takesOver({ initiator: false, kind }, { ...standing, upForMs: CROSSING_MS + 1 }, true))
    }
  }
})

test('crossing - of two offers of one peer the later counts, but UDX does not push TCP aside', (t) => {
  for (const [first, second, expected] of [
    ['tcp', 'tcp', true],
    ['udx', 'udx', true],
    ['udx', 'tcp', true],
    ['tcp', 'udx', false]
  ] as const) {
    const standing = { initiator: false, kind: first, ...UP }
    t.is(
      takesOver({ initiator: false, kind: second }, standing, true),
      expected,
      `${first} ${second}`
    )
  }
})

/** One end's view of the pair: what it holds, by the name of the connection. */
interface End {
  isGreater: boolean
  held: { name: string; initiator: boolean; kind: 'tcp' | 'udx'; isAnswered: boolean } | null
}

interface Event {
  to: End
  kind: 'opened' | 'offer' | 'answer' | 'closed'
  name: string
  via: 'tcp' | 'udx'
}

/**
 * Both ends open connections in both ways; events reach them in any order, those of one connection in
 * theirs. @returns what each end holds when nothing is on its way any more.
 */
function settle(random: Random, nConnections: number): [string | null, string | null] {
  const ends: [End, End] = [
    { isGreater: false, held: null },
    { isGreater: true, held: null }
  ]
  const queues = new Map<string, Event[]>()
  const post = (event: Event): void => {
    const key = `${event.name} ${event.to.isGreater}`
    queues.set(key, [...(queues.get(key) ?? []), event])
  }
  const other = (end: End): End => (end === ends[0] ? ends[1] : ends[0])
  const drop = (end: End, { name, kind: via }: NonNullable<End['held']>): void => {
    end.held = null
    post({ to: other(end), kind: 'closed', name, via })
  }
  for (let index = 0; index < nConnections; index++) {
    const via = KINDS[random.uint32() % 2] as 'tcp' | 'udx'
    post({ to: ends[random.uint32() % 2] as End, kind: 'opened', name: `c${index}`, via })
  }
  for (let steps = 0; queues.size > 0; steps++) {
    const keys = [...queues.keys()]
    const key = keys[random.uint32() % keys.length] as string
    const [event, ...rest] = queues.get(key) as [Event, ...Event[]]
    if (rest.length === 0) queues.delete(key)
    else queues.set(key, rest)
    const { to, kind, name, via } = event
    const { held } = to
    if (kind === 'closed') {
      if (held?.name === name) to.held = null
    } else if (kind === 'answer') {
      if (held?.name === name) held.isAnswered = true
    } else {
      const initiator = kind === 'opened'
      const newcomer = { initiator, kind: via }
      const takes = held === null || takesOver(newcomer, { ...held, upForMs: null }, to.isGreater)
      if (!takes) {
        post({ to: other(to), kind: 'closed', name, via })
        continue
      }
      if (held !== null) drop(to, held)
      to.held = { name, initiator, kind: via, isAnswered: !initiator || via === 'tcp' }
      post({ to: other(to), kind: initiator ? 'offer' : 'answer', name, via })
    }
  }
  return [ends[0].held?.name ?? null, ends[1].held?.name ?? null]
}

test('crossing - whatever crosses in whatever order, both sides hold the same one in the end', (t) => {
  let none = 0
  const rounds = 20_000
  for (let seed = 0; seed < rounds; seed++) {
    const random = seededRandom(seed)
    const [lower, greater] = settle(random, 2 + (random.uint32() % 4))
    if (lower !== greater) return t.fail(`seed ${seed}: ${lower} and ${greater}`)
    if (lower === null) none++
  }
  t.pass()
  t.comment(`${none} of ${rounds} ended with none and would dial again`)
  // Every order is as likely here; on a real network nearly all arrive in the order they were made.
  t.ok(none < rounds / 20)
})
