// Keys of the screens while nothing is typed. Pure. Letters are k9s's and vi's where they have one.

import { isAnswering } from './chat.ts'
import { only, quit, say, type Update } from './commands.ts'
import { retry, scrollStep, stopAnswer } from './input-keys.ts'
import { RATES_FPS, SCREENS, SORTS, type Model } from './model.ts'
import { cycled, opened, typing } from './navigate.ts'
import { neighbourOf, selectedPeer } from './peer-list.ts'
import { chosen } from './search.ts'

import type { Key } from './message.ts'

export function onScreenKey(model: Model, key: Key): Update {
  if (key.ctrl) return key.name === 'r' && model.screen === 'chat' ? retry(model) : only(model)
  const screen = SCREENS[Number(key.text) - 1]
  if (screen !== undefined) return only(opened(model, screen))
  switch (key.text || key.name) {
    case 'tab':
      return only(cycled(model, key.shift ? -1 : 1))
    case 'right':
      return only(cycled(model, 1))
    case 'left':
    case 'h':
      return only(cycled(model, -1))
    case 'down':
    case 'j':
      return moved(model, 1, key)
    case 'up':
    case 'k':
      return moved(model, -1, key)
    case 'pagedown':
      return moved(model, 1, key)
    case 'pageup':
      return moved(model, -1, key)
    case 'enter':
      return enter(model)
    case 'escape':
      return escape(model)
    case 'i':
      return only(typing(model))
    case '/':
      return slash(model)
    case ':':
      return only({ ...model, prompt: { kind: 'command', text: '' } })
    case 'l':
      return only(toggledLog(model))
    case 's':
      return only({ ...model, sort: after(SORTS, model.sort) })
    case 'p':
      return only({ ...model, isPaused: !model.isPaused })
    case '+':
    case '=':
      return only({ ...model, rateFps: after(RATES_FPS, model.rateFps, 1) })
    case '-':
      return only({ ...model, rateFps: after(RATES_FPS, model.rateFps, -1) })
    case 'g':
      return only({ ...model, graphFromZero: !model.graphFromZero })
    case 'y':
      return copy(model)
    case 'D':
      return only({ ...model, overlay: 'ask-leave' })
    case '?':
      return only({ ...model, overlay: 'help' })
    case 'q':
      return quit(model)
    default:
      return only(model)
  }
}

function toggledLog(model: Model): Model {
  return {
    ...model,
    screen: 'overview',
    isLogOpen: model.screen !== 'overview' || !model.isLogOpen
  }
}

function moved(model: Model, step: number, key: Key): Update {
  const rows = step * scrollStep(model, key)
  if (model.screen === 'overview') return only({ ...model, selected: neighbourOf(model, rows) })
  if (model.screen === 'knowledge') return only({ ...model, search: chosen(model.search, rows) })
  if (model.screen === 'pipeline') return only(model)
  return only({ ...model, chat: { ...model.chat, scroll: Math.max(0, model.chat.scroll - rows) } })
}

function enter(model: Model): Update {
  if (model.screen === 'overview') {
    const peer = selectedPeer(model)
    return only(peer ? { ...model, overlay: 'peer', selected: peer.key } : model)
  }
  if (model.screen === 'chat') return only(typing(model))
  if (model.screen === 'pipeline') return only(model)
  const { search } = model
  if (search.hits.length === 0) return only(typing(model))
  return only({ ...model, search: { ...search, isOpen: !search.isOpen } })
}

function escape(model: Model): Update {
  if (model.screen === 'chat' && isAnswering(model.chat)) return stopAnswer(model)
  if (model.screen === 'knowledge' && model.search.isOpen) {
    return only({ ...model, search: { ...model.search, isOpen: false } })
  }
  return only({ ...model, filter: '', isLogOpen: false })
}

function slash(model: Model): Update {
  if (model.screen === 'knowledge') {
    return only({ ...model, search: { ...model.search, isTyping: true, isOpen: false } })
  }
  return only({ ...model, screen: 'overview', prompt: { kind: 'filter', text: model.filter } })
}

/** What is chosen, whole: a key, an answer of the memory, an answer of the model. */
function copy(model: Model): Update {
  const text =
    model.screen === 'chat'
      ? model.chat.turns.at(-1)?.answer
      : model.screen === 'knowledge'
        ? model.search.hits[model.search.selected]?.answer
        : selectedPeer(model)?.key
  if (!text) return only(say(model, 'there is nothing to copy here'))
  const told = say(model, 'copied, where the terminal allows it')
  return { model: told, effects: [{ type: 'copy', text }] }
}

/** The next of a list: round and round, or with a step that stops at the ends. */
function after<T>(list: readonly T[], one: T, step?: 1 | -1): T {
  const at = list.indexOf(one) + (step ?? 1)
  const index = step === undefined ? at % list.length : Math.max(0, Math.min(list.length - 1, at))
  return list[index] as T
}
