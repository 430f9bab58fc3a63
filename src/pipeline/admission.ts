// Flow A, serving side: whether this stage takes a session, and if not, why, in words for whoever
// asked. Pure; the stage host frees and reserves.

import { SwarmError } from '../base/errors.ts'
import { SESSIONS_MAX } from '../base/limits.ts'
import { formatSize } from '../base/text.ts'
import { describeArithmetic, sessionArithmetic } from '../compute/arithmetic.ts'
import { containsAll, formatRange, formatRanges, type LayerRange } from '../model/layer-range.ts'

import { describeStage } from './route.ts'

import type { PeerId } from '../wire/ids.ts'
import type { OpenMessage, RouteStage } from '../wire/session.ts'

/** What this peer is and has when somebody asks. */
export interface Standing {
  self: PeerId
  modelId: string
  arithmeticVersion: number
  nLayers: number
  /** Layers that a new session may use now. */
  admitted: readonly LayerRange[]
  nSessions: number
  /** Bytes that keys and values of all sessions may take together, and take now. */
  kvBudgetBytes: number
  kvUsedBytes: number
}

/** The part of the route that `open` asks of its receiver. */
export function ownStage(open: OpenMessage): RouteStage {
  return open.route[open.index] as RouteStage // The codec checked the index.
}

/** Whether the session and this stage belong together at all. @throws why they do not. */
export function checkFit(open: OpenMessage, standing: Standing): void {
  const { self, admitted } = standing
  const stage = ownStage(open)
  if (stage.peer !== self) {
    throw new SwarmError('PEER_REFUSED', `stage ${open.index} of the route is not this peer`)
  }
  const arithmetic = sessionArithmetic(standing.arithmeticVersion, open.kvType)
  if (open.arithmeticVersion !== arithmetic) {
    const [ours, theirs] = [arithmetic, open.arithmeticVersion].map(describeArithmetic)
    const versions = `${ours} here, ${theirs} there`
    throw new SwarmError('WIRE_VERSION', `arithmetic differs (${versions}): upgrade the older`)
  }
  if (open.modelId !== standing.modelId) {
    throw new SwarmError('STAGE_NOT_LOADED', 'this peer serves another model file')
  }
  if (open.route.at(-1)?.end !== standing.nLayers) {
    throw new SwarmError('PEER_REFUSED', `the route does not end at layer ${standing.nLayers - 1}`)
  }
  if (!containsAll(admitted, [stage])) {
    const held = formatRanges(admitted)
    const text = `layers ${formatRange(stage)} are not served here now, but ${held}: ask again`
    throw new SwarmError('STAGE_NOT_LOADED', text)
  }
}

/**
 * Whether there is room for one more session; null when there is.
 * @param needBytes what its cache would take.
 */
export function shortageOf(
  open: OpenMessage,
  standing: Standing,
  needBytes: number
): SwarmError | null {
  if (standing.nSessions >= SESSIONS_MAX) {
    const text = `all ${SESSIONS_MAX} sessions of this peer are in use: ask again when one has ended`
    return new SwarmError('STAGE_FULL', text)
  }
  const freeBytes = Math.max(0, standing.kvBudgetBytes - standing.kvUsedBytes)
  if (needBytes > freeBytes) {
    const sizes = `needs ${formatSize(needBytes)}, ${formatSize(freeBytes)} are free`
    const wouldFit = needBytes <= standing.kvBudgetBytes
    const hint = wouldFit ? 'ask again when another session has ended, or' : 'ask'
    const text = `a context of ${open.contextTokens} tokens ${sizes}: ${hint} for a shorter one`
    return new SwarmError('STAGE_FULL', text)
  }
  return null
}

/**
 * Whether this stage has links to those it gives to and takes from. Both, because one of two peers learns
 * first that their link is gone, and what the other still sends is lost.
 * @param reaches whether there is a link to a peer now.
 * @throws PEER_NO_LINK
 */
export function checkLinked(
  { route, index }: OpenMessage,
  reaches: (peer: PeerId) => boolean
): void {
  const next = (route[index + 1] ?? route[0]) as RouteStage
  const previous = route.at(index - 1) as RouteStage
  const missing = [next, previous].find(({ peer }) => !reaches(peer))
  if (missing === undefined) return
  const hint = 'wait a moment, or see what keeps these two machines apart'
  const text = `no link to ${describeStage(missing)} yet: ${hint}`
  throw new SwarmError('PEER_NO_LINK', text, { peer: missing.peer })
}
