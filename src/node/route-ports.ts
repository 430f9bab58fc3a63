// Flow B, where a question gets its ways: the route by the newest plan, and another one for an answer that
// lost a stage, both from what peers within reach say they hold. Joins pipeline/ and sharding/; decides
// nothing itself.

import { ARITHMETIC_VERSION } from '../compute/arithmetic.ts'
import { repairRoute } from '../pipeline/repair-route.ts'
import { chooseRoute, type Route } from '../pipeline/route.ts'
import { heldSpans } from '../sharding/coverage.ts'
import { peerText } from './sentences.ts'

import type { Span } from '../sharding/cover.ts'
import type { Repair } from '../pipeline/session-types.ts'
import type { Plan } from '../sharding/plan.ts'
import type { ModelFacts } from '../sharding/facts.ts'
import type { PeerId } from '../wire/ids.ts'
import type { PeerRecord } from '../wire/record.ts'
import type { PlanWatch } from './plan-watch.ts'

export interface RoutePorts {
  findRoute: () => Route
  repair: Repair
  /** What peers within reach hold now; a peer may have several. */
  spans: () => readonly Span[]
  nameOf: (peer: PeerId) => string
}

/**
 * @param reachable records of the peers that a session could use now, this one included.
 * @param nameOf foreign text.
 */
export function routePorts(
  facts: ModelFacts,
  watch: PlanWatch,
  reachable: () => PeerRecord[],
  nameOf: (peer: PeerId) => string
): RoutePorts {
  const spans = () => heldSpans(facts, ARITHMETIC_VERSION, reachable())
  return {
    spans,
    findRoute: () => chooseRoute(facts, ARITHMETIC_VERSION, watch.plan as Plan, reachable()),
    repair: (route, avoided) => repairRoute(route, spans(), watch.plan?.standbys ?? [], avoided),
    nameOf: (peer) => peerText(peer, nameOf(peer))
  }
}
