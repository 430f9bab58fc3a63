// Flow C, the time of one token as that of its stages: together with the hops they are the token, so what is
// predicted adds up like what is measured. Pure; what computing costs is cost.ts's, what a stage waits for
// its disk disk-waits.ts's.

import { diskWaits } from './disk-waits.ts'

import type { RouteStage } from '../wire/session.ts'
import type { Costs } from './cost.ts'
import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'

/**
 * @param costs those of the route.
 * @param route the peers of the stages.
 * @returns ticks of each stage.
 */
export function ticksPerStage(
  costs: Costs,
  hops: Hops,
  route: readonly ViewPeer[],
  stages: readonly RouteStage[]
): number[] {
  const waits = diskWaits(costs, route, stages, hops.perHop(route))
  return stages.map(({ start, end }, index) => {
    return costs.memoryTicks(route[index] as ViewPeer, start, end) + (waits[index] as number)
  })
}

/**
 * Nearly the same by stages that are looked at one by one, as the search does. Where a disk reads for longer
 * than everything else takes, its stage is what waits.
 */
export function estimatedPerStage(
  costs: Costs,
  hops: Hops,
  route: readonly ViewPeer[],
  stages: readonly RouteStage[]
): number[] {
  const perStage = stages.map(({ start, end }, index) =>
    costs.stages(route[index] as ViewPeer).of(start, end)
  )
  const disks = stages.map(({ start, end }, index) =>
    costs.diskTicks(route[index] as ViewPeer, start, end)
  )
  const restTicks = perStage.reduce((sum, ticks) => sum + ticks, hops.routeTicks(route))
  const busiest = disks.indexOf(Math.max(...disks))
  return perStage.map((ticks, index) =>
    index === busiest ? ticks + Math.max(0, (disks[index] as number) - restTicks) : ticks
  )
}
