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
  return { position, id, finish, logitsHash: `${id}`.padStart(16, '0') }
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
  t.alike(ledger.release(), [token(3)])
  t.is(ledger.mismatch, null)
  ledger.checked(token(4, 7))
  t.alike(ledger.release(), [])
  t.alike(ledger.mismatch, { answer: token(4, 6), check: token(4, 7) })
  t.is(ledger.withdraw(4), 1)
  t.alike(ledger.turnAt(4, 40).answered, { tokens: 1, logitsHash: token(3).logitsHash })
})

test('audit ledger - with share 0 everything is shown at once', (t) => {
  const ledger = new AuditLedger(TURN, 0, seededRandom(1))
  ledger.answered(token(3, 9, 'stop'))
  t.is(ledger.nextSpan(), null)
  t.is(ledger.release().length, 1)
  t.ok(ledger.isOver)
  t.is(ledger.checkedTokens, 0)
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
  t.alike(suspects, { answer: [A], check: [C] })
  t.is(verdictOf(suspects), null)
  t.alike(decided(suspects, 'check'), { isAnswerWrong: true, guilty: [A], isCertain: true })
  t.alike(decided(suspects, 'answer'), { isAnswerWrong: false, guilty: [C], isCertain: true })
  t.alike(decided(suspects, null), { isAnswerWrong: true, guilty: [A, C], isCertain: false })
})

test('audit judge - the origin believes its own machine', (t) => {
  const suspects = suspectsOf('ids', { answer: says(A, B, 'x'), check: says(ME, D, 'y') }, ME)
  t.alike(verdictOf(suspects), { isAnswerWrong: true, guilty: [A], isCertain: true })
})

test('audit judge - where only the tokens differ, it is the last stages', (t) => {
  const suspects = suspectsOf('ids', { answer: says(A, B, 'x'), check: says(C, D, 'x') }, ME)
  t.alike(suspects, { answer: [B], check: [D] })
})

test('audit judge - neighbours that tell different things are both suspects, and nobody else', (t) => {
  const suspects = suspectsOf('ids', { answer: says(A, B, 'x', 'z'), check: says(C, D, 'x') }, ME)
  t.alike(verdictOf(suspects), { isAnswerWrong: true, guilty: [A, B], isCertain: false })
  const other = suspectsOf('ids', { answer: says(A, B, 'x'), check: says(C, D, 'x', 'z') }, ME)
  t.alike(verdictOf(other), { isAnswerWrong: false, guilty: [C, D], isCertain: false })
})

test('audit judge - who is silent is a suspect, and so is who was given other ids', (t) => {
  const silent: Testimony = { stages: stages(A, B), claims: [null, { input: 'x', output: '' }] }
  t.alike(suspectsOf('ids', { answer: silent, check: says(C, D, 'x') }, ME).answer, [A])
  const fooled = says(A, B, 'x', 'x', 'other ids')
  t.alike(suspectsOf('ids', { answer: fooled, check: says(C, D, 'y') }, ME).answer, [A, B])
})

test('audit judge - a machine that contradicts itself needs no third', (t) => {
  const suspects = suspectsOf('ids', { answer: says(A, B, 'x'), check: says(A, D, 'y') }, ME)
  t.alike(verdictOf(suspects), { isAnswerWrong: true, guilty: [A], isCertain: true })
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

test('check route - the origin checks first, and its own stages need none', (t) => {
  const all = [C, ME].map((peer) => ({ peer, start: 0, end: 8 }))
  const found = checkRoute(routeOf(stages(ME, B)), all, ME, new Set())
  t.alike(found.route.stages, stages(ME, ME))
  t.alike(found.unchecked, [])
  const without = checkRoute(routeOf(stages(A, B)), all, ME, new Set([ME]))
  t.alike(without.route.stages, stages(C, C))
})
