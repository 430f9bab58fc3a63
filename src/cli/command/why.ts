// `swarm why`: finds the last failed command, explains it and prints what could mend it. Memory and rules
// are printed at once; the model's text follows as it comes. Owns no judgement: that is shell/why.ts.

import { isAbort, SwarmError } from '../../base/errors.ts'
import { explain, type ExplainPorts, type Explanation } from '../../shell/why.ts'
import { thisMachine } from '../../shell/why-machine.ts'
import { clientOf, type CommandContext, type CommandHandler } from '../context.ts'
import { samplingRequest } from '../generate-request.ts'
import { lastFailure } from '../last-failure.ts'
import { ask } from '../running-peer.ts'
import { teachLine, whyLines, whyObject } from '../why-view.ts'

/** Tokens of the model's answer: two sentences and a command. */
const ANSWER_TOKENS_MAX = 160

export const why: CommandHandler = async (context) => {
  const { terminal } = context
  const failure = await lastFailure(context, true)
  const ports = await portsOf(context, failure.cwd)
  const explanation = await explain(failure, ports)
  if (terminal.json) {
    const answer = await wholeAnswer(explanation)
    terminal.object(whyObject(failure, explanation, answer))
    return explanation.proposals.length > 0 || answer !== null ? 0 : 1
  }
  for (const { text, style } of whyLines(failure, explanation))
    terminal.line(
      style === 'bold' ? terminal.bold(text) : style === 'faint' ? terminal.dim(text) : text
    )
  const isAnswered = await showAnswer(context, explanation)
  terminal.note(teachLine(explanation), 'faint')
  return explanation.proposals.length > 0 || isAnswered ? 0 : 1
}

async function portsOf(context: CommandContext, cwd: string): Promise<ExplainPorts> {
  const { host, clock, signal } = context
  const client = clientOf(context)
  return {
    clock,
    machine: thisMachine(host.env, cwd),
    ask: (request) => client.query(request, signal),
    generate: (await hasModel(context)) ? (prompt) => modelText(context, prompt) : () => null
  }
}

/** A peer that is there but silent has no part; memory and rules still answer. */
async function hasModel(context: CommandContext): Promise<boolean> {
  try {
    const status = await ask(context, (client) => client.status(context.signal))
    return (status?.model ?? null) !== null
  } catch (error) {
    if (isAbort(error)) throw error
    return false
  }
}

async function* modelText(context: CommandContext, prompt: string): AsyncGenerator<string> {
  const request = {
    ...samplingRequest({ temp: 0, 'max-tokens': ANSWER_TOKENS_MAX }),
    messages: [{ role: 'user' as const, content: prompt }]
  }
  for await (const event of clientOf(context).generate(request, context.signal))
    if (event.type === 'text') yield event.text
}

/** What the model said, before it was stopped by a fault if it was. */
async function wholeAnswer({ answer, remarks }: Explanation): Promise<string | null> {
  if (answer === null) return null
  let text = ''
  try {
    for await (const part of answer) text += part
  } catch (error) {
    remarks.push(faultOf(error))
  }
  return text === '' ? null : text
}

async function showAnswer({ terminal }: CommandContext, { answer }: Explanation): Promise<boolean> {
  if (answer === null) return false
  let isAnswered = false
  try {
    for await (const part of answer) {
      if (!isAnswered) terminal.line('The model says (it may be wrong, and nothing has been run):')
      isAnswered = true
      terminal.answer(part)
    }
  } catch (error) {
    terminal.note(faultOf(error))
  }
  terminal.endAnswer()
  return isAnswered
}

function faultOf(error: unknown): string {
  if (isAbort(error) || !(error instanceof SwarmError)) throw error
  return `the model could not answer: ${error.message} [${error.code}]`
}
