// `swarm forget`: takes an entry out of the shared memory, or another machine's out of sight.

import type { CommandHandler } from '../context.ts'
import { withKnowledge } from '../knowledge-access.ts'

export const forget: CommandHandler = async (context) => {
  const { positionals, terminal } = context
  const [id] = positionals as [string]
  const forgotten = await withKnowledge(context, (knowledge) => knowledge.forget(id))
  if (terminal.json) return terminal.object(forgotten)
  terminal.line(
    forgotten.isOwn
      ? `${forgotten.id} is forgotten, here and by every peer as it hears of it`
      : `${forgotten.id} is another peer's; it is hidden on this machine`
  )
}
