// `swarm why`: finds the last failed command, explains it and prints what could mend it. Memory, rules and
// the small model that comes with swarm are printed at once; a larger model's text follows as it comes.
// Owns no judgement: that is shell/why.ts.

import type { NodeStatus } from '../../api/service.ts'
import { isAbort, SwarmError } from '../../base/errors.ts'
import { EXPLAIN_ASK_TIMEOUT_MS } from '../../base/shell-limits.ts'
import type { Failure } from '../../shell/failure.ts'
import { explain, type ExplainPorts, type Explanation } from '../../shell/why.ts'
import { thisMachine } from '../../shell/why-machine.ts'
import { clientOf, type CommandContext, type CommandHandler } from '../context.ts'
import { samplingRequest } from '../generate-request.ts'
import { withKnowledge } from '../knowledge-access.ts'
import { lastFailure } from '../last-failure.ts'
import { ask } from '../running-peer.ts'
import { askSentinel } from '../shipped-model.ts'
import { teachLine, whyLines, whyObject } from '../why-view.ts'

/** Tokens of the model's answer: two sentences and a command. */
const ANSWER_TOKENS_MAX = 160

export const why: CommandHandler = async (context) => {
  const { terminal } = context
  const failure = await lastFailure(context, true)
  const explanation = await explained(context, failure)
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

/** With the shared memory of the running peer or of this data directory, or without where it is away. */
async function explained(context: CommandContext, failure: Failure): Promise<Explanation> {
  const { host, clock } = context
  let model: NodeStatus['model'] = null
  const withMemory = (recall: ExplainPorts['ask']): Promise<Explanation> =>
    explain(failure, {
      ask: recall,
      clock,
      machine: thisMachine(host.env, failure.cwd),
      sentinel: (question) => askSentinel(context, question, model?.isSentinel === true),
      generate: (prompt) => (model === null || model.isSentinel ? null : modelText(context, prompt))
    })
  try {
    model = await loadedModel(context)
    return await withKnowledge(context, (memory) => withMemory((request) => memory.query(request)))
  } catch (error) {
    // A stuck peer, or a store that is damaged or in use, is no reason to leave a failure unexplained.
    if (!(error instanceof SwarmError)) throw error
    return await withMemory(() => Promise.reject(error))
  }
}

/** @throws PEER_TIMEOUT for a peer that is there and says nothing: it is not asked for more. */
async function loadedModel(context: CommandContext): Promise<NodeStatus['model']> {
  const client = clientOf(context, EXPLAIN_ASK_TIMEOUT_MS)
  const status = await ask(context, () => client.status(context.signal))
  return status?.model ?? null
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
