// `swarm learn --fix COMMAND`: the last failure and what mended it, as an entry of the shared memory.
// Owns what is stored (nothing without redaction) and how far it may go: to the swarm only after
// `swarm hook enable --share TOPIC` for this topic. The store itself is a port. Pure but for that port.

import { SwarmError } from '../base/errors.ts'
import { FIX_COMMAND_CHARS_MAX } from '../base/shell-limits.ts'
import type { LearnRequest, Learnt, Scope } from '../wire/knowledge.ts'
import type { Failure } from './failure.ts'
import { redact } from './redact.ts'
import { normalised } from './rules/command-line.ts'
import { questionOf } from './why-question.ts'

export interface LearnFixPorts {
  learn(request: LearnRequest): Promise<Learnt>
  /** Name of the topic that the running peer has joined; null where none runs. */
  topic: string | null
  /** Topics that the user lets failures go to. */
  shareTopics: readonly string[]
}

export interface LearntFix extends Learnt {
  question: string
  answer: string
  /** Secrets taken out of both. */
  redacted: number
  /** One sentence without its full stop: where it went, and how that is changed. */
  reach: string
}

/** @throws USAGE_BAD_VALUE where the fix is none; what the store throws. */
export async function learnFix(
  failure: Failure,
  fix: string,
  ports: LearnFixPorts
): Promise<LearntFix> {
  const answer = redact(fix.trim())
  if (answer.text === '' || fix.length > FIX_COMMAND_CHARS_MAX || isMultiline(fix.trim())) {
    const bound = `one line of at most ${FIX_COMMAND_CHARS_MAX} characters`
    throw new SwarmError('USAGE_BAD_VALUE', `--fix takes a command, ${bound}`, { param: 'fix' })
  }
  if (normalised(fix) === normalised(failure.command)) {
    const text = 'the fix is the command that failed; give the one that worked'
    throw new SwarmError('USAGE_BAD_VALUE', text, { param: 'fix' })
  }
  const isShared = ports.topic !== null && ports.shareTopics.includes(ports.topic)
  const scope: Scope = isShared ? 'swarm' : 'local'
  const question = questionOf(failure)
  const source = `shell, ${failure.source}`
  const learnt = await ports.learn({ kind: 'fix', question, answer: answer.text, source, scope })
  const redacted = answer.count + redact(failure.command).count + redact(failure.output ?? '').count
  return { ...learnt, question, answer: answer.text, redacted, reach: reachOf(learnt.scope, ports) }
}

function isMultiline(text: string): boolean {
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)
}

function reachOf(scope: Scope, { topic }: LearnFixPorts): string {
  if (scope === 'swarm') return `every member of ${topic} gets it`
  if (topic === null) return 'it stays on this machine: no peer of a topic runs here'
  return `it stays on this machine; swarm hook enable --share ${topic} lets such fixes go to the others`
}
