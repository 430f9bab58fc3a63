// What can happen to the dashboard, and what it can ask to be done: all that passes between update.ts,
// which is pure, and dashboard.ts, which has the effects. Shapes only.

import type { ChatMessage, GenerateEvent } from '../wire/generation.ts'
import type { Hit } from '../wire/knowledge.ts'
import type { TopSnapshot } from '../wire/top.ts'

/** A key press. `text` is what it types; empty where it types nothing. */
export interface Key {
  /** `a`, `enter`, `escape`, `tab`, `backspace`, `up`, `pagedown`; of letters the lower-case one. */
  name: string
  text: string
  ctrl: boolean
  shift: boolean
}

export type Message =
  | { type: 'key'; key: Key }
  | { type: 'size'; width: number; height: number }
  | { type: 'snapshot'; snapshot: TopSnapshot }
  /** The peer does not answer; `text` says why. */
  | { type: 'lost'; text: string }
  /** `turn` counts the questions: events of a turn that was given up are late. */
  | { type: 'asked'; turn: number; nowMs: number }
  | { type: 'answer'; turn: number; event: GenerateEvent; nowMs: number }
  | { type: 'answer-failed'; turn: number; text: string }
  /** `search` counts the searches, for the same reason. */
  | { type: 'found'; search: number; hits: Hit[] }
  | { type: 'search-failed'; search: number; text: string }
  | { type: 'notice'; text: string }

export type Effect =
  | { type: 'ask'; turn: number; question: Question }
  | { type: 'stop-answer' }
  | { type: 'search'; search: number; text: string }
  /** Onto the clipboard of the terminal. */
  | { type: 'copy'; text: string }
  /** The peer leaves the topic. */
  | { type: 'leave' }
  /** The dashboard ends; 130 when Ctrl-C ended it. */
  | { type: 'quit'; status: 0 | 130 }

/** Messages where the model has a chat template, else the text that it continues. */
export type Question =
  { messages: ChatMessage[]; session: string | null } | { prompt: string; session: null }
