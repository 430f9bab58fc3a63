// The table of peers. Pure: columns are as wide as their figures, the name takes what is left, and what a
// wide terminal adds is at the right.

import { foreign } from '../foreign.ts'
import * as format from '../format.ts'
import { fit, row, span, type Row, type Style } from '../style.ts'

import type { TopPeer, TopSnapshot } from '../../wire/top.ts'

interface Column {
  title: string
  width: number
  align: 'left' | 'right'
  text: (peer: TopPeer) => string
}

const COLUMNS: readonly Column[] = [
  {
    title: 'layers',
    width: 7,
    align: 'right',
    text: ({ held, planned }) =>
      format.formatLayersShort(planned.length > 0 ? planned : held.slice(0, 1))
  },
  {
    title: 'memory',
    width: 11,
    align: 'right',
    text: ({ heldBytes, memoryBytes }) => format.formatMemory(heldBytes, memoryBytes)
  },
  {
    title: 'tok/s',
    width: 10,
    align: 'right',
    text: (peer) => format.formatFigure(peer.stageTokensPerSecond, format.formatCount)
  },
  {
    title: 'THRPT',
    width: 10,
    align: 'right',
    text: (peer) => format.formatFigure(peer.thrptBytesPerSecond, format.formatGbps)
  },
  {
    title: 'VoC',
    width: 9,
    align: 'right',
    text: (peer) => format.formatFigure(peer.voc, format.formatVoc)
  },
  {
    title: 'rtt ms',
    width: 7,
    align: 'right',
    text: ({ rttMs }) => (rttMs === null ? '-' : format.formatMs(rttMs))
  },
  { title: 'state', width: 8, align: 'left', text: format.stateOf }
]

/** For terminals with room. */
const MORE_COLUMNS: readonly Column[] = [
  { title: 'key', width: 8, align: 'left', text: ({ key }) => foreign(key.slice(0, 8)) },
  { title: 'lane', width: 4, align: 'left', text: ({ lane }) => lane ?? '-' },
  { title: 'kernels', width: 10, align: 'left', text: ({ kernels }) => foreign(kernels ?? '-') }
]
const MORE_WIDTH = 110
const NAME_MAX = 24

/**
 * @param snapshot all peers: names are told apart among them.
 * @param chosen the peer that is marked; null marks none.
 * @param height rows at most, the titles included; more peers are counted in the last row.
 */
export function peerTable(
  peers: readonly TopPeer[],
  snapshot: TopSnapshot,
  chosen: TopPeer | null,
  width: number,
  height: number
): Row[] {
  const columns = width >= MORE_WIDTH ? [...COLUMNS, ...MORE_COLUMNS] : COLUMNS
  const taken = columns.reduce((sum, column) => sum + column.width + 1, 2)
  const nameWidth = Math.min(NAME_MAX, width - taken)
  const head = columns.map((column) => ` ${fit(column.title, column.width, column.align)}`)
  const titles = row(`  ${fit('peer', nameWidth)}${head.join('')}`, 'faint')
  if (peers.length === 0) return [titles, row('  no peer matches', 'faint')]
  const room = height - 1
  const first = firstShown(peers, chosen, peers.length > room ? room - 1 : room)
  const shown = peers.slice(first, first + (peers.length > room ? room - 1 : room))
  const rows = shown.map((peer) =>
    peerRow(peer, format.nameOf(snapshot, peer.key), peer === chosen, columns, nameWidth)
  )
  const hidden = peers.length - shown.length
  return [titles, ...rows, ...(hidden > 0 ? [row(`  ... and ${hidden} more`, 'faint')] : [])]
}

function peerRow(
  peer: TopPeer,
  name: string,
  isChosen: boolean,
  columns: readonly Column[],
  nameWidth: number
): Row {
  const marked = `${name}${peer.isSelf ? '*' : ''}`
  const style = isChosen ? 'selected' : 'plain'
  return [
    span(`${isChosen ? '>' : ' '} ${fit(marked, nameWidth)}`, style),
    ...columns.map((column) => {
      const text = ` ${fit(column.text(peer), column.width, column.align)}`
      return span(text, !isChosen && column.title === 'state' ? styleOf(peer) : style)
    })
  ]
}

function styleOf(peer: TopPeer): Style {
  const state = format.stateOf(peer)
  if (state === 'ok') return 'good'
  return state === 'dead' || state === 'no link' ? 'bad' : 'warning'
}

/** The chosen peer is always in sight. */
function firstShown(peers: readonly TopPeer[], chosen: TopPeer | null, room: number): number {
  const at = chosen === null ? 0 : peers.indexOf(chosen)
  return Math.max(0, Math.min(at - room + 1, peers.length - room))
}
