// The dashboard's one reducer: a model and a message become the next model and what is to be done. Pure.
// Keys go to whatever lies on top: a question, the line being typed, an input, else the screen.

import { asked, failed, onAnswer, stopped } from './chat.ts'
import { only, runCommand, type Update } from './commands.ts'
import { onScreenKey } from './screen-keys.ts'
import { failedSearch, found } from './search.ts'
import { typed } from './typing.ts'
import { onChatKey, onSearchKey } from './input-keys.ts'

import type { Key, Message } from './message.ts'
import type { Model } from './model.ts'

export function update(model: Model, message: Message): Update {
  switch (message.type) {
    case 'key':
      return onKey({ ...model, notice: '' }, message.key)
    case 'size':
      return only({ ...model, width: message.width, height: message.height })
    case 'snapshot':
      return only({ ...model, snapshot: message.snapshot, lost: null })
    case 'lost':
      return only({ ...model, lost: message.text })
    case 'notice':
      return only({ ...model, notice: message.text })
    case 'asked':
      return inTurn(model, message, () => asked(model.chat, message.nowMs))
    case 'answer':
      return inTurn(model, message, () => onAnswer(model.chat, message.event, message.nowMs))
    case 'answer-failed':
      return inTurn(model, message, () => failed(model.chat, message.text))
    case 'found':
      if (message.search !== model.search.search) return only(model)
      return only({ ...model, search: found(model.search, message.hits) })
    case 'search-failed':
      if (message.search !== model.search.search) return only(model)
      return only({ ...model, search: failedSearch(model.search, message.text) })
  }
}

/** Events of a turn that was given up are late, and dropped. */
function inTurn(model: Model, message: { turn: number }, next: () => Model['chat']): Update {
  return only(message.turn === model.chat.turn ? { ...model, chat: next() } : model)
}

function onKey(model: Model, key: Key): Update {
  if (key.ctrl && key.name === 'c') return interrupt(model)
  switch (model.overlay) {
    case 'ask-quit':
      return answerQuit(model, key)
    case 'ask-leave':
      return answerLeave(model, key)
    case 'help':
    case 'peer':
      return only({ ...model, overlay: 'none' })
    case 'none':
  }
  if (model.prompt !== null) return onPromptKey(model, model.prompt, key)
  if (model.screen === 'chat' && model.chat.isTyping) return onChatKey(model, key)
  if (model.screen === 'knowledge' && model.search.isTyping) return onSearchKey(model, key)
  return onScreenKey(model, key)
}

/** As everywhere on a terminal: an answer that comes is stopped, else the program ends. */
function interrupt(model: Model): Update {
  const chat = stopped(model.chat)
  if (chat !== model.chat) return { model: { ...model, chat }, effects: [{ type: 'stop-answer' }] }
  const quit = { type: 'quit', status: 130 } as const
  return { model, effects: model.isOwner ? [{ type: 'leave' }, quit] : [quit] }
}

function answerQuit(model: Model, key: Key): Update {
  const quit = { type: 'quit', status: 0 } as const
  if (key.name === 'd') return { model, effects: [quit] }
  if (key.name === 'l') return { model, effects: [{ type: 'leave' }, quit] }
  return only({ ...model, overlay: 'none' })
}

function answerLeave(model: Model, key: Key): Update {
  if (key.name !== 'y') return only({ ...model, overlay: 'none' })
  return { model, effects: [{ type: 'leave' }, { type: 'quit', status: 0 }] }
}

function onPromptKey(model: Model, prompt: NonNullable<Model['prompt']>, key: Key): Update {
  const { kind, text } = prompt
  if (key.name === 'escape') {
    return only({ ...model, prompt: null, filter: kind === 'filter' ? '' : model.filter })
  }
  if (key.name === 'enter') {
    const closed = { ...model, prompt: null }
    return kind === 'command' ? runCommand(closed, text) : only(closed)
  }
  const next = typed(text, key)
  if (next === null) return only(key.name === 'backspace' ? { ...model, prompt: null } : model)
  const open = { ...model, prompt: { kind, text: next } }
  return only(kind === 'filter' ? { ...open, filter: next } : open)
}
