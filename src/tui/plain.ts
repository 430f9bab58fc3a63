// The dashboard's facts as plain lines, for `swarm top` and terminals that cannot draw. Pure: the same
// views on a page as long as it needs to be.

import { initialModel } from './model.ts'
import { shownPeers } from './peer-list.ts'
import { textOf } from './style.ts'
import { titleText } from './view/frame.ts'
import { layerMap } from './view/layer-map.ts'
import { eventLog } from './view/overview-view.ts'
import { peerTable } from './view/peer-table.ts'
import { pipelineView } from './view/pipeline-view.ts'
import { topology } from './view/topology.ts'

import type { TopSnapshot } from '../wire/top.ts'

/** Events at the end; the rest is in the log of whoever runs the peer. */
const EVENTS_MAX = 8
const WIDTH_MIN = 80

export function topLines(snapshot: TopSnapshot, terminalWidth: number): string[] {
  const width = Math.max(WIDTH_MIN, terminalWidth)
  const height = 20 + snapshot.peers.length + (snapshot.plan?.stages.length ?? 0)
  const model = { ...initialModel({ width, height }, false), snapshot }
  const peers = shownPeers(model)
  // Nothing is chosen on paper.
  const table = peerTable(peers, snapshot, null, width, peers.length + 1)
  const rows = [
    ...table,
    ...layerMap(snapshot, width),
    ...topology(snapshot, width, peers.length + 2),
    ...pipelineView(model, width, height),
    ...eventLog(snapshot, width, EVENTS_MAX + 1)
  ]
  return [titleText(snapshot), ...rows.map((one) => textOf(one).trimEnd())]
}
