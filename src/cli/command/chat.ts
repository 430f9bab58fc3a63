// `swarm chat`: turns of a conversation with whoever answers (chat-partner.ts).
// Decides what a failed turn means: on a terminal the conversation goes on, from a pipe the command fails.

import { abortError, isAbort, SwarmError } from '../../base/errors.ts'
import { loadChat, saveChat } from '../chat-save.ts'
import { ChatInput } from '../chat-input.ts'
import { chatPartner, type ChatPartner } from '../chat-partner.ts'
import type { CommandContext, CommandHandler } from '../context.ts'
import { Conversation } from '../conversation.ts'
import { samplingRequest } from '../generate-request.ts'
import { newsOf, plural, summaryOf } from '../generation-view.ts'

const HELP = [
  '/save FILE  keep the conversation in a file, and what was computed of it with the stages',
  '/load FILE  go on with a conversation that was saved',
  '/clear      forget the conversation and start anew',
  '/help       show this',
  '/exit       leave; so does Ctrl-D, and Ctrl-C at the prompt',
  'Ctrl-C while an answer comes stops the answer only.'
]

export const chat: CommandHandler = async (context) => {
  const { flags, host, terminal, signal } = context
  const partner = await chatPartner(context)
  const live = terminal.live && host.stdin.isTTY === true && !terminal.json
  const talk = new Conversation(samplingRequest(flags), flags.system)
  const tell = (lines: string[]): void => {
    for (const text of lines) terminal.note(text)
  }
  try {
    // Before input is read: what readline hears while nobody waits for it is lost.
    if (flags.load !== undefined) tell(await loadChat(partner, talk, flags.load, signal))
  } catch (error) {
    await partner.close()
    throw error
  }
  let turn: AbortController | null = null
  const input = new ChatInput(host, live, () => {
    if (turn === null) input.close()
    else turn.abort(abortError())
  })
  const leave = (): void => input.close()
  signal.addEventListener('abort', leave, { once: true })
  if (partner.remark !== null) terminal.note(partner.remark, 'faint')
  if (live) terminal.note(`${partner.model ?? 'no model'}; /help lists the commands`, 'faint')
  try {
    for await (const line of input.read()) {
      signal.throwIfAborted()
      const text = line.trim()
      if (text === '') continue
      if (text === '/exit' || text === '/quit') break
      const [, verb, path] = /^\/(save|load)\s+(\S.*)$/.exec(text) ?? []
      if (path !== undefined) {
        const act = verb === 'save' ? saveChat : loadChat
        await orTell(context, live, async () => tell(await act(partner, talk, path, signal)))
        continue
      }
      if (/^\/[a-z]+$/.test(text)) {
        await runSlash(context, partner, talk, text)
        continue
      }
      turn = new AbortController()
      await takeTurn(context, partner, talk, partner.question(text), live, turn.signal)
      turn = null
    }
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', leave)
    input.close()
    await forget(partner, talk)
    await partner.close()
  }
  if (terminal.json) {
    terminal.object({ model: partner.model, messages: talk.messages, turns: talk.turns })
  }
}

async function takeTurn(
  context: CommandContext,
  partner: ChatPartner,
  talk: Conversation,
  text: string,
  live: boolean,
  turnSignal: AbortSignal
): Promise<void> {
  const { terminal, signal } = context
  const showNews = newsOf(terminal)
  const isFresh = talk.session === undefined && talk.saved !== null
  let soFar = ''
  try {
    const both = AbortSignal.any([signal, turnSignal])
    for await (const event of partner.generate(talk.ask(text), both)) {
      showNews(event)
      if (event.type === 'route' && isFresh) {
        const { cachedTokens, promptTokens } = event
        terminal.note(`${cachedTokens} of ${plural(promptTokens, 'token')} were kept`, 'faint')
      }
      if (event.type === 'text') {
        soFar += event.text
        if (!terminal.json) terminal.answer(event.text)
      }
      if (event.type !== 'done') continue
      talk.answered(text, event.result)
      terminal.endAnswer()
      const { finishReason, ids } = event.result
      const most = context.flags['max-tokens'] ?? Infinity
      if (live) terminal.note(summaryOf(event.result), 'faint')
      if (finishReason === 'length' && ids.length < most) {
        terminal.note('the context is full; /clear starts anew')
      }
    }
  } catch (error) {
    terminal.progress.clear()
    terminal.endAnswer()
    if (isAbort(error) && turnSignal.aborted) {
      talk.stopped(text, soFar)
      terminal.note('stopped')
    } else if (live && error instanceof SwarmError && error.code !== 'PEER_NOT_RUNNING') {
      const hint = error.code === 'USAGE_PROMPT_TOO_LONG' ? '; /clear starts anew' : ''
      terminal.note(`swarm: ${error.message}${hint} [${error.code}]`)
    } else throw error
  }
}

/** On a terminal what fails is told, and the conversation goes on. */
async function orTell(
  { terminal }: CommandContext,
  live: boolean,
  work: () => Promise<void>
): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!live || !(error instanceof SwarmError)) throw error
    terminal.note(`swarm: ${error.message} [${error.code}]`)
  }
}

async function runSlash(
  { terminal }: CommandContext,
  partner: ChatPartner,
  talk: Conversation,
  text: string
): Promise<void> {
  if (text === '/clear') {
    await forget(partner, talk)
    talk.clear()
    terminal.note('cleared')
  } else if (text === '/save' || text === '/load') terminal.note(`name a file: ${text} FILE`)
  else if (text === '/help') for (const line of HELP) terminal.note(line)
  else terminal.note('there is no such command; /help lists them')
}

async function forget(partner: ChatPartner, talk: Conversation): Promise<void> {
  if (talk.session !== undefined) await partner.forget(talk.session)
}
