// In how many groups sessions go: the faster way of the two is found, kept, and tried again in time.

import test from 'brittle'

import { Grouping } from '../../src/pipeline/grouping.ts'

const N_STAGES = 2
const N_GOING = 4

interface Pace {
  /** Of a step of one group among several, and of one that has all. */
  manyMs: number
  oneMs: number
}

/** The first stage, whose tokens come round as it asks for them. */
class Rounds {
  readonly grouping = new Grouping(N_STAGES)
  atMs = 0
  steps = 0

  /** @returns how many of these steps had all sessions. */
  run(count: number, { manyMs, oneMs }: Pace, nGoing = N_GOING): number {
    let nWhole = 0
    for (let i = 0; i < count; i++, this.steps++) {
      const isOne = this.grouping.groupOf(nGoing) === nGoing
      this.grouping.note(isOne ? nGoing : nGoing / N_STAGES, nGoing, this.atMs)
      this.atMs += isOne ? oneMs : manyMs
      if (isOne) nWhole++
    }
    return nWhole
  }
}

const APART: Pace = { manyMs: 10, oneMs: 30 }
const TOGETHER: Pace = { manyMs: 20, oneMs: 30 }

test('grouping - as many groups as stages where these do not disturb each other', (t) => {
  const rounds = new Rounds()
  t.ok(rounds.run(60, APART) > 0, 'one group was tried')
  t.is(rounds.run(200, APART), 0, 'and is not used')
})

test('grouping - one group where steps beside each other take twice as long', (t) => {
  const rounds = new Rounds()
  t.ok(rounds.run(60, TOGETHER) < 60)
  t.is(rounds.run(200, TOGETHER), 200)
})

test('grouping - a gain that is none changes nothing', (t) => {
  const rounds = new Rounds()
  rounds.run(60, { manyMs: 10, oneMs: 19.5 })
  t.is(rounds.run(200, { manyMs: 10, oneMs: 19.5 }), 0)
})

test('grouping - what was found is known for these sessions, and found out for others', (t) => {
  const rounds = new Rounds()
  rounds.run(60, TOGETHER)
  rounds.run(1, TOGETHER, 1)
  t.is(rounds.run(2, TOGETHER, 1), 0, 'one goes alone')
  rounds.run(1, TOGETHER)
  t.is(rounds.run(100, TOGETHER), 100, 'four again, at once')
  rounds.run(1, TOGETHER, 6)
  t.ok(rounds.run(80, TOGETHER, 6) < 80, 'six are another matter')
})

test('grouping - it is tried again after some minutes', (t) => {
  const rounds = new Rounds()
  rounds.run(60, TOGETHER)
  t.is(rounds.run(9000, TOGETHER), 9000)
  const again = rounds.run(2500, APART)
  t.ok(again > 0 && again < 2500)
  t.is(rounds.run(200, APART), 0)
})

test('grouping - groups are waited for in a few steps only', (t) => {
  const rounds = new Rounds()
  const { grouping } = rounds
  t.is(grouping.mergingShare, 0)
  while (grouping.mergingShare === 0) rounds.run(1, TOGETHER)
  t.is(grouping.mergingShare, 1.5, 'the other group is one step away')
  for (let step = 0; step < 4; step++) grouping.note(2, N_GOING, rounds.atMs++)
  t.is(grouping.mergingShare, 0, 'it does not come')
  grouping.note(N_GOING, N_GOING, rounds.atMs++)
  t.is(grouping.mergingShare, 1.5, 'all have met, and one may be late')
  for (let step = 0; step < 4; step++) grouping.note(2, N_GOING, rounds.atMs++)
  while (grouping.groupOf(N_GOING) === N_GOING) rounds.run(1, APART)
  t.is(grouping.mergingShare, 0, 'groups do not wait for each other')
})

test('grouping - whoever joins one group is waited for', (t) => {
  const rounds = new Rounds()
  const { grouping } = rounds
  rounds.run(60, TOGETHER)
  for (let step = 0; step < 4; step++) grouping.note(2, N_GOING, rounds.atMs++)
  t.is(grouping.mergingShare, 0)
  grouping.note(2, N_GOING + 1, rounds.atMs++)
  t.is(grouping.groupOf(N_GOING + 1), N_GOING + 1, 'the way that is used goes first')
  t.is(grouping.mergingShare, 1.5)
})
