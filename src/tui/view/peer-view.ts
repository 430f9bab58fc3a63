// One peer, whole: what the table of the overview has no room for. Pure.

import { foreign, foreignRows } from '../foreign.ts'
import * as format from '../format.ts'
import { selectedPeer } from '../peer-list.ts'
import { heading, row, span, type Row } from '../style.ts'

import type { Model } from '../model.ts'

export function peerView(model: Model, width: number): Row[] {
  const peer = selectedPeer(model)
  if (peer === null) return [row(' the peer is gone', 'faint')]
  const loading = peer.loading && `${format.formatLayers(peer.loading)}, ${peer.loading.percent} %`
  const facts: [string, string][] = [
    ['name', `${format.peerName(peer)}${peer.isSelf ? ' (this peer)' : ''}`],
    ['key', foreign(peer.key)],
    ['state', format.stateOf(peer)],
    ['holds', format.formatLayersOf(peer.held)],
    ['standby', format.formatLayersOf(peer.standby)],
    ['loads', loading ?? format.UNKNOWN],
    [
      'plan',
      peer.leftOut === null ? format.formatLayersOf(peer.planned) : `left out: ${peer.leftOut}`
    ],
    ['memory', format.formatMemory(peer.heldBytes, peer.memoryBytes)],
    ['kernels', peer.kernels ?? format.UNKNOWN],
    ['lane', peer.lane ?? format.UNKNOWN],
    ['rtt', peer.rttMs === null ? format.UNKNOWN : `${format.formatMs(peer.rttMs)} ms`],
    ['tok/s', format.formatFigure(peer.stageTokensPerSecond, format.formatCount)],
    [
      'THRPT',
      `${format.formatFigure(peer.thrptBytesPerSecond, format.formatGbps)} GB/s of weights`
    ],
    ['VoC', format.formatFigure(peer.voc, format.formatVoc)]
  ]
  return [
    heading('PEER', width),
    ...facts.flatMap(([name, text]) =>
      foreignRows(text, width - 12).map((line, index) => [
        span(` ${(index === 0 ? name : '').padEnd(10)}`, 'faint'),
        span(line)
      ])
    ),
    row(''),
    row(' tok/s: what its stage would reach with no other stage and no wire', 'faint'),
    row(' VoC: the share of the speed that the plan would lose without it', 'faint'),
    row(' any key goes back', 'faint')
  ]
}
