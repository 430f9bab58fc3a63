// Flow C, the parts of a peer that compute: a stage on the measured machine, its host and the keeper of its
// layers. Owns how they are made for one model and what they may take of memory; what they are to hold is
// told to the keeper afterwards, by plans or, for layers that were given by hand, here.

import { join } from 'node:path'

import { systemClock } from '../base/clock.ts'
import { loadKernels } from '../compute/addon.ts'
import { ARITHMETIC_VERSION } from '../compute/arithmetic.ts'
import { KvStore } from '../compute/kv-store.ts'
import { NativeStage } from '../compute/native-stage.ts'
import { StageHost } from '../pipeline/stage-host.ts'
import { claimNowKiB, loadableBytes, type Machine } from '../sharding/probe.ts'
import { arrange } from './arrangement.ts'
import { LayerKeeper, type Holding } from './layer-keeper.ts'
import { threadsOf } from './measure-machine.ts'
import { modelFacts } from './model-facts.ts'
import { pinnedRange } from './pinned-range.ts'
import { roomTexts } from './room.ts'

import type { Model } from '../model/open-model.ts'
import type { PeerNetwork } from '../peer/network.ts'
import type { Profile } from '../wire/record.ts'
import type { NodeParts } from './node-parts.ts'
import type { OwnProfile } from './own-profile.ts'

/**
 * @param parts with network and profile; serving is set here.
 * @param onHolding what is held, or how far loading is, has changed.
 * @returns the machine's profile, to be published.
 */
export function beginServing(
  parts: NodeParts,
  model: Model,
  machine: Machine,
  onHolding: (holding: Holding) => void
): Profile {
  const { layers, memoryBytes, contextTokens, log, dataDir } = parts.options
  const own = parts.profile as OwnProfile
  const facts = modelFacts(model)
  const stage = new NativeStage(model, threadsOf(parts.options))
  const host = new StageHost({
    stage,
    hops: (parts.network as PeerNetwork).hops,
    clock: systemClock,
    log: log.child('stage'),
    modelId: model.id,
    arithmeticVersion: ARITHMETIC_VERSION,
    store: new KvStore(join(dataDir, 'saved'), systemClock),
    get memoryBytes() {
      return own.claimBytes
    }
  })
  const claimedBytes = machine.memoryKiB * 1024
  const wished = { ...facts, contextTokens: contextTokens ?? facts.contextTokens }
  for (const text of roomTexts(wished, claimedBytes, memoryBytes, loadableBytes(), layers)) {
    parts.hub.emit('memory', text)
  }
  const keeper = new LayerKeeper({
    stage,
    host,
    clock: systemClock,
    arrange: (ranges, mayStream) => {
      // With what plans reserve, so that the layers on disk are those that they count with.
      const reserving = { ...facts, ...parts.watch?.plan?.reserve }
      const room = { freeBytes: loadableBytes(), claimedBytes: own.claimBytes }
      return arrange(reserving, stage, ranges, room, mayStream)
    },
    isServed: () => parts.watch?.readiness()?.state === 'ready',
    onChange: onHolding,
    onError: (error) => parts.hub.emit('error', `loading failed: ${error.message}`)
  })
  const pinned = pinnedRange(wished, machine.memoryKiB, layers)
  parts.serving = { stage, host, keeper, pinned }
  parts.pipeline?.serve(host)
  const profile = own.begin(machine, () => {
    // What is kept for nothing would count as taken, and grow with every session and log that came and went.
    loadKernels().addon.giveBackFreed()
    return keeper.holding.loading === null
      ? claimNowKiB(memoryBytes, stage.weightBytes + stage.kvBytes)
      : null
  })
  if (pinned !== null) keeper.aim({ own: [pinned], onDisk: 0, standbys: [], isSettled: true })
  return profile
}
