// Screen 1: who is there with what, who holds which layers, how far away everybody is, what happened. Pure.

import { foreign } from '../foreign.ts'
import { formatTime, nameOf } from '../format.ts'
import { selectedPeer, shownPeers } from '../peer-list.ts'
import { beside, heading, row, span, type Row, type Style } from '../style.ts'
import { layerMap } from './layer-map.ts'
import { peerTable } from './peer-table.ts'
import { topology } from './topology.ts'

import type { TopEvent, TopSnapshot } from '../../wire/top.ts'
import type { Model } from '../model.ts'

/** From here on topology and events lie side by side. */
const WIDE = 120
/** Rows that the lower half keeps, whatever the number of peers. */
const LOWER_ROWS_MIN = 9

export function overviewView(model: Model, width: number, height: number): Row[] {
  const snapshot = model.snapshot as TopSnapshot
  if (model.isLogOpen) return eventLog(snapshot, width, height)
  const peers = shownPeers(model)
  const map = layerMap(snapshot, width)
  const roomForPeers = height - map.length - LOWER_ROWS_MIN - 2
  const title = model.filter === '' ? 'PEERS' : `PEERS with '${foreign(model.filter)}'`
  const upper = [
    heading(`${title}, by ${model.sort}`, width),
    ...peerTable(peers, snapshot, selectedPeer(model), width, Math.max(3, roomForPeers)),
    ...map
  ]
  return [...upper, ...lower(snapshot, width, height - upper.length)]
}

function lower(snapshot: TopSnapshot, width: number, height: number): Row[] {
  if (width >= WIDE) {
    const left = Math.floor(width * 0.4)
    const near = [heading('TOPOLOGY', left - 1), ...topology(snapshot, left - 1, height - 1)]
    return beside(near, eventLog(snapshot, width - left, height), left)
  }
  const near = topology(snapshot, width, Math.max(3, Math.floor(height / 2) - 1))
  const upper = [heading('TOPOLOGY', width), ...near]
  return [...upper, ...eventLog(snapshot, width, height - upper.length)]
}

/** The newest events, the newest last. */
export function eventLog(snapshot: TopSnapshot, width: number, height: number): Row[] {
  const { own, hosted } = snapshot.sessions
  const title = `EVENTS, ${own.length} asked here, ${hosted} computed here`
  const rows = snapshot.events.slice(-Math.max(0, height - 1)).map(eventRow)
  const shown = rows.length > 0 ? rows : [row(' nothing has happened yet', 'faint')]
  return [heading(title, width), ...shown]
}

function eventRow({ wallMs, kind, text }: TopEvent): Row {
  const style: Style =
    kind === 'refused' || kind === 'error' || kind === 'warning' ? 'warning' : 'plain'
  const mark = style === 'warning' ? '!' : ' '
  return [
    span(` ${formatTime(wallMs)} `, 'faint'),
    span(`${mark}${foreign(kind).padEnd(9).slice(0, 9)}`, style),
    span(foreign(text), style)
  ]
}

/** `atlas > boron > cesium`: the stages in their order. */
export function routeText(snapshot: TopSnapshot, route: readonly string[]): string {
  return route.map((peer) => nameOf(snapshot, peer)).join(' > ')
}
