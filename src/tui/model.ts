// The whole state of the dashboard, as one value: what was heard of the peer, what is shown, what is being
// typed. Changed by update.ts alone, drawn by view/. Knows no terminal and no socket.

import { emptyChat, type Chat } from './chat.ts'
import { emptySearch, type Search } from './search.ts'

import type { TopSnapshot } from '../wire/top.ts'

export const SCREENS = ['overview', 'pipeline', 'chat', 'knowledge'] as const
export type ScreenName = (typeof SCREENS)[number]

export const SORTS = ['layers', 'name', 'speed', 'rtt'] as const
export type Sort = (typeof SORTS)[number]

/** Smaller terminals get one line that says so: a table of peers needs this much. */
export const WIDTH_MIN = 80
export const HEIGHT_MIN = 24

/** Frames per second that + and - choose from, and what it begins with. */
export const RATES_FPS = [1, 2, 4, 10] as const
const RATE_FPS_DEFAULT = 4

export interface Model {
  width: number
  height: number
  screen: ScreenName
  /** The newest news of the peer; kept while it does not answer. */
  snapshot: TopSnapshot | null
  /** Why the peer does not answer; null while it does. */
  lost: string | null
  /** What is laid over the screen: help, one peer, a question to be answered with a key. */
  overlay: 'none' | 'help' | 'peer' | 'ask-quit' | 'ask-leave'
  /** What is typed in the last row: a command or a filter. */
  prompt: { kind: 'command' | 'filter'; text: string } | null
  /** Key of the chosen peer; null chooses the first. */
  selected: string | null
  filter: string
  sort: Sort
  isPaused: boolean
  rateFps: number
  /** The events fill the overview. */
  isLogOpen: boolean
  /** The graph of tokens/s begins at 0, not at the least value. */
  graphFromZero: boolean
  chat: Chat
  search: Search
  /** One line about the last command; gone with the next key. */
  notice: string
  /** This dashboard is that of `swarm join`: who quits is asked whether the peer leaves too. */
  isOwner: boolean
}

export function initialModel(size: { width: number; height: number }, isOwner: boolean): Model {
  return {
    ...size,
    screen: 'overview',
    snapshot: null,
    lost: null,
    overlay: 'none',
    prompt: null,
    selected: null,
    filter: '',
    sort: 'layers',
    isPaused: false,
    rateFps: RATE_FPS_DEFAULT,
    isLogOpen: false,
    graphFromZero: true,
    chat: emptyChat,
    search: emptySearch,
    notice: '',
    isOwner
  }
}
