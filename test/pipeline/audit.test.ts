import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { decided, suspectsOf, verdictOf } from '../../src/pipeline/audit-judge.ts'
import { AuditLedger } from '../../src/pipeline/audit-ledger.ts'
import { checkRoute } from '../../src/pipeline/audit-route.ts'
import { AuditTrail, hashOfIds } from '../../src/pipeline/audit-trail.ts'
import { peerIdOf } from '../../src/wire/ids.ts'
import { routeOf } from '../helpers/sim-swarm.ts'
import { sampling } from '../helpers/toy-run.ts'

import type { Testimony } from '../../src/pipeline/audit-inquiry.ts'
import type { PeerId } from '../../src/wire/ids.ts'

const [A, B, C, D, ME] = [1, 2, 3, 4, 5].map((byte) => peerIdOf(new Uint8Array(32).fill(byte))) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId
]
const TURN = { ids: [1, 2, 3], sampling: sampling(), stopIds: [9], positionEnd: 40 }

const token = (position: number, id = 5, finish: 'none' | 'stop' | 'length' = 'none') => {
  return { type: 'token', position, id, finish, logitsHash: `${id}`.padStart(16, '0') } as const
}

const stages = (first: PeerId, second: PeerId) => [
  { peer: first, start: 0, end: 4 },
  { peer: second, start: 4, end: 8 }
]

/** What two stages say: ids in, rows between them as given and as taken. */
const says = (first: PeerId, second: PeerId, given: string, taken = given, ids = 'ids') => {
  const claims = [
    { input: ids, output: given },
    { input: taken, output: '' }
  ]
  return { stages: stages(first, second), claims } satisfies Testimony
}

test('audit trail - the hash of rows is the same in any chunks, and differs by one bit', (t) => {
  const rows = seededRandom(1).bytes(6 * 8)
  const whole = new AuditTrail()
  whole.put(0, 6, rows, rows)
  const parts = new AuditTrail()
  parts.put(0, 4, rows.subarray(0, 32), rows.subarray(0, 32))
  parts.put(4, 2, rows.subarray(32), rows.subarray(32))
  for (let position = 0; position <= 6; position++) t.alike(parts.at(position), whole.at(position))
  const wrong = Uint8Array.from(rows, (byte, at) => (at === 9 ? byte ^ 1 : byte))
  const other = new AuditTrail()
  other.put(0, 6, wrong, rows)
  t.is(other.at(1)?.input, whole.at(1)?.input)
  t.not(other.at(6)?.input, whole.at(6)?.input)
  t.is(other.at(6)?.output, whole.at(6)?.output)
})

test('audit trail - rows of drafts that were wrong leave nothing behind', (t) => {
  const rows = seededRandom(2).bytes(6 * 8)
  const plain = new AuditTrail()
  plain.put(0, 6, rows, rows)
  const drafted = new AuditTrail()
  const wrong = seededRandom(3).bytes(4 * 8)
  drafted.put(0, 3, rows.subarray(0, 24), rows.subarray(0, 24))
  // One certain row and three guesses, of which the first was right; the next step begins behind it.
  wrong.set(rows.subarray(24, 40))
  drafted.put(3, 4, wrong, wrong)
  t.alike(drafted.at(5), plain.at(5))
  t.unlike(drafted.at(6), plain.at(6))
  drafted.put(5, 1, rows.subarray(40), rows.subarray(40))
  t.alike(drafted.at(6), plain.at(6))
  t.is(drafted.at(7), null)
})

test('audit trail - behind a gap or a truncation nothing is known', (t) => {
  const trail = new AuditTrail()
  trail.put(0, 100, new Uint8Array(400), null)
  trail.put(101, 1, new Uint8Array(4), null)
  t.is(trail.at(102), null)
  t.ok(trail.at(100))
  trail.truncate(3)
  t.is(trail.at(4), null)
  t.is(trail.at(3)?.input, hashOfIds([0, 0, 0]))
})

test('audit ledger - with share 1 nothing is shown before it was checked', (t) => {
  const ledger = new AuditLedger(TURN, 1, seededRandom(1))
  t.alike(ledger.nextSpan(), { start: 3, end: 40 })
  ledger.answered(token(3))
  ledger.answered(token(4, 6))
  t.alike(ledger.release(), [])
  ledger.checked(token(3))
  t.alike(ledger.release(), [{ token: token(3), isChecked: true }])
  t.is(ledger.mismatch, null)
  ledger.checked(token(4, 7))
  t.alike(ledger.release(), [])
  t.alike(ledger.mismatch, { answer: token(4, 6), check: token(4, 7) })
  t.is(ledger.withdraw(4), 1)
  t.alike(ledger.turnAt(4, 40).answered, { ids: [5], logitsHash: token(3).logitsHash })
})

test('audit ledger - with share 0 everything is shown at once', (t) => {
  const ledger = new AuditLedger(TURN, 0, seededRandom(1))
  ledger.answered(token(3, 9, 'stop'))
  t.is(ledger.nextSpan(), null)
  t.alike(ledger.release(), [{ token: token(3, 9, 'stop'), isChecked: false }])
  t.ok(ledger.isOver)
})

test('audit ledger - about the share of the spans is drawn', (t) => {
  let drawn = 0
  for (let seed = 0; seed < 400; seed++) {
    if (new AuditLedger(TURN, 0.25, seededRandom(seed)).nextSpan() !== null) drawn++
  }
  t.ok(drawn > 70 && drawn < 130, `${drawn} of 400`)
})

test('audit ledger - an end that is none by rule is a mismatch', (t) => {
  const ledger = new AuditLedger(TURN, 1, seededRandom(1))
  ledger.answered(token(3, 5, 'stop'))
  ledger.checked(token(3, 5))
  t.alike(ledger.release(), [])
  t.ok(ledger.mismatch)
})

test('audit judge - two outputs of the same input make two suspects, a third decides', (t) => {
  const parting = { answer: says(A, B, 'x'), check: says(C, D, 'y') }
  const suspects = suspectsOf('ids', parting, ME)
  t.alike(suspects, { answer: [A], check: [C], areSilent: false })
  t.is(verdictOf(suspects), null)
  t.alike(decided(suspects, 'check'), {
    isAnswerWrong: true,
    guilty: [A],
    isCertain: true,
    areSilent: false
  })
  t.alike(decided(suspects, 'answer'), {
    isAnswerWrong: false,
    guilty: [C],
    isCertain: true,
    areSilent: false
  })
  t.alike(decided(suspects, null), {
    isAnswerWrong: true,
    guilty: [A, C],
    isCertain: false,
    areSilent: false
  })
})

test('audit judge - the origin believes its own machine', (t) => {
  const suspects = suspectsOf('ids', { answer: says(A, B, 'x'), check: says(ME, D, 'y') }, ME)
  t.alike(verdictOf(suspects), {
    isAnswerWrong: true,
    guilty: [A],
    isCertain: true,
    areSilent: false
  })
})

test('audit judge - where only the tokens differ, it is the last stages', (t) => {
  const suspects = suspectsOf('ids', { answer: says(A, B, 'x'), check: says(C, D, 'x') }, ME)
  t.alike(suspects, { answer: [B], check: [D], areSilent: false })
})

test('audit judge - neighbours that tell different things are both suspects, and nobody else', (t) => {
  const suspects = suspectsOf('ids', { answer: says(A, B, 'x', 'z'), check: says(C, D, 'x') }, ME)
  t.alike(verdictOf(suspects), {
    isAnswerWrong: true,
    guilty: [A, B],
    isCertain: false,
    areSilent: false
  })
  const other = suspectsOf('ids', { answer: says(A, B, 'x'), check: says(C, D, 'x', 'z') }, ME)
  t.alike(verdictOf(other), {
    isAnswerWrong: false,
    guilty: [C, D],
    isCertain: false,
    areSilent: false
  })
})

test('audit judge - who is silent is left out, and never convicted', (t) => {
  const silent = (first: PeerId, second: PeerId): Testimony => {
    return { stages: stages(first, second), claims: [null, { input: 'x', output: '' }] }
  }
  const left = { isCertain: false, areSilent: true }
  const answer = suspectsOf('ids', { answer: silent(A, B), check: says(C, D, 'y') }, ME)
  t.alike(verdictOf(answer), { isAnswerWrong: true, guilty: [A], ...left })
  const check = suspectsOf('ids', { answer: says(A, B, 'x'), check: silent(C, D) }, ME)
  t.alike(verdictOf(check), { isAnswerWrong: false, guilty: [C], ...left })
})

test('audit judge - who was given other ids is a suspect, and so is who gave them', (t) => {
  const fooled = says(A, B, 'x', 'x', 'other ids')
  t.alike(suspectsOf('ids', { answer: fooled, check: says(C, D, 'y') }, ME).answer, [A, B])
})

test('audit judge - a machine that contradicts itself needs no third', (t) => {
  const suspects = suspectsOf('ids', { answer: says(A, B, 'x'), check: says(A, D, 'y') }, ME)
  t.alike(verdictOf(suspects), {
    isAnswerWrong: true,
    guilty: [A],
    isCertain: true,
    areSilent: false
  })
})

test('check route - another holder takes each stage, none of the answer itself', (t) => {
  const route = routeOf(stages(A, B))
  const spans = [
    { peer: A, start: 0, end: 8 },
    { peer: B, start: 0, end: 8 },
    { peer: C, start: 0, end: 5 }
  ]
  const found = checkRoute(route, spans, ME, new Set())
  t.alike(found.route.stages, stages(C, B))
  t.alike(found.unchecked, [{ peer: B, start: 4, end: 8 }])
  t.alike(found.checkers, [C])
})

test('check route - a peer may hold several ranges, and be several stages of either route', (t) => {
  const route = routeOf([
    { peer: A, start: 0, end: 3 },
    { peer: B, start: 3, end: 5 },
    { peer: A, start: 5, end: 8 }
  ])
  const spans = [
    { peer: A, start: 0, end: 8 },
    { peer: B, start: 0, end: 8 },
    { peer: C, start: 0, end: 3 },
    { peer: C, start: 4, end: 8 },
    { peer: D, start: 2, end: 6 }
  ]
  const found = checkRoute(route, spans, ME, new Set())
  t.alike(found.unchecked, [])
  t.alike(found.route.stages, [
    { peer: C, start: 0, end: 3 },
    { peer: D, start: 3, end: 5 },
    { peer: C, start: 5, end: 8 }
  ])
  t.alike(new Set(found.checkers), new Set([C, D]))
  const third = checkRoute(route, spans, ME, new Set([D]))
  t.alike(third.unchecked, [{ peer: B, start: 3, end: 5 }])
})

test('check route - the origin checks first, and its own stages need none', (t) => {
  const all = [C, ME].map((peer) => ({ peer, start: 0, end: 8 }))
  const found = checkRoute(routeOf(stages(ME, B)), all, ME, new Set())
  t.alike(found.route.stages, stages(ME, ME))
  t.alike(found.unchecked, [])
  const without = checkRoute(routeOf(stages(A, B)), all, ME, new Set([ME]))
  t.alike(without.route.stages, stages(C, C))
})
