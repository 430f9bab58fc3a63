// Sessions that share the stages of a route: how many tokens they make together, and that nobody waits for
// those who are gone.

import test from 'brittle'

import { Gathering, type Way } from '../../src/pipeline/gathering.ts'
import { SimSwarm, TurnRun } from '../helpers/sim-swarm.ts'
import { sampling } from '../helpers/toy-run.ts'

const GROUP = '0 6'

const way = (nStages: number, index = 0, company = 0): Way => ({ index, nStages, company })
const ways = (count: number, nStages: number): Way[] =>
  Array.from({ length: count }, () => way(nStages))

/** Sessions that came every 40 ms, in steps of 20, to the first of two stages. */
function going(...items: string[]): Gathering<string> {
  const gathering = new Gathering<string>()
  for (const atMs of [0, 40, 80]) gathering.note(items, GROUP, way(2), atMs, 20)
  return gathering
}

test('gathering - a token waits for its company, a quarter of a step at most', (t) => {
  const gathering = going('a', 'b', 'c', 'd')
  t.is(gathering.waitMs(GROUP, ways(1, 2), 120), 5)
  t.is(gathering.waitMs(GROUP, ways(2, 2), 120), 0, 'half of four are two')
  t.is(gathering.waitMs('6 12', ways(1, 2), 120), 0, 'others are no company')
})

test('gathering - as many sessions as stages, or nearly, go one by one', (t) => {
  t.is(going('a', 'b').waitMs(GROUP, ways(1, 2), 120), 0)
  t.is(going('a', 'b', 'c').waitMs(GROUP, ways(1, 2), 120), 0)
  t.is(going('a', 'b', 'c', 'd').waitMs(GROUP, ways(1, 5), 120), 0)
  t.is(going('a', 'b').waitMs(GROUP, ways(1, 1), 120), 0, 'one stage has all of them at once')
})

test('gathering - behind the first stage those stay together who left together', (t) => {
  const gathering = new Gathering<string>()
  gathering.note(['a', 'b', 'c'], GROUP, way(2, 1), 0, 20)
  t.is(gathering.waitMs(GROUP, [way(2, 1, 0)], 40), 0, 'it left alone')
  t.is(gathering.waitMs(GROUP, [way(2, 1, 2), way(2, 1, 2)], 40), 5)
  t.is(gathering.waitMs(GROUP, [way(2, 1, 2), way(2, 1, 2), way(2, 1, 2)], 40), 0)
  t.is(gathering.waitMs(GROUP, [way(2, 1, 0), way(2, 1, 2)], 40), 5)
})

test('gathering - whoever misses two rounds is waited for no longer', (t) => {
  const gathering = going('a', 'b', 'c', 'd')
  t.is(gathering.waitMs(GROUP, ways(1, 2), 160), 5)
  t.is(gathering.waitMs(GROUP, ways(1, 2), 161), 0)
  const left = going('a', 'b', 'c', 'd')
  left.forget('d')
  t.is(left.waitMs(GROUP, ways(1, 2), 120), 0)
})

test('gathering - steps too short for a timer are not waited for', (t) => {
  const gathering = new Gathering<string>()
  for (const atMs of [0, 4, 8]) gathering.note(['a', 'b', 'c', 'd'], GROUP, way(2), atMs, 3.9)
  t.is(gathering.waitMs(GROUP, ways(1, 2), 12), 0)
  for (const atMs of [12, 16]) gathering.note(['a', 'b', 'c', 'd'], GROUP, way(2), atMs, 4)
  t.is(gathering.waitMs(GROUP, ways(1, 2), 20), 1)
})

const TOKENS = 200
const STEP_MS = 10
/** What one more token costs in a step that reads the weights anyway. */
const MORE = 0.1

/** Tokens of so many sessions per token of one. @param slower times, a step that runs beside another. */
async function gain(nSessions: number, cuts: number[], slower = 1): Promise<number> {
  const rates: number[] = []
  for (const count of [1, nSessions]) {
    let endsMs: number[] = []
    const stepMs = (nTokens: number) => {
      const nowMs = swarm.clock.now()
      endsMs = endsMs.filter((endMs) => endMs > nowMs)
      const share = endsMs.length > 0 ? slower : 1
      const ms = STEP_MS * (1 + MORE * (nTokens - 1)) * share
      endsMs.push(nowMs + ms)
      return ms
    }
    const network = { delayMs: 0.25, jitterMs: 0.1, bytesPerMs: 117_000, detectMs: 700 }
    const swarm: SimSwarm = new SimSwarm({ seed: 5, stepMs, network })
    const route = await swarm.addStages(cuts)
    const asker = await swarm.addPeer()
    const runs = Array.from({ length: count }, (_, index) => {
      const session = asker.pipeline.createSession({
        route,
        model: swarm.sessionModel,
        kvType: 'f16',
        contextTokens: TOKENS + 1
      })
      const turn = { ids: [index + 1], sampling: sampling(), stopIds: [], positionEnd: TOKENS + 1 }
      return { session, run: new TurnRun(session, turn, swarm.clock) }
    })
    await swarm.clock.until(() => runs.every(({ run }) => run.isOver))
    const endedMs = Math.max(...runs.map(({ run }) => run.endedMs))
    rates.push((count * TOKENS) / endedMs)
    for (const { session } of runs) void session.close()
  }
  const [alone = NaN, together = NaN] = rates
  return together / alone
}

test('gathering - sessions keep all stages busy in steps of their share', async (t) => {
  const cases: [nSessions: number, cuts: number[], least: number][] = [
    [2, [6], 1.9],
    // Without waiting these are 3.1, 5.7 and 4.7.
    [4, [6], 3.5],
    [8, [6], 6.2],
    [6, [4, 8], 5.1]
  ]
  for (const [nSessions, cuts, least] of cases) {
    const found = await gain(nSessions, cuts)
    const text = `${nSessions} sessions, ${cuts.length + 1} stages: ${found.toFixed(2)} times one`
    t.ok(found >= least, text)
    t.comment(text)
  }
})

test('gathering - on stages that slow each other down sessions go as one group', async (t) => {
  // As two processes on one machine: both together read a quarter more than one.
  const cases: [nSessions: number, cuts: number[], least: number][] = [
    [2, [6], 1.5],
    [4, [6], 2.5]
  ]
  for (const [nSessions, cuts, least] of cases) {
    const found = await gain(nSessions, cuts, 1.6)
    const text = `${nSessions} sessions, ${cuts.length + 1} stages: ${found.toFixed(2)} times one`
    t.ok(found >= least, text)
    t.comment(text)
  }
})
