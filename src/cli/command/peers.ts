// `swarm peers`: who is in the topic, with what, and how far away.

import type { PeerStatus } from '../../api/service.ts'
import { formatSize } from '../../base/text.ts'
import { clientOf, type CommandHandler } from '../context.ts'
import { renderTable, type Column } from '../table.ts'
import { formatLayers, formatRate } from '../words.ts'

const COLUMNS: Column[] = [
  { title: 'peer' },
  { title: 'key' },
  { title: 'state' },
  { title: 'layers', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'speed', align: 'right' },
  { title: 'kernels' },
  { title: 'link' },
  { title: 'rtt', align: 'right' },
  { title: 'model' }
]

export const peers: CommandHandler = async (context) => {
  const { terminal, signal } = context
  const list = await clientOf(context).peers(signal)
  if (terminal.json) return terminal.object({ peers: list })
  const [head, ...rows] = renderTable(COLUMNS, list.map(peerRow), terminal.width)
  terminal.line(terminal.bold(head ?? ''))
  for (const row of rows) terminal.line(row)
}

/** Pure: one row, foreign text not yet cut. */
export function peerRow(peer: PeerStatus): string[] {
  const { loading, held, pin } = peer
  const layers =
    loading === null ? formatLayers(held) : `${formatLayers(loading)} ${loading.percent} %`
  return [
    peer.self ? `${peer.name} (this)` : peer.name,
    peer.key.slice(0, 8),
    peer.state,
    pin === null ? layers : `${layers} pinned`,
    formatSize(peer.memoryBytes),
    formatRate(peer.weightBytesPerSecond),
    peer.kernels,
    peer.lane ?? '-',
    peer.rttMs === null ? '-' : `${peer.rttMs.toFixed(1)} ms`,
    peer.model ?? '-'
  ]
}
