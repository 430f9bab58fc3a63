// `swarm plan`: who holds which layers, how fast that should be, and why somebody is left out; with
// --what-if of a swarm that is not there, beside the one that is. Of machines that nobody stands by for it
// asks what would run without them, since layers may be dealt anew or read from disk then.

import { SwarmError } from '../../base/errors.ts'
import { clientOf, type CommandHandler } from '../context.ts'
import { comparedLine, explainLines, planLines, withoutStandby } from '../plan-view.ts'

import type { ApiClient } from '../../api/client.ts'
import type { PlanStatus } from '../../api/service.ts'

/** Plans without one machine that are asked for: each keeps the peer from its other work as it is made. */
const LOSSES_MAX = 8

export const plan: CommandHandler = async (context) => {
  const { terminal, signal, flags } = context
  const client = clientOf(context)
  const now = await client.plan(signal)
  const whatIf = flags['what-if'] ?? []
  const plan = whatIf.length > 0 ? await client.planIf(whatIf, signal) : now
  if (terminal.json) return terminal.object(plan)
  const names = [...(await client.peers(signal)), ...(plan.added ?? [])]
  for (const line of planLines(plan, names, terminal.width)) terminal.line(line)
  const losses = new Map<string, PlanStatus>()
  for (const peer of withoutStandby(plan).slice(0, LOSSES_MAX)) {
    const then = await lossOf(client, [...whatIf, `-${peer}`], signal)
    if (then !== null) losses.set(peer, then)
  }
  for (const line of explainLines(plan, names, losses)) terminal.line(line)
  if (plan !== now) terminal.line(comparedLine(now, plan))
}

/** @returns null when that machine has gone meanwhile. */
async function lossOf(
  client: ApiClient,
  whatIf: readonly string[],
  signal: AbortSignal
): Promise<PlanStatus | null> {
  try {
    return await client.planIf(whatIf, signal)
  } catch (error) {
    if (error instanceof SwarmError && error.code === 'USAGE_BAD_VALUE') return null
    throw error
  }
}
