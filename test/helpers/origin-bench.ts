// The deciding half of a session between two stages, driven by hand: what is said to it, and what its
// actions say in a few words.

import { noStats } from '../../src/pipeline/stage-stats.ts'
import { SessionState } from '../../src/pipeline/session-state.ts'
import { chunkSizes, evenChunking } from '../../src/sharding/chunking.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { routeOf } from './sim-swarm.ts'
import { sampling } from './toy-run.ts'
import { keyOf } from './views.ts'

import type { Action, Turn } from '../../src/pipeline/session-types.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { TokenMessage } from '../../src/wire/session.ts'

export const A = keyOf('a')
export const B = keyOf('b')
export const C = keyOf('c')
export const STRANGER = keyOf('f')
export const SESSION = sessionIdOf(new Uint8Array(16))

export function create(chunkTokens = 4, isRepairable = false): SessionState {
  return new SessionState({
    id: SESSION,
    route: routeOf([
      { peer: A, start: 0, end: 6 },
      { peer: B, start: 6, end: 12 }
    ]),
    modelId: 'ee'.repeat(32),
    arithmeticVersion: 1,
    vocabSize: 500,
    kvType: 'f16',
    contextTokens: 64,
    chunking: evenChunking(chunkTokens),
    isRepairable
  })
}

export function turn(ids: number[], positionEnd = 60): Turn {
  return { ids, sampling: sampling(), stopIds: [], positionEnd }
}

/** `open>a open>b ids>a[0..4) token progress fail:CODE ...`: what a list of actions says. */
export function brief(actions: Action[]): string {
  return actions
    .map((action) => {
      if (action.type === 'emit') {
        const { event } = action
        if (event.type === 'token') return `token:${event.position}=${event.id}`
        if (event.type === 'prefill') return `${event.done}/${event.total}`
        if (event.type === 'rerouting') return event.type
        if (event.type === 'rerouted') return `rerouted:${event.refillTokens}`
        return `opened:${event.keptTokens}`
      }
      if (action.type === 'fail') return `fail:${action.error.code}`
      if (action.type !== 'send') return action.type
      const { message } = action
      const to = `${message.type}>${action.to.slice(0, 1)}`
      if (message.type === 'open') return `${to}@${message.epoch}:${message.position}`
      if (message.type !== 'ids') return to
      const end = message.position + message.ids.length
      return `${to}[${message.position}..${end}${message.sample ? '!' : ''})`
    })
    .join(' ')
}

export function opened(
  state: SessionState,
  peer: PeerId,
  index: number,
  epoch = state.epoch,
  { cachedTokens = state.cachedEnd, keptEnd = 0 } = {}
): string {
  const message = {
    type: 'opened',
    session: SESSION,
    epoch,
    index,
    cachedTokens,
    keptStart: 0,
    keptEnd,
    stats: noStats()
  } as const
  return brief(state.opened(peer, message))
}

export function progress(
  state: SessionState,
  position: number,
  from = B,
  epoch = state.epoch
): string {
  const index = from === A ? 0 : 1
  return brief(state.progress(from, { type: 'progress', session: SESSION, epoch, index, position }))
}

export function token(
  state: SessionState,
  position: number,
  { id = 7, finish = 'none' as 'none' | 'stop' | 'length', from = B, epoch = state.epoch } = {}
): string {
  const message = {
    type: 'token' as const,
    session: SESSION,
    epoch,
    position,
    finish,
    tokens: [{ id, logitsHash: '00'.repeat(8) }]
  } satisfies TokenMessage
  return brief(state.token(from, message))
}

export function failed(
  state: SessionState,
  from: PeerId,
  code = 'STAGE_FULL',
  epoch = state.epoch
) {
  return state.failed(from, {
    type: 'failed',
    session: SESSION,
    epoch,
    peer: null,
    place: null,
    code,
    text: 'no room'
  })
}

/** A session whose route is open and whose prompt of `n` ids was sent as far as allowed. */
export function openedState(n = 3, chunkTokens = 4): SessionState {
  const state = create(chunkTokens)
  state.begin(turn(Array.from({ length: n }, (_, i) => i)))
  opened(state, A, 0)
  opened(state, B, 1)
  return state
}

/** A repairable session in mid-answer: `n` ids and one token. */
export function decoding(n = 3): SessionState {
  const state = create(4, true)
  state.begin(turn(Array.from({ length: n }, (_, i) => i)))
  opened(state, A, 0)
  opened(state, B, 1)
  let end = 0
  for (const size of chunkSizes(evenChunking(4), n).slice(0, -1)) progress(state, (end += size))
  token(state, n)
  return state
}
