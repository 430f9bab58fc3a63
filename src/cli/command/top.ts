// `swarm top`: what the dashboard shows, as plain lines or one object, for pipes and scripts.

import { sleep } from '../../base/clock.ts'
import { topLines } from '../../tui/plain.ts'
import { clientOf, type CommandHandler } from '../context.ts'

export const top: CommandHandler = async (context) => {
  const { flags, terminal, clock, signal } = context
  const client = clientOf(context)
  for (;;) {
    const snapshot = await client.top(signal)
    if (terminal.json) terminal.object(snapshot)
    else for (const line of topLines(snapshot, terminal.width)) terminal.line(line)
    if (flags.watch === undefined) return
    await sleep(clock, flags.watch * 1000, signal)
    if (!terminal.json) terminal.line()
  }
}
