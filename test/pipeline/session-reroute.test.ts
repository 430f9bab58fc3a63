import test from 'brittle'

import { REROUTES_MAX } from '../../src/base/limits.ts'
import {
  A,
  B,
  C,
  brief,
  opened,
  progress,
  token,
  failed,
  decoding
} from '../helpers/origin-bench.ts'
import { routeOf } from '../helpers/sim-swarm.ts'

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
    'rerouted:9 ids>a[0..4) ids>a[4..8) ids>a[8..9)'
  )
  t.is(progress(state, 4, C) + progress(state, 8, C), '')
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
