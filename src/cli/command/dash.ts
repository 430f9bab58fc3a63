// `swarm dash`: the dashboard of a running peer, in this process. Finds out whether there is a peer and a
// terminal before it takes the terminal over.

import { SwarmError } from '../../base/errors.ts'
import { clientOf, type CommandHandler } from '../context.ts'
import { samplingRequest } from '../generate-request.ts'

export const dash: CommandHandler = async (context) => {
  const { flags, host, terminal, clock, signal } = context
  if (!terminal.canDraw || host.stdin.isTTY !== true || terminal.json) {
    const text = 'the dashboard needs a terminal that can draw; swarm top prints the same facts'
    throw new SwarmError('USAGE_UNSUPPORTED', text)
  }
  const peer = clientOf(context)
  await peer.status(signal)
  // Loads the terminal library: nothing else of this program does.
  const { runDashboard } = await import('../../tui/dashboard.ts')
  const isOwner = flags.owner ?? false
  const hasColour = terminal.hasColour
  const request = samplingRequest(flags)
  return await runDashboard({ peer, clock, request, isOwner, hasColour }, signal)
}
