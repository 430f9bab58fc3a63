// `swarm learn`: a text, or the passages of a file, into the shared memory; with --fix what mends the last
// failed command.

import { SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import type { Learnt } from '../../wire/knowledge.ts'
import type { CommandHandler } from '../context.ts'
import { plural } from '../generation-view.ts'
import { withKnowledge, type KnowledgeAccess } from '../knowledge-access.ts'
import { readLearnSource } from '../learn-source.ts'
import { learnTheFix } from '../learn-the-fix.ts'
import { passagesOf } from '../passages.ts'

/** Passages on their way at once: the store writes together what arrives together. */
const AT_ONCE = 32
/** Entries that are named one by one; of more the number is enough. */
const LINES_MAX = 20

export const learn: CommandHandler = async (context) => {
  const { flags, host, positionals, signal, terminal } = context
  if (flags.fix !== undefined) {
    if (positionals.length === 0) return learnTheFix(context, flags.fix)
    const text = '--fix teaches a command that mends the last failure; it takes no text beside it'
    throw new SwarmError('USAGE_BAD_VALUE', text, { param: '--fix' })
  }
  if (positionals[0] === undefined) {
    throw new SwarmError(
      'USAGE_MISSING',
      'swarm learn takes a text, a file, or - for standard input'
    )
  }
  const { text, source } = await readLearnSource(positionals[0], host.stdin, signal)
  const passages = passagesOf(text)
  if (passages.length === 0) {
    throw new SwarmError('USAGE_MISSING', 'there is nothing to learn: the text is empty')
  }
  const scope = flags.local ? ('local' as const) : ('swarm' as const)
  const entries = await withKnowledge(context, (knowledge) =>
    learnAll(knowledge, passages, { source, scope }, (done) => {
      signal.throwIfAborted()
      if (passages.length > AT_ONCE) terminal.progress.update('learning', done, passages.length)
    })
  )
  if (terminal.json) return terminal.object({ entries })
  for (const [at, entry] of entries.slice(0, LINES_MAX).entries()) {
    const words = clip((passages[at] as string).replace(/\s+/g, ' '), terminal.width - 12)
    terminal.line(`${entry.id.slice(0, 8)}  ${entry.isKnown ? `(known) ${words}` : words}`)
  }
  terminal.note(summaryOf(entries, scope), 'faint')
}

async function learnAll(
  knowledge: KnowledgeAccess,
  passages: readonly string[],
  common: { source: string; scope: 'swarm' | 'local' },
  onProgress: (done: number) => void
): Promise<Learnt[]> {
  const entries: Learnt[] = []
  for (let at = 0; at < passages.length; at += AT_ONCE) {
    onProgress(at)
    const batch = passages.slice(at, at + AT_ONCE)
    entries.push(
      ...(await Promise.all(batch.map((answer) => knowledge.learn({ answer, ...common }))))
    )
  }
  return entries
}

/** Pure. Says where the entries went, also when that is not where they were meant to go. */
export function summaryOf(entries: readonly Learnt[], wanted: 'swarm' | 'local'): string {
  const known = entries.filter(({ isKnown }) => isKnown).length
  const count = plural(entries.length, 'passage')
  const what = known === 0 ? `learnt ${count}` : `learnt ${count}, ${known} of them known already`
  if (entries.every(({ scope }) => scope === 'swarm')) return `${what}; shared with the topic`
  if (wanted === 'local') return `${what}; on this machine only`
  return `${what}; on this machine only, because it has not joined a topic yet`
}
