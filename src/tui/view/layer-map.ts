// The layers as a line of letters, one letter per peer of the plan: `0 [aaaaaa|bbbb|cc] 31`. A layer whose
// peer does not hold it yet is a dot, so that loading is seen to advance; standbys and gaps are named. Pure.

import { formatLayers, formatLayersOf, holds, nameOf } from '../format.ts'
import { heading, row, span, type Row } from '../style.ts'

import type { TopSnapshot, TopStage } from '../../wire/top.ts'

export function layerMap(snapshot: TopSnapshot, width: number): Row[] {
  const { plan, model } = snapshot
  if (model === null) return [heading('LAYERS', width), row(' this peer has no model file')]
  if (plan === null) return [heading('LAYERS', width), row(' there is no plan yet')]
  if (plan.stages.length === 0) {
    const missing = plan.gap.map(formatLayers).join(', ')
    return [heading('LAYERS', width), row(` nobody has room for layers ${missing}`, 'bad')]
  }
  const state = plan.ready ? 'ready' : 'loading'
  return [
    heading(`LAYERS, ${state}`, width),
    [span(` 0 [${mapText(snapshot, width - 16)}] ${model.nLayers - 1}`)],
    row(` ${legend(snapshot)}`, 'faint')
  ]
}

function mapText({ plan, peers, model }: TopSnapshot, cellsMax: number): string {
  const stages = plan?.stages ?? []
  const nLayers = model?.nLayers ?? 1
  const cells = Math.min(cellsMax - stages.length, nLayers * Math.max(1, Math.floor(60 / nLayers)))
  const scale = Math.max(cells, stages.length) / nLayers
  return stages
    .map((stage, index) => {
      const peer = peers.find(({ key }) => key === stage.peer)
      const count = Math.max(1, Math.round(stage.end * scale) - Math.round(stage.start * scale))
      return Array.from({ length: count }, (_, cell) => {
        const layer = stage.start + Math.floor((cell * (stage.end - stage.start)) / count)
        const isHeld = peer !== undefined && holds(peer, { start: layer, end: layer + 1 })
        return isHeld ? letterOf(stages, index) : '.'
      }).join('')
    })
    .join('|')
}

/** `missing: none   standby: delta 24-31   a atlas 0-11   b boron 12-23` */
function legend(snapshot: TopSnapshot): string {
  const { plan, peers } = snapshot
  const stages = plan?.stages ?? []
  const names = stages.map(
    (stage, index) =>
      `${letterOf(stages, index)} ${nameOf(snapshot, stage.peer)} ${formatLayers(stage)}`
  )
  const standbys = peers
    .filter(({ standby, state }) => standby.length > 0 && state === 'alive')
    .map((peer) => `${nameOf(snapshot, peer.key)} ${formatLayersOf(peer.standby)}`)
  const missing = stages.filter((stage) => !isHeld(snapshot, stage)).map(formatLayers)
  return [
    `missing: ${missing.join(', ') || 'none'}`,
    `standby: ${standbys.join(', ') || 'none'}`,
    ...names
  ].join('   ')
}

function isHeld({ peers }: TopSnapshot, { start, end }: TopStage): boolean {
  return peers.some((peer) => peer.state === 'alive' && holds(peer, { start, end }))
}

/** Of each peer its own, a to z in the order in which a token meets them, then round again. */
function letterOf(stages: readonly TopStage[], index: number): string {
  const peers = [...new Set(stages.map(({ peer }) => peer))]
  return String.fromCodePoint(97 + (peers.indexOf(stages[index]?.peer ?? '') % 26))
}
