// What happens, in words: one line per event, for the terminal of whoever runs the peer. Pure. Foreign
// text is made fit for a line here.

import { groupBy } from '../base/group-by.ts'
import { clip, formatRate, formatSize } from '../base/text.ts'
import { layersOf } from '../model/layer-part.ts'
import { containsAll, formatRange, formatRanges, subtract, union } from '../model/layer-range.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import type { GateStatus } from '../wire/gate.ts'
import type { Hello } from '../wire/hello.ts'
import type { PeerRecord } from '../wire/record.ts'
import type { Holding } from './layer-keeper.ts'
import type { Plan } from '../sharding/plan.ts'
import type { Machine } from '../sharding/probe.ts'

export const noModelText =
  'this peer has no model file: it is seen by the others but holds no layers; give it one with --model FILE'

/** After the line that names it. */
export const sentinelText =
  'this is the small model that comes with swarm: it explains failed commands, and gives way where the ' +
  'topic serves another; name yours with --model FILE'

/** @param host address or name of this machine, as others may know it. */
export function portText(host: string, port: number): string {
  const at = host.includes(':') ? `[${host}]` : host
  return `links and lanes at TCP port ${port}; another machine dials it with --peer ${at}:${port}`
}

export function linkUpText(peer: PeerId, { name, model, programVersion }: Hello): string {
  // Whoever has just started may still be reading its model file.
  const has = model === null ? '' : `, with ${clip(model.name, 60)}`
  return `${peerText(peer, name)} is here${has}, version ${clip(programVersion, 20)}`
}

/** `atlas (1a2b3c4d)`: machines may have the same name. */
export function peerText(peer: PeerId, name: string): string {
  return `${clip(name, 40)} (${shortId(peer)})`
}

export function linkDownText(peer: PeerId, name: string, left: boolean): string {
  return `${peerText(peer, name)} ${left ? 'left' : 'is gone'}`
}

export function laneText(peer: PeerId, kind: 'tcp' | 'udx' | null): string {
  if (kind === null) return `no way for activations to ${shortId(peer)} at the moment`
  const slow = kind === 'udx' ? ', slower than TCP, which could not be reached' : ''
  return `activations to ${shortId(peer)} go over ${kind}${slow}`
}

/** What the gate lets in, for whoever edits it or starts a peer behind it. */
export function gateText({ onlyAllowed, allowed, revoked }: GateStatus): string {
  const keys = (count: number): string => `${count} ${count === 1 ? 'key' : 'keys'}`
  const who = onlyAllowed
    ? `only the ${keys(allowed.length)} on the allow-list may link`
    : 'every member of the topic may link'
  return `${who}${revoked.length > 0 ? `; ${keys(revoked.length)} revoked` : ''}`
}

/** @param tookMs to measure it; null: known from an earlier start. */
export function profileText(machine: Machine, tookMs: number | null): string {
  const { kernels, weightMiBps, memoryKiB, diskMiBps, cores } = machine
  const gbps = (mibps: number) => ((mibps * 2 ** 20) / 1e9).toFixed(1)
  const disk = diskMiBps === 0 ? '' : `, ${gbps(diskMiBps)} GB/s from disk`
  const memory = formatSize(memoryKiB * 1024)
  const how = tookMs === null ? 'as measured before' : `measured in ${(tookMs / 1000).toFixed(1)} s`
  return (
    `this machine: ${cores} cores, ${kernels}, ${gbps(weightMiBps)} GB/s of weights${disk}, ` +
    `up to ${memory}; ${how}`
  )
}

/** @param nameOf the name of a peer in the plan. */
export function planText(plan: Plan, nameOf: (peer: PeerId) => string): string {
  if (plan.stages.length === 0) {
    return `no plan: nobody has room for layers ${plan.gap.map(formatRange).join(', ')}`
  }
  const stages = [...groupBy(plan.stages, ({ peer }) => peer)].map(
    ([peer, own]) => `${clip(nameOf(peer), 40)} ${own.map(formatRange).join(' + ')}`
  )
  const speed = plan.predicted ? formatRate(plan.predicted.tokensPerSecond) : '?'
  return `layers: ${stages.join(', ')}; predicted ${speed} tokens/s`
}

/**
 * What a load that has ended brought: the peer's own stages, or layers that stand by. Null: nothing.
 * @param onDisk parts of them (model/layer-part.ts) that are read from disk for each token.
 */
export function holdingNews(
  before: Pick<PeerRecord, 'held' | 'loading'>,
  now: Pick<Holding, 'held' | 'own' | 'loading'>,
  onDisk: readonly number[]
): { kind: 'layers' | 'standby'; text: string } | null {
  if (before.loading === null || now.loading !== null) return null
  const { own } = now
  if (own.length > 0 && containsAll(now.held, own) && !containsAll(before.held, own)) {
    const nOnDisk = layersOf(onDisk).length
    const disk =
      nOnDisk === 0
        ? ''
        : `; ${nOnDisk} of them, whole or in part, are read from disk for each token`
    return { kind: 'layers', text: `layers ${formatRanges(own)} are ready${disk}` }
  }
  const come = subtract(now.held, union(before.held, own))
  if (come.length === 0) return null
  return { kind: 'standby', text: `layers ${formatRanges(come)} stand by here` }
}
