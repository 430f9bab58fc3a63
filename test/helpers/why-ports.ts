// Ports of explain() that a test drives: a memory of learnt fixes, a machine, a model that says its prompt.

import type { Clock } from '../../src/base/clock.ts'
import type { ExplainPorts } from '../../src/shell/why.ts'
import { questionOf } from '../../src/shell/why-question.ts'
import type { Failure } from '../../src/shell/failure.ts'
import { toPeerId } from '../../src/wire/ids.ts'
import type { Hit } from '../../src/wire/knowledge.ts'

export const AUTHOR = toPeerId('ab'.repeat(32))

export function failureOf(command: string, output: string | null = null, status = 1): Failure {
  return { command, status, cwd: '/work', durationMs: 12, wallMs: 0, output, source: 'spool' }
}

export function fixHit(command: string, output: string | null, answer: string, wallMs = 5): Hit {
  const question = questionOf({ command, output, status: 1 })
  const id = Buffer.from(`${question}${answer}`).toString('hex').padEnd(32, '0').slice(-32)
  const entry = { id, kind: 'fix' as const, question, answer, source: 'shell, tmux', wallMs }
  return {
    ...entry,
    author: AUTHOR,
    authorName: 'atlas',
    scope: 'swarm',
    score: 1,
    similarity: null
  }
}

export function textHit(answer: string): Hit {
  return { ...fixHit('x', null, answer), kind: 'text', question: '' }
}

/** `prompts` collects what the larger model was asked; `said` is the small one's answer. */
export function ports(
  clock: Clock,
  hits: Hit[] = [],
  prompts: string[] | null = null,
  said: string | null = null
): ExplainPorts {
  return {
    clock,
    machine: { commands: new Set(['git', 'ls', 'sudo', 'mkdir', 'docker']), entries: () => [] },
    ask: ({ kind, limit }) =>
      Promise.resolve(
        hits.filter((hit) => kind === undefined || hit.kind === kind).slice(0, limit)
      ),
    sentinel: () => Promise.resolve(said),
    generate(prompt) {
      if (prompts === null) return null
      prompts.push(prompt)
      return (async function* () {
        yield 'because '
        yield 'of this'
      })()
    }
  }
}
