// `swarm learn --fix COMMAND`: joins the last failure, the hook's consent, the topic of the running peer and
// the shared memory, and says what was stored and who gets it. What is stored is shell/learn-fix.ts's.

import { clip } from '../base/text.ts'
import { readHookConfig } from '../shell/hook-config.ts'
import { learnFix } from '../shell/learn-fix.ts'
import { dataDirOf, type CommandContext } from './context.ts'
import { withKnowledge } from './knowledge-access.ts'
import { lastFailure } from './last-failure.ts'
import { ask } from './running-peer.ts'

/** @throws USAGE_MISSING without a failure, USAGE_BAD_VALUE, STORE_* */
export async function learnTheFix(context: CommandContext, fix: string): Promise<void> {
  const { flags, signal, terminal } = context
  const failure = await lastFailure(context, false)
  const { enabled, shareTopics } = readHookConfig(dataDirOf(context))
  const status = await ask(context, (client) => client.status(signal))
  const mayShare = enabled && flags.local !== true
  const learnt = await withKnowledge(context, (knowledge) =>
    learnFix(failure, fix, {
      learn: (request) => knowledge.learn(request),
      topic: status?.topic ?? null,
      shareTopics: mayShare ? shareTopics : []
    })
  )
  if (terminal.json) return terminal.object(learnt)
  const { id, question, answer, redacted, reach, isKnown } = learnt
  terminal.line(
    `${id.slice(0, 8)}  ${isKnown ? '(known) ' : ''}${clip(question, 60)} => ${clip(answer, 200)}`
  )
  const taken = redacted === 0 ? '' : `; secrets taken out: ${redacted}`
  terminal.note(`learnt the fix${taken}; ${reach}`, 'faint')
}
