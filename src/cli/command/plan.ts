// `swarm plan`: who holds which layers, how fast that should be, and why somebody is left out.

import { clientOf, type CommandHandler } from '../context.ts'
import { planLines } from '../plan-view.ts'

export const plan: CommandHandler = async (context) => {
  const { terminal, signal } = context
  const client = clientOf(context)
  const plan = await client.plan(signal)
  if (terminal.json) return terminal.object(plan)
  const peers = await client.peers(signal)
  for (const line of planLines(plan, peers, terminal.width)) terminal.line(line)
}
