import test from 'brittle'

import {
  nextMember,
  type Member,
  type MemberEvent,
  type MemberState
} from '../../../src/peer/members/member-state.ts'

const STATES: MemberState[] = ['alive', 'suspect', 'dead', 'left']
const INCARNATION = 10

const EVENTS: Record<string, MemberEvent> = {
  'an older record': { type: 'record', incarnation: 9, left: false },
  'the same record': { type: 'record', incarnation: 10, left: false },
  'a newer record': { type: 'record', incarnation: 11, left: false },
  'an older goodbye': { type: 'record', incarnation: 9, left: true },
  'a newer goodbye': { type: 'record', incarnation: 11, left: true },
  'suspect of an older incarnation': { type: 'suspect', incarnation: 9 },
  'suspect of this one': { type: 'suspect', incarnation: 10 },
  'suspect of one to come': { type: 'suspect', incarnation: 11 },
  'dead of an older incarnation': { type: 'dead', incarnation: 9 },
  'dead of this one': { type: 'dead', incarnation: 10 },
  'dead of one to come': { type: 'dead', incarnation: 11 },
  'link up': { type: 'link-up' },
  'link down': { type: 'link-down', left: false },
  'link down with a goodbye': { type: 'link-down', left: true },
  'not reached': { type: 'unreached' },
  'suspicion over': { type: 'expired' }
}

/** What becomes of alive, suspect, dead and left, in this order; without a link and with one. */
const BECOMES: Record<string, [string, string]> = {
  'an older record': ['asdl', 'asdl'],
  'the same record': ['asdl', 'asdl'],
  'a newer record': ['aaaa', 'aaaa'],
  'an older goodbye': ['asdl', 'asdl'],
  'a newer goodbye': ['llll', 'llll'],
  'suspect of an older incarnation': ['asdl', 'asdl'],
  'suspect of this one': ['ssdl', 'asdl'],
  'suspect of one to come': ['asdl', 'asdl'],
  'dead of an older incarnation': ['asdl', 'asdl'],
  'dead of this one': ['dddl', 'asdl'],
  'dead of one to come': ['asdl', 'asdl'],
  'link up': ['aaal', 'aaal'],
  'link down': ['asdl', 'asdl'],
  'link down with a goodbye': ['llll', 'llll'],
  'not reached': ['ssdl', 'asdl'],
  'suspicion over': ['addl', 'addl']
}

for (const [name, event] of Object.entries(EVENTS)) {
  test(`member state - ${name}, in every state`, (t) => {
    for (const [index, isLinked] of [false, true].entries()) {
      const becomes = STATES.map((state) => {
        return nextMember({ state, incarnation: INCARNATION, isLinked }, event).state[0]
      })
      t.is(becomes.join(''), BECOMES[name]?.[index], isLinked ? 'linked' : 'not linked')
    }
  })
}

test('member state - the incarnation rises with newer records and by nothing else', (t) => {
  for (const [name, event] of Object.entries(EVENTS)) {
    for (const state of STATES) {
      const { incarnation } = nextMember(
        { state, incarnation: INCARNATION, isLinked: false },
        event
      )
      if (incarnation !== (name.includes('newer') ? 11 : INCARNATION)) t.fail(`${state}, ${name}`)
    }
  }
  t.pass()
})

test('member state - what changes nothing gives the same object', (t) => {
  const alive: Member = { state: 'alive', incarnation: INCARNATION, isLinked: false }
  t.is(nextMember(alive, { type: 'suspect', incarnation: 9 }), alive)
  t.is(nextMember(alive, { type: 'expired' }), alive)
  const dead: Member = { ...alive, state: 'dead' }
  t.is(nextMember(dead, { type: 'suspect', incarnation: 10 }), dead)
})

test('member state - two that hear the same claims in any order believe the same', (t) => {
  const claims: MemberEvent[] = [
    { type: 'record', incarnation: 11, left: false },
    { type: 'suspect', incarnation: 11 },
    { type: 'dead', incarnation: 10 },
    { type: 'record', incarnation: 12, left: false }
  ]
  const orders = [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [2, 0, 3, 1],
    [1, 3, 0, 2]
  ]
  for (const order of orders) {
    const first: Member = { state: 'alive', incarnation: 10, isLinked: false }
    const last = order.reduce((member, index) => {
      return nextMember(member, claims[index] as MemberEvent)
    }, first)
    t.alike([last.state, last.incarnation], ['alive', 12])
  }
})
