// Flow C, what --layers means for the peer itself: the range is held whole, whether or not the plan
// uses it, so that it can take over at once when another holder goes. Pure.

import { createCosts } from '../sharding/cost.ts'
import type { LayerRange } from '../model/layer-range.ts'
import type { ModelFacts } from '../sharding/facts.ts'

/**
 * @param memoryKiB what this machine claims for weights and context.
 * @param pin the range given by hand; null: none.
 * @returns the pin where this machine has room for it and its context, else null: then the plan, which
 *   uses as much of a pin as fits, decides.
 */
export function pinnedRange(
  facts: ModelFacts,
  memoryKiB: number,
  pin: LayerRange | null
): LayerRange | null {
  if (pin === null) return null
  return createCosts(facts).fits({ memoryKiB }, pin.start, pin.end) ? pin : null
}
