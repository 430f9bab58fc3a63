// `swarm status`: what the peer of this data directory is doing.

import type { NodeStatus } from '../../api/service.ts'
import { clip, formatSize, formatDuration } from '../../base/text.ts'
import { clientOf, type CommandHandler } from '../context.ts'
import { plural } from '../generation-view.ts'
import { formatHeld } from '../words.ts'

export const status: CommandHandler = async (context) => {
  const { terminal, signal } = context
  const status = await clientOf(context).status(signal)
  if (terminal.json) return terminal.object(status)
  for (const [name, text] of statusRows(status)) {
    terminal.line(`${terminal.bold(name.padEnd(8))}${clip(text, 400)}`)
  }
}

/** Pure: the lines of the table, names and texts. */
export function statusRows(status: NodeStatus): [string, string][] {
  const { model, held, standby, onDisk, http, port } = status
  const layers = held.length === 0 ? 'none yet' : formatHeld(held, standby)
  const disk =
    onDisk.length === 0
      ? ''
      : `, ${onDisk.length} of them, whole or in part, from disk for each token`
  return [
    ['peer', `${status.name} (${status.key.slice(0, 8)}), process ${status.pid}`],
    ['key', status.key],
    ['up', `${formatDuration(status.upMs)}, version ${status.version}`],
    ['topic', `${status.topic}: ${status.reach}`],
    ['model', model === null ? 'none' : `${model.name} (${model.id.slice(0, 8)}), ${model.path}`],
    ['layers', model === null ? layers : `${layers} of ${model.nLayers}${disk}`],
    [
      'memory',
      `${formatSize(status.weightBytes)} of weights, ${formatSize(status.kvBytes)} of context`
    ],
    ['peers', `${plural(status.peers, 'peer')}, ${plural(status.sessions, 'session')} here`],
    ['port', port === 0 ? 'none: this machine can only dial' : `${port}, for --peer of others`],
    ['http', http ?? 'on the control socket only'],
    ['data', status.dataDir]
  ]
}
