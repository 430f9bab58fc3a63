// The figures behind the dashboard: what is counted with a clock that is moved by hand, what is computed
// from a plan, and that nothing is shown that nobody knows.

import test from 'brittle'

import { residentBytes } from '../../src/node/room.ts'
import { activeBytes, readBytes } from '../../src/node/top-figures.ts'
import { TopMeter, type TopMeterComponents } from '../../src/node/top-meter.ts'
import { Rate } from '../../src/node/top-rate.ts'
import { topSnapshot, type TopInputs } from '../../src/node/top-snapshot.ts'
import { VocTable, vocOf } from '../../src/node/top-voc.ts'
import { LayerReads } from '../../src/pipeline/layer-reads.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { predictRoute } from '../../src/sharding/predict-route.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { resultOf, ScriptedService } from '../helpers/scripted-service.ts'
import { keyOf } from '../helpers/views.ts'

import type { ModelFacts, View } from '../../src/sharding/facts.ts'
import type { GenerateEvent } from '../../src/wire/generation.ts'
import type { SessionReport } from '../../src/wire/session-report.ts'

const MIB = 2 ** 20

/** Six layers of 100 MiB, a head of 50 and a table of 30. */
const facts: ModelFacts = {
  id: 'ab'.repeat(32),
  nLayers: 6,
  dim: 1024,
  layerKiB: Array.from({ length: 6 }, () => 100 * 1024),
  activeKiB: Array.from({ length: 6 }, () => 100 * 1024),
  embeddingKiB: 30 * 1024,
  headKiB: 50 * 1024,
  tied: false,
  kvBytesPerToken: 1024,
  contextTokens: 1024
}

const [a, b] = [keyOf('a'), keyOf('b')]
const peer = (key: typeof a, memoryMib: number) => {
  return { key, memoryKiB: memoryMib * 1024, weightMiBps: 10_240, pin: null }
}
/** Neither of the two has room for the whole model. */
const view: View = { model: facts, peers: [peer(a, 400), peer(b, 400)] }
const plan = computePlan(view)
const none = () => null

test('top figures - a range reads its layers, and with the last one the head', (t) => {
  t.is(activeBytes(facts, { start: 0, end: 2 }), 200 * MIB)
  t.is(activeBytes(facts, { start: 4, end: 6 }), 250 * MIB)
  t.is(residentBytes({ ...facts, contextTokens: 0 }, [{ start: 0, end: 6 }]), 680 * MIB)
  t.is(residentBytes({ ...facts, tied: true, contextTokens: 0 }, [{ start: 0, end: 6 }]), 650 * MIB)
})

test('top figures - reads are counted per layer, whatever the ranges', (t) => {
  const reads = new LayerReads(6)
  for (let step = 0; step < 3; step++) reads.count({ start: 0, end: 4 })
  reads.count({ start: 2, end: 6 })
  t.alike(reads.perLayer(), [3, 3, 4, 4, 1, 1])
  const inRanges =
    3 * activeBytes(facts, { start: 0, end: 4 }) + activeBytes(facts, { start: 2, end: 6 })
  t.is(readBytes(facts, reads.perLayer()), inRanges)
  t.is(readBytes(facts, []), 0)
})

test('top rate - is what happened in the last seconds, and forgets', (t) => {
  const rate = new Rate()
  t.is(rate.perSecond(10_000), 0)
  for (let ms = 10_000; ms < 14_000; ms += 50) rate.add(ms, 1)
  t.is(rate.perSecond(14_000), 20)
  t.alike(rate.history(14_000), [20, 20, 20, 20])
  t.is(rate.perSecond(15_500), 20 / 2.5, 'one whole second of three, and a silent half')
  t.alike(rate.history(16_000), [20, 20, 20, 20, 0, 0])
  t.is(rate.perSecond(20_000), 0)
  t.ok(
    rate.history(10_000_000).every((count) => count === 0),
    'nothing comes back after hours'
  )
})

async function followed(meter: TopMeter, events: GenerateEvent[], onEvent = () => {}) {
  async function* source() {
    yield* events
  }
  for await (const _ of meter.follow(source())) onEvent()
}

const session = 'ab'.repeat(16)

const route = (promptTokens = 4): GenerateEvent => {
  return { type: 'route', session, stages: plan.stages, promptTokens, cachedTokens: 0, seed: 1 }
}

function finished(nTokens: number, decodeMs: number): GenerateEvent {
  const ids = Array.from({ length: nTokens }, (_, index) => index)
  const sampling = { temperature: 0 } as never
  const request = { prompt: 'four', sampling, stop: [], kvType: 'f16' } as const
  const result = resultOf({ ...request, stop: [] }, 'text', ids, 1)
  const perHop = plan.stages.map((stage) => ({ ...stage, computeMs: 90, queueMs: 9, wireMs: 18 }))
  const tokensPerSecond = ((nTokens - 1) * 1000) / decodeMs
  const timing = { prefillMs: 5, decodeMs, tokensPerSecond, perHop, losses: [] }
  return { type: 'done', result: { ...result, stages: plan.stages, timing } }
}

function meterOf(clock = new FakeClock(), changes: Partial<TopMeterComponents> = {}) {
  return new TopMeter({
    clock,
    predict: (stages, use) => predictRoute(view, stages, use),
    delays: none,
    weightBytes: (range) => activeBytes(facts, range),
    modelName: () => 'six layers',
    nameOf: (peer) => `peer ${peer.slice(0, 1)}`,
    onReport: () => {},
    ...changes
  })
}

test('top meter - an answer that runs is seen to run', async (t) => {
  const clock = new FakeClock()
  const meter = meterOf(clock)
  const seen: unknown[] = []
  const text: GenerateEvent = { type: 'text', text: 'ab', ids: [1, 2] }
  await followed(meter, [route(), text, text], () => {
    clock.advance(1000)
    seen.push(
      meter.sessions.map(({ nTokens, promptTokens, runMs }) => [nTokens, promptTokens, runMs])
    )
  })
  t.alike(seen, [[[0, 4, 1000]], [[2, 4, 2000]], [[4, 4, 3000]]])
  t.alike(meter.sessions, [], 'and to be over')
  t.is(meter.tokensPerSecond, 2)
  t.alike(meter.history, [0, 2, 2])
})

test('top meter - the last answer is told per token, with its prediction beside', async (t) => {
  const meter = meterOf()
  await followed(meter, [route(), finished(10, 234)])
  const { generation } = meter
  t.is(generation?.nTokens, 10)
  t.is(generation?.predictedTokensPerSecond, plan.predicted?.tokensPerSecond)
  t.alike(
    generation?.hops.map(({ computeMs, queueMs, wireMs }) => [computeMs, queueMs, wireMs]),
    [
      [10, 1, 2],
      [10, 1, 2]
    ]
  )
  t.is(generation?.hops[0]?.predicted?.computeMs, (plan.predicted?.perStageUs[0] ?? 0) / 1000)
  t.is(meter.measured(plan.stages), generation?.tokensPerSecond)
  const [stage] = plan.stages
  t.is(stage && meter.hop(stage)?.computeMs, 10)
  t.is(stage && meter.hop({ ...stage, end: stage.end - 1 }), null, 'other layers were not measured')
})

test('top meter - every answer becomes a report, its prediction a part of the result', async (t) => {
  const reports: SessionReport[] = []
  const meter = meterOf(undefined, { onReport: (report) => reports.push(report) })
  const told: GenerateEvent[] = []
  async function* source() {
    yield* [route(300), finished(10, 234)]
  }
  for await (const event of meter.follow(source())) told.push(event)
  const [report] = reports
  const predicted = predictRoute(view, plan.stages, { promptTokens: 300, nSessions: 1 })
  t.alike([report?.session, report?.model, report?.nTokens], [session, 'six layers', 10])
  t.alike(
    report?.hops.map(({ name, predicted }) => [name, predicted]),
    predicted?.perHop.map((hop, index) => [`peer ${'ab'[index]}`, hop])
  )
  t.is(report?.predictedFirstTokenMs, predicted?.firstTokenMs)
  const done = told.at(-1)
  t.alike(done?.type === 'done' && done.result.timing.predicted, predicted)
  t.is(report, meter.generation)
})

test('top meter - the wire is split by the links where their delays are known', async (t) => {
  const reports: SessionReport[] = []
  const onReport = (report: SessionReport) => reports.push(report)
  await followed(meterOf(undefined, { onReport }), [route(), finished(10, 234)])
  await followed(meterOf(undefined, { onReport, delays: () => [3, 1] }), [
    route(),
    finished(10, 234)
  ])
  const wire = (report?: SessionReport) => report?.hops.map(({ wireMs }) => wireMs)
  t.alike([reports[0]?.wireSplit, wire(reports[0])], ['even', [2, 2]])
  t.alike([reports[1]?.wireSplit, wire(reports[1])], ['links', [3, 1]])
})

test('top meter - an answer of one token is reported without parts', async (t) => {
  const reports: SessionReport[] = []
  const meter = meterOf(undefined, { onReport: (report) => reports.push(report) })
  await followed(meter, [route(), finished(1, 0)])
  t.alike([reports[0]?.nTokens, reports[0]?.prefillMs, reports[0]?.hops], [1, 5, []])
})

test('top meter - what was given up before it had a route is no answer', async (t) => {
  const reports: SessionReport[] = []
  const meter = meterOf(undefined, { onReport: (report) => reports.push(report) })
  await followed(meter, [finished(0, 0)])
  t.alike(reports, [])
})

test('top meter - an answer of a few tokens is shown, but measures no route', async (t) => {
  const meter = meterOf()
  await followed(meter, [route(), finished(4, 100)])
  t.is(meter.generation?.nTokens, 4)
  t.is(meter.measured(plan.stages), null)
  await followed(meter, [route(), finished(1, 0)])
  t.is(meter.generation?.nTokens, 4, 'one token has no time between tokens')
})

test('top meter - a reader that leaves ends what runs', async (t) => {
  const meter = meterOf()
  async function* endless(): AsyncGenerator<GenerateEvent> {
    yield route()
    for (;;) yield { type: 'text', text: 'a', ids: [1] }
  }
  for await (const { type } of meter.follow(endless())) if (type === 'text') break
  t.alike(meter.sessions, [])
})

test('top meter - a counter becomes a rate over about a second', (t) => {
  const clock = new FakeClock()
  const meter = meterOf(clock)
  t.is(meter.bytesPerSecond(500), 0, 'nothing is known at first')
  for (let bytes = 500; bytes <= 4500; bytes += 250) {
    clock.advance(250)
    meter.bytesPerSecond(bytes + 250)
  }
  clock.advance(250)
  t.is(meter.bytesPerSecond(5000), 1000)
  clock.advance(60_000)
  t.is(meter.bytesPerSecond(5000), 0)
})

test('top voc - without a peer that is needed nothing is left, and it says that it is an estimate', (t) => {
  const clock = new FakeClock()
  const table = new VocTable(clock)
  t.is(table.of(view, plan, none).size, 1, 'one plan at a time')
  t.is(table.of(view, plan, none).size, 1)
  clock.advance(1000)
  const both = table.of(view, plan, none)
  t.alike(
    [...both.values()],
    [
      { value: 1, isEstimate: true },
      { value: 1, isEstimate: true }
    ]
  )
})

test('top voc - is the share of the speed that goes with a peer', (t) => {
  const roomy: View = {
    model: facts,
    peers: [peer(a, 8000), { ...peer(b, 8000), weightMiBps: 20_480 }]
  }
  const best = computePlan(roomy)
  const table = new VocTable(new FakeClock())
  const figures = table.of(roomy, best, none)
  t.alike(
    best.stages.map(({ peer }) => peer),
    [b],
    'the faster one serves alone'
  )
  t.alike(figures.get(a), { value: 0, isEstimate: true }, 'the slower one is worth nothing')
  const slower = computePlan({ model: facts, peers: [peer(a, 8000)] })
  const [withIt, without] = [best, slower].map((one) => one.predicted?.tokensPerSecond ?? 0) as [
    number,
    number
  ]
  t.is(figures.get(b)?.value, (withIt - without) / withIt)
  t.ok(Math.abs((figures.get(b)?.value ?? 0) - 0.5) < 0.01)
})

test('top voc - is measured once both routes were', (t) => {
  const roomy: View = {
    model: facts,
    peers: [peer(a, 8000), { ...peer(b, 8000), weightMiBps: 20_480 }]
  }
  const best = computePlan(roomy)
  const without = computePlan({ model: facts, peers: [peer(a, 8000)] })
  const one = (stages: unknown) => (stages === best.stages ? 20 : null)
  t.is(vocOf(best, without, one).isEstimate, true)
  const both = (stages: unknown) => (stages === best.stages ? 20 : 15)
  t.alike(vocOf(best, without, both), { value: 0.25, isEstimate: false })
  const gap = { ...without, stages: [], predicted: null }
  t.alike(vocOf(best, gap, one), { value: 1, isEstimate: false })
})

function inputs(changes: Partial<TopInputs> = {}): TopInputs {
  const service = new ScriptedService()
  const [self, other] = service.peers()
  return {
    wallMs: 5,
    status: service.status(),
    peers: [
      { ...self, key: a, held: [{ start: 0, end: 3 }] },
      { ...other, key: b, held: [{ start: 3, end: 6 }] }
    ] as TopInputs['peers'],
    plan,
    isReady: true,
    model: { facts, contextTokens: 2048, canChat: true },
    counted: meterOf(),
    ownThrptBytesPerSecond: 0,
    hostedSessions: 0,
    voc: new Map(),
    events: [],
    ...changes
  }
}

test('top snapshot - before the first answer what can be predicted is marked, the rest is null', (t) => {
  const { peers, now, generation, plan: shown } = topSnapshot(inputs())
  t.ok(peers.every(({ stageTokensPerSecond }) => stageTokensPerSecond?.isEstimate))
  t.ok(peers.every(({ thrptBytesPerSecond }) => thrptBytesPerSecond?.isEstimate))
  t.alike(
    peers.map(({ voc }) => voc),
    [null, null]
  )
  t.is(generation, null)
  t.is(now.tokensPerSecond, 0)
  const estimates = peers.map(({ thrptBytesPerSecond }) => thrptBytesPerSecond?.value ?? 0)
  const total = (shown?.tokensPerSecond ?? 0) * 650 * MIB
  t.ok(Math.abs((estimates[0] ?? 0) + (estimates[1] ?? 0) - total) < 1, 'shares add up')
})

test('top snapshot - after an answer its figures are measured ones', async (t) => {
  const counted = meterOf()
  await followed(counted, [route(), finished(10, 90)])
  const { peers, generation } = topSnapshot(inputs({ counted }))
  t.alike(peers[0]?.stageTokensPerSecond, { value: 100, isEstimate: false })
  t.alike(peers[0]?.thrptBytesPerSecond, {
    value: 100 * activeBytes(facts, plan.stages[0] as { start: number; end: number }),
    isEstimate: false
  })
  t.is(generation?.tokensPerSecond, 100)
})

test('top snapshot - a machine that computes for others shows what it does', (t) => {
  const { peers, now } = topSnapshot(inputs({ ownThrptBytesPerSecond: 7e9 }))
  t.alike(peers[0]?.thrptBytesPerSecond, { value: 7e9, isEstimate: false })
  t.is(peers[1]?.thrptBytesPerSecond?.isEstimate, true)
  t.is(now.ownThrptBytesPerSecond, 7e9)
})

test('top snapshot - without a model nothing is computed of one', (t) => {
  const { model, plan, peers } = topSnapshot(inputs({ model: null, plan: null }))
  t.alike([model, plan], [null, null])
  for (const { heldBytes, stageTokensPerSecond, thrptBytesPerSecond } of peers) {
    t.alike([heldBytes, stageTokensPerSecond, thrptBytesPerSecond], [null, null, null])
  }
})

test('top snapshot - a range that is not of this model has no size', (t) => {
  const [one, two] = inputs().peers
  const peers = [one, { ...two, held: [{ start: 3, end: 900 }] }] as TopInputs['peers']
  t.is(topSnapshot(inputs({ peers })).peers[1]?.heldBytes, null)
})
