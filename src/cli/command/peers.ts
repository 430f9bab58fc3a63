// `swarm peers`: who is in the topic, with what, and how far away.

import type { PeerStatus } from '../../api/service.ts'
import { formatSize } from '../../base/text.ts'
import { clientOf, type CommandHandler } from '../context.ts'
import { renderTable, type Column } from '../table.ts'
import { formatHeld, formatLayers, formatRate } from '../words.ts'

/** From here on a line has room for all columns. */
const WIDTH_OF_ALL = 100

const COLUMNS: Column[] = [
  { title: 'peer' },
  { title: 'key' },
  { title: 'state' },
  { title: 'layers', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'speed', align: 'right' },
  { title: 'link' },
  { title: 'rtt', align: 'right' },
  { title: 'kernels' },
  { title: 'model' }
]
const NARROW_COLUMNS = COLUMNS.slice(0, -2)

export const peers: CommandHandler = async (context) => {
  const { terminal, signal } = context
  const list = await clientOf(context).peers(signal)
  if (terminal.json) return terminal.object({ peers: list })
  const columns = terminal.width < WIDTH_OF_ALL ? NARROW_COLUMNS : COLUMNS
  const [head, ...rows] = renderTable(columns, list.map(peerRow), terminal.width)
  terminal.line(terminal.bold(head ?? ''))
  for (const row of rows) terminal.line(row)
}

/** Pure: one row, foreign text not yet cut. */
export function peerRow(peer: PeerStatus): string[] {
  const { loading, held, standby, pin } = peer
  const layers =
    loading === null ? formatHeld(held, standby) : `${formatLayers(loading)} ${loading.percent} %`
  return [
    peer.self ? `${peer.name} (this)` : peer.name,
    peer.key.slice(0, 8),
    peer.state,
    pin === null ? layers : `${layers} pinned`,
    formatSize(peer.memoryBytes),
    formatRate(peer.weightBytesPerSecond),
    peer.lane ?? '-',
    peer.rttMs === null ? '-' : `${peer.rttMs.toFixed(1)} ms`,
    peer.kernels,
    peer.model ?? '-'
  ]
}
