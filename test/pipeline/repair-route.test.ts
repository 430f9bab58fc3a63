import test from 'brittle'

import { ROUTE_STAGES_MAX } from '../../src/base/limits.ts'
import { repairRoute } from '../../src/pipeline/repair-route.ts'
import { routeOf } from '../helpers/sim-swarm.ts'
import { keyOf } from '../helpers/views.ts'

import type { PeerId } from '../../src/wire/ids.ts'
import type { RouteStage } from '../../src/wire/session.ts'

function stage(letter: string, start: number, end: number): RouteStage {
  return { peer: keyOf(letter), start, end }
}

const OLD = routeOf([stage('a', 0, 4), stage('b', 4, 8), stage('c', 8, 12)])
const [FIRST, , LAST] = OLD.stages as [RouteStage, RouteStage, RouteStage]

/** `a0-3 d4-7 c8-11` */
function repaired(
  spans: RouteStage[],
  standbys: RouteStage[] = [],
  avoided: PeerId[] = []
): string {
  const { stages } = repairRoute(OLD, spans, standbys, new Set(avoided))
  return stages.map(({ peer, start, end }) => `${peer.slice(0, 1)}${start}-${end - 1}`).join(' ')
}

test('repair route - a route whose peers are all there stays as it is', (t) => {
  t.is(repaired([...OLD.stages, stage('d', 0, 12)]), 'a0-3 b4-7 c8-11')
})

test('repair route - only the lost layers change hands', (t) => {
  t.is(repaired([FIRST, LAST, stage('d', 0, 12)]), 'a0-3 d4-7 c8-11')
})

test('repair route - the standby first, then who is idle, then whoever has them', (t) => {
  const wide = { ...LAST, start: 4 }
  const holders = [FIRST, wide, stage('d', 4, 8), stage('e', 4, 8)]
  t.is(repaired(holders, [stage('e', 4, 8)]), 'a0-3 e4-7 c8-11')
  t.is(repaired(holders), 'a0-3 d4-7 c8-11')
  t.is(repaired([FIRST, wide]), 'a0-3 c4-7 c8-11')
  t.is(repaired(holders, [stage('e', 4, 6)]), 'a0-3 d4-7 c8-11', 'a standby of other layers')
})

test('repair route - several take what one had', (t) => {
  t.is(repaired([FIRST, LAST, stage('d', 2, 6), stage('e', 5, 9)]), 'a0-3 d4-5 e6-7 c8-11')
})

test('repair route - a peer that holds no longer what it held is lost for it', (t) => {
  t.is(repaired([FIRST, stage('b', 4, 7), LAST, stage('d', 4, 8)]), 'a0-3 d4-7 c8-11')
})

test('repair route - who is avoided serves where there is nobody else', (t) => {
  const both = [FIRST, ...OLD.stages.slice(1, 2), LAST, stage('d', 4, 8)]
  t.is(repaired(both, [], [keyOf('b')]), 'a0-3 d4-7 c8-11')
  t.is(repaired([...OLD.stages], [], [keyOf('b')]), 'a0-3 b4-7 c8-11')
})

test('repair route - names the layers that nobody holds', (t) => {
  t.exception(() => repaired([FIRST, LAST, stage('d', 4, 6)]), /layers 6-7 are held by no peer/)
  t.exception(() => repaired([LAST]), /layers 0-3, 4-7 are held by no peer/)
})

test('repair route - a route of too many stages is none', (t) => {
  const layers = Array.from({ length: ROUTE_STAGES_MAX + 1 }, (_, i) => stage('d', i, i + 1))
  const old = routeOf([stage('b', 0, layers.length)])
  t.exception(() => repairRoute(old, layers, [], new Set()), /stages: too many/)
})
