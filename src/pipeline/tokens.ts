// Flow B, origin side: what a message of tokens must be, and what follows from it. Pure.

import type { TokenMessage } from '../wire/session.ts'
import type { Action, Turn } from './session-types.ts'

/** Whether these tokens, of this vocabulary, are the turn's from `due` on and not more than it asked for. */
export function isNext(
  { position, tokens }: TokenMessage,
  due: number,
  turn: Turn | null,
  vocabSize: number
): boolean {
  const isInTime = position === due && position + tokens.length <= (turn?.positionEnd ?? 0)
  return isInTime && tokens.every(({ id }) => id < vocabSize)
}

/** An event for each token, and the end of the turn behind the last one. */
export function tokenActions({ position, tokens, finish }: TokenMessage): Action[] {
  const actions: Action[] = tokens.map((token, i) => {
    const own = i === tokens.length - 1 ? finish : 'none'
    return { type: 'emit', event: { type: 'token', ...token, position: position + i, finish: own } }
  })
  return finish === 'none' ? actions : [...actions, { type: 'finish' }]
}
