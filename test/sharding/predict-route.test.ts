// What is predicted of a route that a session took: the plan's own formulas, per hop.

import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { PROMPT_TOKENS } from '../../src/sharding/chunks.ts'
import { STAGE_US } from '../../src/sharding/hops.ts'
import { measuredDelaysUs, predictRoute } from '../../src/sharding/predict-route.ts'
import { keyOf, randomView } from '../helpers/views.ts'

import type { View } from '../../src/sharding/facts.ts'

const ALONE = { promptTokens: PROMPT_TOKENS, nSessions: 1 }

function plannedViews(count: number) {
  const random = seededRandom(7)
  const views: { view: View; plan: ReturnType<typeof computePlan> }[] = []
  while (views.length < count) {
    const view = randomView(random)
    const plan = computePlan(view)
    if (plan.predicted !== null && plan.stages.length > 1) views.push({ view, plan })
  }
  return views
}

test('predict route - of a plan it says what the plan says', (t) => {
  for (const { view, plan } of plannedViews(50)) {
    const { predicted } = plan
    const route = predictRoute(view, plan.stages, ALONE)
    if (route?.tokensPerSecond !== predicted?.tokensPerSecond) t.fail(plan.hash)
    if (route?.firstTokenMs !== (predicted?.firstTokenUs ?? 0) / 1000) t.fail(plan.hash)
    const computeUs = route?.perHop.map(({ computeMs }) => Math.round(1000 * computeMs))
    t.alike(computeUs, predicted?.perStageUs)
    const wireUs = route?.perHop.reduce((sum, { wireMs }) => sum + 1000 * wireMs, 0) ?? NaN
    // Each hop is rounded down by itself.
    const missingUs = (predicted?.hopUs ?? NaN) - wireUs
    if (!(missingUs > -0.01 && missingUs < plan.stages.length)) t.fail(`${missingUs} us of wire`)
  }
})

test('predict route - sessions beside it wait for the slowest stage', (t) => {
  for (const { view, plan } of plannedViews(20)) {
    const alone = predictRoute(view, plan.stages, ALONE)
    const busy = predictRoute(view, plan.stages, { ...ALONE, nSessions: 100 })
    const slowestMs = Math.max(...(alone?.perHop.map(({ computeMs }) => computeMs) ?? []))
    const tokenMs = 1000 / (busy?.tokensPerSecond ?? NaN)
    if (Math.abs(tokenMs / (100 * slowestMs) - 1) > 0.001) t.fail(`${tokenMs} ms`)
    if (alone?.perHop.some(({ queueMs }) => queueMs > 0)) t.fail('alone nobody waits')
    const waiting = busy?.perHop.filter(({ queueMs }) => queueMs > 0) ?? []
    t.alike(
      waiting.map(({ computeMs }) => computeMs),
      [slowestMs]
    )
  }
})

test('predict route - a longer prompt takes longer, and a stranger has no speed', (t) => {
  const [{ view, plan }] = plannedViews(1) as [ReturnType<typeof plannedViews>[0]]
  const firstMs = (promptTokens: number) =>
    predictRoute(view, plan.stages, { promptTokens, nSessions: 1 })?.firstTokenMs ?? NaN
  t.ok(firstMs(1) > 0 && firstMs(128) <= firstMs(129) && firstMs(512) < firstMs(5120))
  t.is(predictRoute(view, [{ peer: keyOf('f'), start: 0, end: 1 }], ALONE), null)
})

const stages = [
  { peer: keyOf('a'), start: 0, end: 2 },
  { peer: keyOf('b'), start: 2, end: 4 },
  { peer: keyOf('c'), start: 4, end: 6 }
]
const none = () => null

function linked(...links: [string, string, number][]): View {
  const peers = ['a', 'b', 'c'].map((name) => ({
    key: keyOf(name),
    memoryKiB: 1,
    weightMiBps: 1,
    pin: null,
    links: links
      .filter(([from]) => from === name)
      .map(([, to, delayUs]) => ({ peer: keyOf(to), delayUs: delayUs + STAGE_US, mbps: 940 }))
  }))
  return { model: {} as View['model'], peers }
}

test('measured delays - need every link of the circle, of two measurements the worse counts', (t) => {
  t.is(measuredDelaysUs(linked(['a', 'b', 100], ['b', 'c', 200]), stages, none), null)
  const whole = linked(['a', 'b', 100], ['b', 'a', 150], ['b', 'c', 200], ['a', 'c', 300])
  t.alike(measuredDelaysUs(whole, stages, none), [150, 200, 300])
  t.alike(measuredDelaysUs(linked(), stages.slice(0, 1), none), [1], 'alone nothing is to split')
})

test('measured delays - what this peer measures now comes before what was published', (t) => {
  const view = linked(['a', 'b', 100], ['b', 'c', 200])
  const own = (from: string, to: string) => (from === keyOf('a') || to === keyOf('a') ? 50 : null)
  t.alike(measuredDelaysUs(view, stages, own), [50, 200, 50])
})
