import test from 'brittle'

import { noStats } from '../../src/pipeline/stage-stats.ts'
import { SessionState } from '../../src/pipeline/session-state.ts'
import {
  A,
  B,
  STRANGER,
  SESSION,
  create,
  turn,
  brief,
  opened,
  progress,
  token,
  failed,
  openedState
} from '../helpers/origin-bench.ts'

import type { PeerId } from '../../src/wire/ids.ts'

test('session state - opens every stage, then sends the prompt', (t) => {
  const state = create()
  t.is(brief(state.begin(turn([1, 2, 3]))), 'open>a@1:0 open>b@1:0')
  t.is(opened(state, A, 0), '')
  t.is(opened(state, B, 1), 'opened:0 ids>a[0..3!)')
  t.is(state.phase, 'prefill')
})

test('session state - only a stage speaks for itself, once, about this epoch', (t) => {
  const state = create()
  state.begin(turn([1, 2, 3]))
  t.is(opened(state, B, 0), '')
  t.is(opened(state, STRANGER, 1), '')
  t.is(opened(state, A, 0, 7), '')
  t.is(opened(state, A, 9), '')
  t.is(opened(state, A, 0) + opened(state, A, 0), '')
  t.is(state.phase, 'opening')
})

test('session state - as many chunks travel as there are stages, and one more', (t) => {
  const state = create(4)
  state.begin(turn(Array.from({ length: 18 }, (_, i) => i)))
  opened(state, A, 0)
  t.is(opened(state, B, 1), 'opened:0 ids>a[0..4) ids>a[4..8) ids>a[8..12)')
  t.is(progress(state, 4), '4/18 ids>a[12..16)')
  t.is(progress(state, 8), '8/18 ids>a[16..18!)')
  t.is(progress(state, 12), '12/18')
  t.is(progress(state, 16), '16/18')
  t.is(token(state, 18), '18/18 token:18=7')
  t.is(token(state, 19), 'token:19=7')
})

test('session state - the turn ends with the token that says so', (t) => {
  for (const finish of ['stop', 'length'] as const) {
    const state = openedState()
    token(state, 3)
    t.is(token(state, 4, { finish }), 'token:4=7 finish')
    t.is(state.phase, 'idle')
    t.is(token(state, 5), '', 'and nothing follows')
  }
})

test('session state - tokens out of order end the session', (t) => {
  const cases: [string, (state: SessionState) => string][] = [
    ['a repetition', (state) => token(state, 3) && token(state, 3)],
    ['a gap', (state) => token(state, 4)],
    ['beyond the vocabulary', (state) => token(state, 3, { id: 500 })],
    ['progress that was not due', (state) => progress(state, 2)]
  ]
  for (const [name, act] of cases) {
    const state = openedState()
    t.is(act(state), 'close>a close>b fail:STAGE_POSITION_GAP settle', name)
    t.is(state.phase, 'ended')
  }
})

test('session state - a token before the prompt has passed, or beyond the end, ends the session', (t) => {
  const early = openedState(18)
  t.ok(token(early, 18).includes('STAGE_POSITION_GAP'))
  const short = create()
  short.begin(turn([1, 2, 3], 4))
  opened(short, A, 0)
  opened(short, B, 1)
  token(short, 3)
  t.ok(token(short, 4).includes('STAGE_POSITION_GAP'))
})

test('session state - what others, or an older epoch, say is dropped', (t) => {
  const state = openedState()
  t.is(token(state, 3, { from: A }), '')
  t.is(token(state, 9, { from: STRANGER }), '')
  t.is(token(state, 9, { epoch: 9 }), '')
  t.is(progress(state, 9, A), '')
  t.is(failed(state, STRANGER).length, 0)
  t.is(failed(state, A, 'STAGE_FULL', 9).length, 0)
  t.is(state.phase, 'prefill')
})

test('session state - the next turn keeps the common beginning', (t) => {
  const state = openedState()
  token(state, 3, { id: 40 })
  token(state, 4, { id: 41 })
  token(state, 5, { id: 42, finish: 'stop' })
  // Cached are 0..4; the token at 5 was never computed with.
  t.is(state.cachedIds.length, 5)
  t.is(brief(state.begin(turn([0, 1, 2, 40, 41, 42, 9]))), 'open>a@2:5 open>b@2:5')
  opened(state, A, 0)
  t.is(opened(state, B, 1), 'opened:5 ids>a[5..7!)')
})

test('session state - a turn that differs earlier keeps only what is equal', (t) => {
  const state = openedState()
  token(state, 3, { finish: 'stop' })
  t.is(brief(state.begin(turn([0, 1, 8, 9]))), 'open>a@2:2 open>b@2:2')
})

test('session state - the same prompt again computes its last position again', (t) => {
  const state = openedState()
  token(state, 3, { finish: 'stop' })
  t.is(brief(state.begin(turn([0, 1, 2]))), 'open>a@2:2 open>b@2:2')
})

test('session state - a turn that needs more room begins from nothing', (t) => {
  const state = openedState()
  token(state, 3, { finish: 'stop' })
  const [action] = state.begin(turn([0, 1, 2, 3], 65))
  const open = action?.type === 'send' && action.message.type === 'open' ? action.message : null
  t.is(open?.position, 0)
  t.is(open?.contextTokens, 65)
})

test('session state - one turn at a time, none after the end', (t) => {
  const state = openedState()
  t.exception(() => state.begin(turn([1])), /still answers/)
  state.close()
  t.exception(() => state.begin(turn([1])), /over/)
})

test('session state - a pause stops the stages where they are and collects what it cost', (t) => {
  const state = openedState()
  token(state, 3)
  token(state, 4)
  t.is(brief(state.pause()), 'finish open>a@2:4 open>b@2:4')
  t.is(token(state, 5, { epoch: 1 }), '', 'late')
  t.is(opened(state, A, 0), '')
  t.is(opened(state, B, 1), 'settle')
  t.is(state.phase, 'idle')
  t.is(state.cachedIds.length, 4)
})

test('session state - a pause before anything or after the end has nothing to wait for', (t) => {
  t.is(brief(create().pause()), 'settle')
  const state = openedState()
  state.gone(B)
  t.is(brief(state.pause()), 'settle')
})

test('session state - closing frees every stage and waits for each', (t) => {
  const state = openedState()
  t.is(brief(state.close()), 'finish close>a close>b')
  const closed = (from: PeerId, index: number) =>
    brief(state.closed(from, { type: 'closed', session: SESSION, index, stats: noStats() }))
  t.is(closed(A, 0), '')
  t.is(brief(state.close()), '')
  t.is(closed(B, 1), 'settle')
  t.is(brief(state.close()), 'settle')
  t.is(brief(create().close()), 'settle', 'a session that never opened')
})

test('session state - closing does not wait for a stage that is gone or failed', (t) => {
  const gone = openedState()
  gone.close()
  t.is(brief(gone.gone(A)), '')
  t.is(brief(gone.gone(B)), 'settle')
  const mixed = openedState()
  mixed.close()
  t.is(brief(failed(mixed, B)), '')
  const stats = { ...noStats(), decodeTokens: 4 }
  t.is(brief(mixed.closed(A, { type: 'closed', session: SESSION, index: 0, stats })), 'settle')
  t.alike(mixed.stats, [stats, null])
  const silent = openedState()
  silent.close()
  t.is(brief(silent.timedOut()), 'settle')
})

test('session state - a lost stage ends the session, naming it and what to do', (t) => {
  const state = openedState()
  const actions = state.gone(B)
  t.is(brief(actions), 'close>a fail:PEER_GONE settle')
  const fail = actions.find((action) => action.type === 'fail')
  t.is(fail?.error.message, 'bbbbbbbb (layers 6-11) is gone: ask again and another route is taken')
  t.is(brief(openedState().gone(STRANGER)), '')
  t.is(brief(create().gone(B)), '', 'before anything was opened')
})

test('session state - a loss that a neighbour reports names who is lost, then who says so', (t) => {
  const text = 'bbbbbbbb (layers 6-11) is gone: ask again'
  const code = 'PEER_GONE'
  const told = { type: 'failed', session: SESSION, epoch: 1, peer: B, code, text } as const
  const fail = openedState()
    .failed(A, told)
    .find((action) => action.type === 'fail')
  t.is(fail?.error.message, `${text} (said aaaaaaaa)`)
})

test('session state - a stage that fails is named with its own code and clean words', (t) => {
  const state = openedState()
  const [, fail] = state.failed(A, {
    type: 'failed',
    session: SESSION,
    epoch: 1,
    peer: null,
    code: 'STAGE_FULL',
    text: 'no\u001b room'
  })
  t.ok(fail?.type === 'fail')
  if (fail?.type !== 'fail') return
  t.is(fail.error.code, 'STAGE_FULL')
  t.is(fail.error.message, 'aaaaaaaa (layers 0-5): no  room')
  const unknown = failed(openedState(), A, 'MAGIC_SMOKE').find(({ type }) => type === 'fail')
  t.is(unknown?.type === 'fail' && unknown.error.code, 'PEER_REFUSED')
})

test('session state - a route that does not open in time names who is silent', (t) => {
  const state = create()
  state.begin(turn([1]))
  opened(state, A, 0)
  const actions = state.timedOut()
  t.is(brief(actions), 'close>a close>b fail:PEER_TIMEOUT settle')
  const fail = actions.find((action) => action.type === 'fail')
  t.ok(fail?.error.message.startsWith('bbbbbbbb (layers 6-11) did not open'), fail?.error.message)
})

test('session state - no time runs while nothing is asked', (t) => {
  const state = openedState()
  token(state, 3, { finish: 'stop' })
  t.is(brief(state.timedOut()), '')
  t.is(state.phase, 'idle')
})
