// The conversation of the dashboard, as a value: turns, what is typed, and what an answer has cost so far.
// Pure. An answer that failed leaves no trace in what is sent; one that was stopped stays as far as it was
// read, and the peer computes the conversation anew.

import { queuedText } from '../wire/queued-text.ts'

import type { ChatMessage, GenerateEvent } from '../wire/generation.ts'
import type { Question } from './message.ts'

export interface ChatTurn {
  question: string
  answer: string
  state: 'running' | 'done' | 'stopped' | 'failed'
  /** What the peer says of it: why it waits, how it ended. */
  note: string
}

export interface Chat {
  turns: readonly ChatTurn[]
  input: string
  /** Keys go to the input. */
  isTyping: boolean
  /** Rows scrolled up from the end. */
  scroll: number
  /** Counts the questions. */
  turn: number
  /** The session that the peer keeps for the next turn. */
  session: string | null
  /** Of the last question: tokens of its prompt, read so far, generated. */
  meter: ChatMeter
}

export interface ChatMeter {
  promptTokens: number
  prefillDone: number
  nTokens: number
  tokensPerSecond: number | null
  /** From asking to the first token. */
  firstMs: number | null
  askedMs: number | null
  firstTokenMs: number | null
  route: readonly string[]
}

const emptyMeter: ChatMeter = {
  promptTokens: 0,
  prefillDone: 0,
  nTokens: 0,
  tokensPerSecond: null,
  firstMs: null,
  askedMs: null,
  firstTokenMs: null,
  route: []
}

export const emptyChat: Chat = {
  turns: [],
  input: '',
  isTyping: false,
  scroll: 0,
  turn: 0,
  session: null,
  meter: emptyMeter
}

export function isAnswering({ turns }: Chat): boolean {
  return turns.at(-1)?.state === 'running'
}

/** The question that is typed becomes a turn. @param canChat the model has a template. */
export function ask(chat: Chat, canChat: boolean): { chat: Chat; question: Question } {
  const text = chat.input
  const question: Question = canChat
    ? { messages: [...messagesOf(chat), { role: 'user', content: text }], session: chat.session }
    : { prompt: text, session: null }
  const turn: ChatTurn = { question: text, answer: '', state: 'running', note: '' }
  return {
    chat: {
      ...chat,
      turns: [...chat.turns, turn],
      input: '',
      scroll: 0,
      turn: chat.turn + 1,
      meter: emptyMeter
    },
    question
  }
}

/** The question has left. */
export function asked(chat: Chat, nowMs: number): Chat {
  return { ...chat, meter: { ...chat.meter, askedMs: nowMs } }
}

export function onAnswer(chat: Chat, event: GenerateEvent, nowMs: number): Chat {
  const { meter } = chat
  switch (event.type) {
    case 'queued':
    case 'rerouting':
      return withTurn(chat, { note: queuedText(event) })
    case 'audit':
      return withTurn(chat, { note: event.text })
    case 'rerouted': {
      const route = event.stages.map(({ peer }) => peer)
      return withTurn({ ...chat, meter: { ...meter, route } }, { note: '' })
    }
    case 'route': {
      const { stages, promptTokens, cachedTokens } = event
      const route = stages.map(({ peer }) => peer)
      const begun = { ...meter, route, promptTokens, prefillDone: cachedTokens }
      return withTurn({ ...chat, meter: begun }, { note: '' })
    }
    case 'prefill':
      return { ...chat, meter: { ...meter, prefillDone: event.done } }
    case 'text': {
      const answer = (chat.turns.at(-1)?.answer ?? '') + event.text
      return withTurn({ ...chat, meter: counted(meter, event.ids.length, nowMs) }, { answer })
    }
    case 'done': {
      const { result } = event
      const note = { stop: '', length: 'the limit of tokens is reached', cancelled: 'stopped' }
      return withTurn(
        {
          ...chat,
          session: result.session ?? null,
          meter: {
            ...meter,
            tokensPerSecond: result.timing.tokensPerSecond || meter.tokensPerSecond
          }
        },
        { answer: result.text, state: 'done', note: note[result.finishReason] }
      )
    }
  }
}

/** The user has enough. The events that still come belong to no turn any more. */
export function stopped(chat: Chat): Chat {
  if (!isAnswering(chat)) return chat
  const given = { ...chat, turn: chat.turn + 1, session: null }
  return withTurn(given, { state: 'stopped', note: 'stopped' })
}

export function failed(chat: Chat, text: string): Chat {
  return withTurn({ ...chat, session: null }, { state: 'failed', note: text })
}

function counted(meter: ChatMeter, count: number, nowMs: number): ChatMeter {
  const nTokens = meter.nTokens + count
  if (meter.firstTokenMs === null) {
    const firstMs = meter.askedMs === null ? null : nowMs - meter.askedMs
    const prefillDone = meter.promptTokens
    return { ...meter, nTokens, prefillDone, firstTokenMs: nowMs, firstMs }
  }
  const runMs = nowMs - meter.firstTokenMs
  const tokensPerSecond = runMs > 0 ? ((nTokens - 1) * 1000) / runMs : meter.tokensPerSecond
  return { ...meter, nTokens, tokensPerSecond }
}

function withTurn(chat: Chat, changes: Partial<ChatTurn>): Chat {
  const last = chat.turns.at(-1)
  if (last === undefined) return chat
  return { ...chat, turns: [...chat.turns.slice(0, -1), { ...last, ...changes }] }
}

function messagesOf({ turns }: Chat): ChatMessage[] {
  return turns
    .filter(({ state }) => state === 'done' || state === 'stopped')
    .flatMap(({ question, answer }) => [
      { role: 'user', content: question },
      { role: 'assistant', content: answer }
    ])
}
