// From screen to screen. Pure; used by the keys of the screens and of the inputs alike.

import { SCREENS, type Model, type ScreenName } from './model.ts'

/** The screen; where it has an input, keys go there at once. */
export function opened(model: Model, screen: ScreenName): Model {
  return typing({ ...model, screen })
}

export function cycled(model: Model, step: number): Model {
  const at = SCREENS.indexOf(model.screen) + step + SCREENS.length
  return opened(model, SCREENS[at % SCREENS.length] as ScreenName)
}

/** Keys go to the input of the screen, where it has one. */
export function typing(model: Model): Model {
  if (model.screen === 'chat') return { ...model, chat: { ...model.chat, isTyping: true } }
  if (model.screen !== 'knowledge') return model
  // An answer that is read must not be closed by coming back to it.
  const isTyping = model.search.hits.length === 0
  return { ...model, search: { ...model.search, isTyping } }
}
