// Flow C, what a plan believes of what peers publish: a claimed rate up to what others saw of it, a link
// as the worse of its two ends, room for the longest context and the most sessions that anybody declared.
// Each is a function of the set of records and of no order among them. Pure. docs/planning.md says which
// lies this leaves room for.

import { RATE_MIBPS_MIN } from '../base/limits.ts'
import { STAGE_US } from './hops.ts'
import { compareText, floorDiv } from './integer.ts'

import type { PeerId } from '../wire/ids.ts'
import type { PeerRecord, Profile } from '../wire/record.ts'
import type { ModelFacts, Reserve, ViewLink } from './facts.ts'

/** A record with a profile that can be planned with. */
export type Measured = PeerRecord & { profile: Profile }

/**
 * Of what others saw, in percent, a claim is believed: a stage also computes attention, and claims are
 * measured on a machine at rest. Less would cut honest claims, more would cut fewer wrong ones.
 */
const SEEN_PERCENT = 150
/** Of the claimed int8 rate as large a part is believed as of the weight rate, in parts of this. */
const PART = 2 ** 20

/** What is believed of the rates that each peer claims. */
export function believedRates(
  records: readonly Measured[]
): Map<PeerId, Pick<Profile, 'weightMiBps' | 'int8Mops'>> {
  const seen = new Map<PeerId, number[]>()
  for (const { key, profile } of records) {
    for (const { peer, seenMiBps } of profile.neighbours) {
      if (peer === key || seenMiBps === 0) continue
      seen.set(peer, [...(seen.get(peer) ?? []), seenMiBps])
    }
  }
  const rates = records.map(({ key, profile: { weightMiBps, int8Mops } }) => {
    const others = seen.get(key)
    if (others === undefined) return [key, { weightMiBps, int8Mops }] as const
    const most = Math.max(RATE_MIBPS_MIN, floorDiv(upperMedian(others) * SEEN_PERCENT, 100))
    if (weightMiBps <= most) return [key, { weightMiBps, int8Mops }] as const
    const part = floorDiv(most * PART, weightMiBps)
    return [key, { weightMiBps: most, int8Mops: floorDiv(int8Mops * part, PART) }] as const
  })
  return new Map(rates)
}

/** Of two the larger: one false witness beside an honest one changes nothing. */
function upperMedian(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number
}

/** Every measured pair once, at its lower key, so that only the worse end's news is news of a plan. */
export function linksBetween(records: readonly Measured[]): Map<PeerId, ViewLink[]> {
  const known = new Set(records.map(({ key }) => key))
  const pairs = new Map<string, ViewLink & { from: PeerId }>()
  for (const { key, profile } of records) {
    for (const { peer, delayUs, mbps } of profile.neighbours) {
      if (peer === key || delayUs === 0 || !known.has(peer)) continue
      const [from, to] = key < peer ? [key, peer] : [peer, key]
      const before = pairs.get(from + to)
      const rates = [before?.mbps ?? 0, mbps].filter((rate) => rate > 0)
      pairs.set(from + to, {
        from,
        peer: to,
        delayUs: Math.max(before?.delayUs ?? 0, delayUs + STAGE_US),
        ...(rates.length === 0 ? {} : { mbps: Math.min(...rates) })
      })
    }
  }
  const links = new Map<PeerId, ViewLink[]>()
  const sorted = [...pairs.entries()].toSorted(([a], [b]) => compareText(a, b))
  for (const [, { from, ...link }] of sorted) links.set(from, [...(links.get(from) ?? []), link])
  return links
}

/**
 * The longest context and the most sessions that anybody declared; where nobody did, those of the model's
 * facts.
 */
export function declaredReserve(model: ModelFacts, records: readonly Measured[]): Reserve {
  const most = (values: number[], usual: number) => {
    const declared = Math.max(0, ...values)
    return declared === 0 ? usual : declared
  }
  const { contextTokens, contextTokensMax = contextTokens, sessions = 1 } = model
  const tokens = records.map(({ profile }) => Math.min(profile.contextTokens, contextTokensMax))
  return {
    contextTokens: most(tokens, contextTokens),
    sessions: most(
      records.map(({ profile }) => profile.sessions),
      sessions
    )
  }
}
