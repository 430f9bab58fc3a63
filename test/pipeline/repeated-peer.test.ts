import test from 'brittle'

import { SimSwarm, TurnRun, routeOf } from '../helpers/sim-swarm.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'

test('route - a peer that has several stages of one route gives the tokens of one stage', async (t) => {
  const swarm = new SimSwarm({ seed: 5 })
  const [a, b] = [
    await swarm.addPeer({ start: 0, end: 12 }),
    await swarm.addPeer({ start: 3, end: 9 })
  ]
  const route = routeOf([
    { peer: a.id, start: 0, end: 4 },
    { peer: b.id, start: 4, end: 7 },
    { peer: a.id, start: 7, end: 9 },
    { peer: a.id, start: 9, end: 12 }
  ])
  const ids = Array.from({ length: 300 }, (_, i) => (i * 7) % 500)
  const turn = { ids, sampling: sampling(), stopIds: [], positionEnd: 320 }
  const options = { route, model: swarm.sessionModel, kvType: 'f16', contextTokens: 400 } as const
  const session = a.pipeline.createSession(options)
  const run = new TurnRun(session, turn, swarm.clock)
  await swarm.clock.until(() => run.isOver)
  const expected = await toyContinue(swarm.model, ids, sampling(), 20)
  t.is(run.error, null)
  t.alike([run.ids, run.logitsHash], [expected.ids, expected.logitsHash])
  t.is(a.host.sessions, 3, 'each stage has a cache of its own')
  let isClosed = false
  void session.close().then(() => (isClosed = true))
  await swarm.clock.until(() => isClosed)
  t.alike(swarm.leaks(), [])
})
