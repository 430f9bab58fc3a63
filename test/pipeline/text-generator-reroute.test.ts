import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { PROMPT_IDS, request, run, setUp, type Bench } from '../helpers/generator-bench.ts'
import { routeOf, type SimPeer } from '../helpers/sim-swarm.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'

import type { Route } from '../../src/pipeline/route.ts'
import type { PeerId } from '../../src/wire/ids.ts'

/** The bench's route with its last stage on a new peer, and that peer. */
async function spareFor({ swarm, route }: Bench): Promise<{ spare: SimPeer; other: Route }> {
  const spare = await swarm.addPeer({ start: 6, end: 12 })
  const [head] = route.stages
  return { spare, other: routeOf([head!, { peer: spare.id, start: 6, end: 12 }]) }
}

/** Finds these routes one after the other, the last one for ever; counts how often it was asked. */
function finding(bench: Bench, routes: Route[]): () => number {
  let count = 0
  bench.bench.findRoute = () => routes[Math.min(count++, routes.length - 1)] as Route
  return () => count
}

const codeOf = (error: unknown) => error instanceof SwarmError && error.code

test('generate - a peer that went before the route was open is replaced at once', async (t) => {
  const bench = await setUp()
  const { other } = await spareFor(bench)
  const asked = finding(bench, [bench.route, other])
  bench.swarm.network.crash(bench.route.stages[1]!.peer)
  const { events, result } = await run(bench, request())
  const expected = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), 20)
  t.alike(result.ids, expected.ids)
  t.alike(result.stages, other.stages)
  t.is(events.filter(({ type }) => type === 'route').length, 1, 'the dead one was never shown')
  t.is(asked(), 2)
  await bench.swarm.clock.pass(10)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - a loss that the origin has not noticed yet is waited for', async (t) => {
  const bench = await setUp()
  const { other } = await spareFor(bench)
  const asked = finding(bench, [bench.route, bench.route, other])
  bench.swarm.network.crash(bench.route.stages[1]!.peer)
  const { events, result } = await run(bench, request())
  const [first] = events
  t.ok(first?.type === 'queued' && first.reason.endsWith(' is gone'), JSON.stringify(first))
  t.alike(result.stages, other.stages)
  t.is(asked(), 3)
})

test('generate - without another route the loss is the error after a while', async (t) => {
  const bench = await setUp()
  bench.swarm.network.crash(bench.route.stages[1]!.peer)
  const startMs = bench.swarm.clock.now()
  const { error } = await run(bench, request())
  t.is(codeOf(error), 'PEER_GONE')
  const tookMs = bench.swarm.clock.now() - startMs
  t.ok(tookMs >= 8000 && tookMs < 9000, `${tookMs} ms`)
})

test('generate - a gap after the loss does not hide the loss', async (t) => {
  const bench = await setUp()
  const asked = finding(bench, [bench.route])
  const first = bench.bench.findRoute
  bench.bench.findRoute = () => {
    if (asked() > 0) throw new SwarmError('PLAN_GAP', 'layers 6-11 are missing')
    return first()
  }
  bench.swarm.network.crash(bench.route.stages[1]!.peer)
  t.is(codeOf((await run(bench, request())).error), 'PEER_GONE')
})

test('generate - a route is not changed once it is open', async (t) => {
  const bench = await setUp()
  const { other } = await spareFor(bench)
  const asked = finding(bench, [bench.route, other])
  const { error } = await run(bench, request({ maxTokens: 100 }), (event) => {
    if (event.type === 'route') bench.swarm.network.crash(bench.route.stages[1]!.peer)
  })
  t.is(codeOf(error), 'PEER_GONE')
  t.is(asked(), 1)
})

test('generate - routes that fail one after the other end in the error', async (t) => {
  const bench = await setUp()
  const spares = [await spareFor(bench), await spareFor(bench), await spareFor(bench)]
  const asked = finding(bench, [bench.route, ...spares.map(({ other }) => other)])
  for (const { spare } of spares.slice(0, 2)) bench.swarm.network.crash(spare.id)
  bench.swarm.network.crash(bench.route.stages[1]!.peer)
  t.is(codeOf((await run(bench, request())).error), 'PEER_GONE')
  t.is(asked(), 3, 'the fourth would have worked')
  await bench.swarm.clock.pass(1000)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - two stages that have not found each other yet are waited for', async (t) => {
  const bench = await setUp()
  const { network, clock } = bench.swarm
  const [a, b] = bench.route.stages.map(({ peer }) => peer) as [PeerId, PeerId]
  network.cut(a, b)
  await clock.pass(1000)
  clock.after(600, () => network.heal(a, b))
  const { events, result } = await run(bench, request())
  const [first] = events
  // Either of the two may answer first.
  const reason = /^\w{8} \(layers [-\d]+\): no link to \w{8} \(layers [-\d]+\) yet: wait a moment/
  t.ok(first?.type === 'queued' && reason.test(first.reason), JSON.stringify(first))
  const expected = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), 20)
  t.alike(result.ids, expected.ids)
  await clock.pass(10)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - two stages that never find each other are the error after a while', async (t) => {
  const bench = await setUp()
  const { network, clock } = bench.swarm
  const [a, b] = bench.route.stages.map(({ peer }) => peer) as [PeerId, PeerId]
  network.cut(a, b)
  await clock.pass(1000)
  const startMs = clock.now()
  const { error } = await run(bench, request())
  t.is(codeOf(error), 'PEER_NO_LINK')
  t.ok(String(error).includes('see what keeps these two machines apart'))
  const tookMs = clock.now() - startMs
  t.ok(tookMs >= 8000 && tookMs < 9000, `${tookMs} ms`)
  await clock.pass(10)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - waiting for a link ends with whoever asked', async (t) => {
  const bench = await setUp()
  const { network, clock } = bench.swarm
  const [a, b] = bench.route.stages.map(({ peer }) => peer) as [PeerId, PeerId]
  network.cut(a, b)
  await clock.pass(1000)
  const startMs = clock.now()
  const { result } = await run(bench, request(), (event, abort) => {
    if (event.type === 'queued') abort.abort()
  })
  t.is(result.finishReason, 'cancelled')
  t.ok(clock.now() - startMs < 500)
})
