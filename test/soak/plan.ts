// `npm run soak -- plan --count N`: N views of at most 8 peers and N / 100 of 16, each planned twice from
// records in another order; the bytes must be the same.

import { planManyTimes } from '../helpers/plan-runs.ts'

export function soakPlan(seed: number, count: number): Promise<boolean> {
  let isGood = true
  for (const [nPeersMax, views] of [
    [8, count],
    [16, Math.ceil(count / 100)]
  ] as const) {
    const { wrong, different } = planManyTimes(seed, views, nPeersMax)
    console.log(
      `seed ${seed}: ${views} views of at most ${nPeersMax} peers, ${different} different plans, ` +
        `${wrong.length} mismatches ${wrong.slice(0, 5).join()}`
    )
    isGood &&= wrong.length === 0
  }
  return Promise.resolve(isGood)
}
