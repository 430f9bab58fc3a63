import test from 'brittle'

import { REROUTES_MAX } from '../../src/base/limits.ts'
import {
  A,
  B,
  C,
  SESSION,
  brief,
  create,
  opened,
  progress,
  token,
  failed,
  decoding,
  turn
} from '../helpers/origin-bench.ts'
import { routeOf } from '../helpers/sim-swarm.ts'

import type { Action } from '../../src/pipeline/session-types.ts'

test('session reroute - a loss in mid-answer asks for another route, not for another session', (t) => {
  const state = decoding()
  t.is(brief(state.gone(B)), 'rerouting reroute')
  t.is(brief(failed(state, A, 'PEER_GONE')), '', 'the second to say so changes nothing')
  const route = routeOf([
    { peer: A, start: 0, end: 6 },
    { peer: C, start: 6, end: 12 }
  ])
  t.is(brief(state.rerouted(route)), 'close>b open>a@2:3 open>c@2:3')
  t.is(opened(state, A, 0, 2, { cachedTokens: 4, keptEnd: 4 }), '')
  t.is(opened(state, C, 1, 2, { cachedTokens: 0 }), 'rerouted:3 replay>a')
  t.is(state.phase, 'filling')
  t.is(progress(state, 3, C), 'ids>a[3..4!)')
  t.is(token(state, 4, { id: 9, from: C }), 'token:4=9')
})

test('session reroute - where nobody kept the outputs the ids are sent again', (t) => {
  const state = decoding(9)
  state.gone(B)
  state.rerouted(
    routeOf([
      { peer: A, start: 0, end: 6 },
      { peer: C, start: 6, end: 12 }
    ])
  )
  opened(state, A, 0, 2, { cachedTokens: 10 })
  t.is(
    opened(state, C, 1, 2, { cachedTokens: 0 }),
    'rerouted:9 ids>a[0..4) ids>a[4..7) ids>a[7..9)'
  )
  t.is(progress(state, 4, C) + progress(state, 7, C), '')
  t.is(progress(state, 9, C), 'ids>a[9..10!)')
})

test('session reroute - routes that fail one after the other end the session with the reason', (t) => {
  const state = decoding()
  const fail = () => brief(failed(state, B, 'NATIVE_FAILED'))
  for (let i = 0; i < REROUTES_MAX; i++) {
    t.is(fail(), 'rerouting reroute')
    state.rerouted(state.route)
  }
  t.is(fail(), 'close>a fail:NATIVE_FAILED settle')
})

test('session reroute - what every machine would compute wrongly is not tried elsewhere', (t) => {
  t.is(brief(failed(decoding(), B, 'STAGE_NOT_FINITE')), 'close>a fail:STAGE_NOT_FINITE settle')
})

const OTHER = routeOf([
  { peer: A, start: 0, end: 6 },
  { peer: C, start: 6, end: 12 }
])

const AGAIN = routeOf([
  { peer: A, start: 0, end: 6 },
  { peer: B, start: 6, end: 12 }
])

/** Whom the next route leaves out if it can. */
function avoided(actions: Action[]): string[] {
  const reroute = actions.find(({ type }) => type === 'reroute')
  return reroute?.type === 'reroute' ? [...reroute.avoided].map((peer) => peer.slice(0, 1)) : []
}

test('session reroute - who failed is avoided until the answer moves', (t) => {
  const state = decoding()
  t.alike(avoided(failed(state, B, 'NATIVE_FAILED')), ['b'])
  state.rerouted(OTHER)
  t.alike(avoided(failed(state, C, 'NATIVE_FAILED')), ['b', 'c'])
  state.rerouted(OTHER)
  opened(state, A, 0)
  opened(state, C, 1)
  token(state, 4, { from: C })
  t.alike(avoided(failed(state, C, 'NATIVE_FAILED')), ['c'], 'the token forgave the first')
})

test('session reroute - who says that another is gone is not to blame', (t) => {
  const state = decoding()
  const told = {
    type: 'failed',
    session: SESSION,
    epoch: 1,
    code: 'PEER_GONE',
    text: 'x',
    place: null
  } as const
  t.alike(avoided(state.failed(A, { ...told, peer: B })), ['b'])
})

test('session reroute - who stays silent when a route opens is avoided', (t) => {
  const state = decoding()
  state.gone(B)
  state.rerouted(OTHER)
  opened(state, A, 0)
  t.alike(avoided(state.timedOut()), ['c'])
})

test('session reroute - absences may come as often as they like', (t) => {
  const state = decoding()
  for (let i = 0; i < 3 * REROUTES_MAX; i++) {
    t.is(brief(state.gone(state.route.stages[1]!.peer)), 'rerouting reroute')
    state.rerouted(i % 2 === 0 ? OTHER : AGAIN)
  }
})

test('session reroute - a loss while stages fill begins again on the next route', (t) => {
  const state = decoding(9)
  state.gone(B)
  state.rerouted(OTHER)
  opened(state, A, 0, 2, { cachedTokens: 10, keptEnd: 10 })
  t.ok(opened(state, C, 1, 2, { cachedTokens: 0 }).startsWith('rerouted:9 replay>a'))
  t.is(brief(state.gone(C)), 'rerouting reroute')
  t.is(progress(state, 4, C), '', 'late')
  t.is(brief(state.rerouted(AGAIN)), 'close>c open>a@3:9 open>b@3:9')
})

test('session reroute - without a route there is nobody to pause: it closes', (t) => {
  const state = decoding()
  state.gone(B)
  t.is(brief(state.pause()), 'finish close>a close>b')
  t.is(brief(state.rerouted(OTHER)), '', 'too late')
})

test('session reroute - closing while no route is found frees those who are left', (t) => {
  const state = decoding()
  state.gone(B)
  t.is(brief(state.close()), 'finish close>a close>b')
  t.is(brief(state.gone(B)), '')
  t.is(brief(state.timedOut()), 'settle')
})

test('session reroute - a turn that has not opened once is not repaired', (t) => {
  const state = create(4, true)
  state.begin(turn([1, 2, 3]))
  t.is(brief(state.gone(B)), 'close>a fail:PEER_GONE settle')
})

test('session reroute - a stage that lost what it had is filled as a new one', (t) => {
  const state = decoding()
  failed(state, B, 'STAGE_UNKNOWN_SESSION')
  state.rerouted(state.route)
  opened(state, A, 0, 2, { cachedTokens: 4, keptEnd: 4 })
  t.is(opened(state, B, 1, 2, { cachedTokens: 0 }), 'rerouted:3 replay>a')
})
