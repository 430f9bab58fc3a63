// `swarm run`: the same generation on this machine alone, without a network or a running peer.

import type { CommandHandler } from '../context.ts'
import { generateRequest } from '../generate-request.ts'
import { showGeneration } from '../generation-view.ts'
import { openHere } from '../shipped-model.ts'

export const run: CommandHandler = async (context) => {
  const { flags, host, positionals, signal, terminal } = context
  const [named] = positionals
  // The shipped model knows nothing but questions in the layout of its template.
  const asked = named === undefined ? { ...flags, chat: true } : flags
  const request = await generateRequest(asked, host.stdin, signal)
  const model = await openHere(context, request, named)
  try {
    const events = model.generate(request, signal)
    await showGeneration(terminal, events, { stream: flags.stream ?? false, summary: true })
  } finally {
    await model.close()
  }
}
