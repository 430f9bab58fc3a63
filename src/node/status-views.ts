// What this peer knows, in the shapes that its API promises (api/service.ts). Pure: no state, no effects.

import { subtract } from '../model/layer-range.ts'
import { PROMPT_TOKENS } from '../sharding/chunks.ts'

import type { PeerStatus, PlanStatus } from '../api/service.ts'
import type { DirectoryPeer } from '../peer/members/directory.ts'
import type { LinkInfo } from '../peer/network-options.ts'
import type { Readiness } from '../sharding/coverage.ts'
import type { Plan } from '../sharding/plan.ts'
import type { PeerId } from '../wire/ids.ts'

/** @param links to the peers that are linked directly; others are known by gossip. */
export function peerStatus(
  { record, state }: DirectoryPeer,
  self: PeerId,
  links: ReadonlyMap<PeerId, LinkInfo>
): PeerStatus {
  const { key, name, model, held, own, loading, pin, profile } = record
  const { programVersion: version, arithmeticVersion } = record
  const link = links.get(key)
  const isSelf = key === self
  return {
    key,
    name,
    self: isSelf,
    state: isSelf ? 'alive' : state,
    model: model?.name ?? null,
    held,
    standby: subtract(held, own),
    loading: loading && { ...loading.range, percent: loading.percent },
    pin,
    memoryBytes: (profile?.memoryKiB ?? 0) * 1024,
    weightBytesPerSecond: (profile?.weightMiBps ?? 0) * 2 ** 20,
    kernels: profile?.kernels ?? '',
    rttMs: link?.rttMs ?? null,
    lane: isSelf ? 'self' : (link?.lane ?? null),
    host: link?.host ?? null,
    clockSkewMs: link?.clockSkewMs ?? null,
    version,
    arithmeticVersion
  }
}

/** Before the first plan there is nothing to show but that it is not there. */
export function planStatus(plan: Plan | null, ready: Readiness | null): PlanStatus {
  if (plan === null) {
    return {
      stages: [],
      standbys: [],
      streamed: [],
      predicted: null,
      hash: null,
      viewHash: '',
      leftOut: [],
      gap: [],
      reserve: null,
      ready: false
    }
  }
  const { stages, standbys, streamed, predicted, hash, viewHash, leftOut, gap, reserve } = plan
  return {
    stages,
    standbys,
    streamed,
    predicted: predicted && {
      tokensPerSecond: predicted.tokensPerSecond,
      tokenMs: predicted.tokenUs / 1000,
      perStageMs: predicted.perStageUs.map((us) => us / 1000),
      hopMs: predicted.hopUs / 1000,
      firstTokenMs: predicted.firstTokenUs / 1000,
      promptTokens: PROMPT_TOKENS,
      boundMs: predicted.boundUs / 1000,
      pooledTokensPerSecond: predicted.pooledTokensPerSecond
    },
    hash,
    viewHash,
    leftOut,
    gap: gap.map(({ start, end }) => ({ start, end })),
    reserve,
    ready: ready?.state === 'ready'
  }
}
