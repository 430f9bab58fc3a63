// `swarm invite`: one line that lets another machine into a topic, of the running peer or, with a name
// and flags, of a topic that nobody has joined here. Only the line goes to standard output, and below it,
// on a terminal, the same as a QR code.

import type { InviteStatus } from '../../api/service.ts'
import { inviteTo } from '../../peer/gate/invite.ts'
import { openTopic } from '../../peer/topic.ts'
import { clientOf, type CommandContext, type CommandHandler } from '../context.ts'
import { qrLines } from '../qr-code.ts'
import { readSecret } from '../secret.ts'

export const invite: CommandHandler = async (context) => {
  const { positionals, terminal, signal } = context
  const [name] = positionals
  const found =
    name === undefined ? await clientOf(context).invite(signal) : await offline(context, name)
  if (terminal.json) return terminal.object(found)
  terminal.line(found.invite)
  // In capitals, which mean the same, the code is a third smaller.
  const code = terminal.hasColour ? qrLines(found.invite.toUpperCase(), terminal.width) : []
  for (const line of code) terminal.line(line)
  terminal.note(found.reach, 'faint')
  terminal.note('whoever has this line can join with it: swarm join LINE', 'faint')
}

async function offline(context: CommandContext, name: string): Promise<InviteStatus> {
  const { flags } = context
  const bootstrap = flags.bootstrap ?? []
  const topic = openTopic({
    name,
    secret: flags.secret ? await readSecret(context) : null,
    bootstrap: bootstrap.length > 0,
    public: flags.public ?? false,
    lanOnly: flags['lan-only'] ?? false
  })
  return { invite: inviteTo(topic, bootstrap), topic: topic.name, reach: topic.sentence }
}
