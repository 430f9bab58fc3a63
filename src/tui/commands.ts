// What can be typed after a colon. Pure: a line becomes the model after it and what is to be done.

import { foreign } from './foreign.ts'
import { RATES_FPS, SCREENS, SORTS, type Model } from './model.ts'

import type { Effect } from './message.ts'

export const COMMAND_HELP =
  ':overview :pipeline :chat :knowledge :filter TEXT :sort KEY :rate N :leave :quit'

export interface Update {
  model: Model
  effects: Effect[]
}

export function runCommand(model: Model, line: string): Update {
  const [word = '', ...rest] = line.trim().split(/\s+/)
  const value = rest.join(' ')
  if (word === '') return only(model)
  if (word === 'q') return runCommand(model, 'quit')
  if (word === 'quit') return quit(model)
  if (word === 'leave') return only({ ...model, overlay: 'ask-leave' })
  if (word === 'help') return only({ ...model, overlay: 'help' })
  if (word === 'filter') return only({ ...model, filter: value, screen: 'overview' })
  if (word === 'sort') {
    const sort = SORTS.find((known) => known === value)
    return only(sort ? { ...model, sort } : say(model, `sort by one of ${SORTS.join(', ')}`))
  }
  if (word === 'rate') {
    const rateFps = RATES_FPS.find((known) => String(known) === value)
    return only(
      rateFps ? { ...model, rateFps } : say(model, `rate is one of ${RATES_FPS.join(', ')}`)
    )
  }
  const screen = SCREENS.find((known) => known === word)
  if (screen) return only({ ...model, screen })
  return only(say(model, `there is no :${foreign(word)}; there are ${COMMAND_HELP}`))
}

/** Of a dashboard that `swarm join` shows, it is asked whether the peer leaves too. */
export function quit(model: Model): Update {
  if (model.isOwner) return only({ ...model, overlay: 'ask-quit' })
  return { model, effects: [{ type: 'quit', status: 0 }] }
}

export function only(model: Model): Update {
  return { model, effects: [] }
}

export function say(model: Model, notice: string): Model {
  return { ...model, notice }
}
