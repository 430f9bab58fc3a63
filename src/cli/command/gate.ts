// `swarm allow` and `swarm revoke`: who may link to this machine, by key. Asks the running peer, which
// acts at once; when none runs, edits the same file itself, holding the lock that a peer would hold.

import { join } from 'node:path'

import type { GateEdit, GateStatus } from '../../api/service.ts'
import { SwarmError } from '../../base/errors.ts'
import { lockFile } from '../../base/file-lock.ts'
import { Gate } from '../../peer/gate/gate.ts'
import { clientOf, dataDirOf, type CommandContext, type CommandHandler } from '../context.ts'
import { makeDataDir } from '../paths.ts'

export const allow: CommandHandler = async (context) => {
  const [key] = context.positionals
  if (context.flags.everyone && key !== undefined) {
    const text = 'a key and --everyone contradict each other; give one of them'
    throw new SwarmError('USAGE_BAD_VALUE', text, { param: '--everyone' })
  }
  if (context.flags.everyone) return show(context, await apply(context, 'open', []))
  show(context, await apply(context, 'allow', keysOf(key)))
}

export const revoke: CommandHandler = async (context) => {
  const [key] = context.positionals
  if (context.flags.undo && key === undefined) {
    const text = 'swarm revoke --undo needs <key>; swarm revoke lists the revoked ones'
    throw new SwarmError('USAGE_MISSING', text, { param: 'key' })
  }
  show(context, await apply(context, context.flags.undo ? 'restore' : 'revoke', keysOf(key)))
}

function keysOf(text: string | undefined): string[] {
  return text === undefined ? [] : [text.toLowerCase()]
}

/** Without a key there is nothing to do but to look. */
async function apply(
  context: CommandContext,
  action: GateEdit['action'],
  keys: string[]
): Promise<GateStatus> {
  const client = clientOf(context)
  const isLook = action !== 'open' && keys.length === 0
  try {
    if (isLook) return await client.gate(context.signal)
    return await client.editGate({ action, keys }, context.signal)
  } catch (error) {
    if (!(error instanceof SwarmError) || error.code !== 'PEER_NOT_RUNNING') throw error
  }
  const dataDir = dataDirOf(context)
  makeDataDir(dataDir)
  const lock = lockFile(join(dataDir, 'lock'), `the data directory ${dataDir}`)
  try {
    const gate = new Gate(dataDir)
    if (!isLook) gate.edit({ action, keys })
    return gate.status
  } finally {
    lock.release()
  }
}

function show({ terminal }: CommandContext, status: GateStatus): void {
  if (terminal.json) return terminal.object(status)
  const { onlyAllowed, allowed, revoked } = status
  for (const key of allowed) terminal.line(`allow   ${key}`)
  for (const key of revoked) terminal.line(`revoked ${key}`)
  const who = onlyAllowed ? 'only the keys on the list' : 'every member of the topic'
  terminal.note(`${who} may link to this machine, and no revoked key`, 'faint')
}
