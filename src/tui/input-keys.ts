// Keys while a question or a search is typed. Pure. Tab leaves for the next screen and escape for the keys
// of this one, so that no key of the screens is lost to typing.

import { ask, isAnswering, stopped, type Chat } from './chat.ts'
import { only, say, type Update } from './commands.ts'
import { cycled } from './navigate.ts'
import { begun, type Search } from './search.ts'
import { typed } from './typing.ts'

import type { Key } from './message.ts'
import type { Model } from './model.ts'

export function onChatKey(model: Model, key: Key): Update {
  const { chat, snapshot } = model
  const withChat = (changes: Partial<Chat>) => ({ ...model, chat: { ...chat, ...changes } })
  switch (key.name) {
    case 'escape':
      return isAnswering(chat) ? stopAnswer(model) : only(withChat({ isTyping: false }))
    case 'tab':
      return only(cycled(model, key.shift ? -1 : 1))
    case 'enter':
      if (chat.input.trim() === '') return only(model)
      if (isAnswering(chat)) return only(say(model, 'esc stops the answer that comes'))
      return send(model, snapshot?.model?.canChat ?? true)
    case 'up':
    case 'pageup':
      return only(withChat({ scroll: chat.scroll + scrollStep(model, key) }))
    case 'down':
    case 'pagedown':
      return only(withChat({ scroll: Math.max(0, chat.scroll - scrollStep(model, key)) }))
  }
  const input = typed(chat.input, key)
  return only(input === null ? model : withChat({ input }))
}

export function stopAnswer(model: Model): Update {
  return { model: { ...model, chat: stopped(model.chat) }, effects: [{ type: 'stop-answer' }] }
}

function send(model: Model, canChat: boolean): Update {
  const { chat, question } = ask(model.chat, canChat)
  return { model: { ...model, chat }, effects: [{ type: 'ask', turn: chat.turn, question }] }
}

/** The last question once more, as if it had never been asked. */
export function retry(model: Model): Update {
  const last = model.chat.turns.at(-1)
  if (last === undefined || isAnswering(model.chat)) return only(model)
  const turns = model.chat.turns.slice(0, -1)
  const again = { ...model.chat, turns, input: last.question, session: null }
  return send({ ...model, chat: again }, model.snapshot?.model?.canChat ?? true)
}

export function onSearchKey(model: Model, key: Key): Update {
  const { search } = model
  const withSearch = (changes: Partial<Search>) => ({ ...model, search: { ...search, ...changes } })
  switch (key.name) {
    case 'escape':
      return only(withSearch({ isTyping: false }))
    case 'tab':
      return only(cycled(model, key.shift ? -1 : 1))
    case 'enter': {
      if (search.input.trim() === '') return only(model)
      const next = begun(search)
      const effect = { type: 'search', search: next.search, text: next.text } as const
      return { model: { ...model, search: next }, effects: [effect] }
    }
  }
  const input = typed(search.input, key)
  return only(input === null ? model : withSearch({ input }))
}

export function scrollStep({ height }: Model, { name }: Key): number {
  return name.startsWith('page') ? Math.max(1, height - 8) : 1
}
