import test from 'brittle'

import { SESSIONS_KEPT_MAX } from '../../src/base/limits.ts'
import { PROMPT_IDS, request, run, setUp } from '../helpers/generator-bench.ts'
import { routeOf } from '../helpers/sim-swarm.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'
import { toyText, toyTokenizer } from '../helpers/toy-tokenizer.ts'

import type { GenerateEvent } from '../../src/wire/generation.ts'
import type { SimPeer } from '../helpers/sim-swarm.ts'

test('generate - a kept session computes only what is new', async (t) => {
  const bench = await setUp()
  const first = await run(bench, request({ keep: true }))
  const session = first.result.session as string
  t.is(session.length, 32)
  t.is(bench.asker.pipeline.sessions, 1)
  t.is(first.result.timing.perHop.length, 2, 'figures without closing')
  const prompt = `Once${first.result.text}`
  const asked = request({ prompt, keep: true, session })
  const second = await run(bench, asked)
  const route = second.events[0]
  // Toy text above ASCII is not its own encoding, so only the beginning is common.
  t.ok(route?.type === 'route' && route.cachedTokens >= 5, 'the prompt was cached')
  const promptIds = [...toyTokenizer.encode(prompt, { special: true, bos: true })]
  const expected = await toyContinue(bench.swarm.model, promptIds, sampling(), 20)
  t.alike(second.result.ids, expected.ids)
  t.is(second.result.session, session)
  bench.generator.closeSession(session)
  await bench.swarm.clock.pass(10)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - a stop string in a kept session leaves the stages quiet and ready', async (t) => {
  const bench = await setUp()
  const { ids } = await toyContinue(bench.swarm.model, PROMPT_IDS, sampling(), 20)
  const stop = toyText(ids).slice(4, 6)
  const { result } = await run(bench, request({ keep: true, stop: [stop], maxTokens: 100 }))
  t.is(result.finishReason, 'stop')
  const { stage } = bench.swarm.peers[0] as SimPeer
  const { steps } = stage
  await bench.swarm.clock.pass(500)
  t.is(stage.steps, steps)
  const again = await run(bench, request({ session: result.session as string }))
  t.alike(again.result.ids, ids)
  await bench.swarm.clock.pass(10)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - a kept session that was lost begins again on another route', async (t) => {
  const bench = await setUp()
  const first = await run(bench, request({ keep: true }))
  bench.swarm.network.crash(bench.route.stages[1]!.peer)
  await bench.swarm.clock.pass(1000)
  const spare = await bench.swarm.addPeer({ start: 6, end: 12 })
  const [head] = bench.route.stages
  bench.bench.route = routeOf([head!, { peer: spare.id, start: 6, end: 12 }])
  const again = await run(bench, request({ session: first.result.session as string }))
  t.alike(again.result.ids, first.result.ids)
  const route = again.events[0]
  t.is(route?.type === 'route' && route.cachedTokens, 0)
})

test('generate - an unknown session, or one with other numbers, is begun anew', async (t) => {
  const bench = await setUp()
  const first = await run(bench, request({ keep: true }))
  const other = await run(bench, request({ session: '00'.repeat(16) }))
  const f32 = await run(bench, request({ session: first.result.session as string, kvType: 'f32' }))
  t.alike(other.result.ids, first.result.ids)
  t.alike(f32.result.ids, first.result.ids)
  await bench.swarm.clock.pass(10)
  t.alike(bench.swarm.leaks(), [])
})

test('generate - of too many kept sessions the one used longest ago is freed', async (t) => {
  const bench = await setUp()
  const sessions: string[] = []
  for (let i = 0; i <= SESSIONS_KEPT_MAX; i++) {
    const { result } = await run(bench, request({ keep: true, maxTokens: 1 }))
    sessions.push(result.session as string)
  }
  await bench.swarm.clock.pass(10)
  t.is(bench.asker.pipeline.sessions, SESSIONS_KEPT_MAX)
  const oldest = await run(bench, request({ session: sessions[0] as string }))
  const newest = await run(bench, request({ session: sessions.at(-1) as string }))
  const cached = (events: GenerateEvent[]) => events[0]?.type === 'route' && events[0].cachedTokens
  t.is(cached(oldest.events), 0)
  t.is(cached(newest.events), 4)
})
