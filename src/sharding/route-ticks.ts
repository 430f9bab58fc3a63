// Flow C, the time of one token as that of its stages: together with the hops they are the token, so what is
// predicted adds up like what is measured. Where a disk reads for longer than everything else takes, its
// stage is what waits. Pure; what a stage costs is cost.ts's and stream.ts's.

import type { RouteStage } from '../wire/session.ts'
import type { Costs } from './cost.ts'
import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'

/**
 * @param route the peers of the stages.
 * @returns ticks of each stage.
 */
export function ticksPerStage(
  costs: Costs,
  hops: Hops,
  route: readonly ViewPeer[],
  stages: readonly RouteStage[]
): number[] {
  const of = (measure: Costs['stageTicks']) =>
    stages.map(({ start, end }, index) => measure(route[index] as ViewPeer, start, end))
  const perStage = of(costs.stageTicks)
  const disks = of(costs.diskTicks)
  const restTicks = perStage.reduce((sum, ticks) => sum + ticks, hops.routeTicks(route))
  const busiest = disks.indexOf(Math.max(...disks))
  return perStage.map((ticks, index) =>
    index === busiest ? ticks + Math.max(0, (disks[index] as number) - restTicks) : ticks
  )
}
