// `swarm plan`: who holds which layers, how fast that should be, and why somebody is left out; with
// --what-if of a swarm that is not there, beside the one that is.

import { clientOf, type CommandHandler } from '../context.ts'
import { comparedLine, explainLines, planLines } from '../plan-view.ts'

export const plan: CommandHandler = async (context) => {
  const { terminal, signal, flags } = context
  const client = clientOf(context)
  const now = await client.plan(signal)
  const whatIf = flags['what-if'] ?? []
  const plan = whatIf.length > 0 ? await client.planIf(whatIf, signal) : now
  if (terminal.json) return terminal.object(plan)
  const names = [...(await client.peers(signal)), ...(plan.added ?? [])]
  for (const line of planLines(plan, names, terminal.width)) terminal.line(line)
  for (const line of explainLines(plan, names)) terminal.line(line)
  if (plan !== now) terminal.line(comparedLine(now, plan))
}
