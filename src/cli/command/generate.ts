// `swarm generate`: one prompt to the running peer, its text back.

import { clientOf, type CommandHandler } from '../context.ts'
import { generateRequest } from '../generate-request.ts'
import { showGeneration } from '../generation-view.ts'

export const generate: CommandHandler = async (context) => {
  const { flags, host, signal, terminal } = context
  const client = clientOf(context)
  const request = await generateRequest(flags, host.stdin, signal)
  const events = client.generate(request, signal)
  await showGeneration(terminal, events, { stream: flags.stream ?? false, summary: true })
}
