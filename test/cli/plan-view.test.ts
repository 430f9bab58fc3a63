import test from 'brittle'
import type { PeerStatus, PlanStatus } from '../../src/api/service.ts'
import {
  comparedLine,
  explainLines,
  layerMap,
  planLines,
  withoutStandby,
  type PlanName
} from '../../src/cli/plan-view.ts'
import { toPeerId } from '../../src/wire/ids.ts'
import { PEER_A, PEER_B, ScriptedService } from '../helpers/scripted-service.ts'

const service = new ScriptedService()
const plan = service.plan()
const peers: PeerStatus[] = service.peers()

test('plan view - a plan is shown exactly so', (t) => {
  t.alike(planLines(plan, peers, 80), [
    'layers 0 [aaa|bb] 4',
    '   peer        key       layers  ms/token',
    'a  atlas       aaaaaaaa     0-2     30.00',
    'b  bo [31mron  bbbbbbbb     3-4     27.50',
    'ready; predicted 17.2 tok/s (58.0 ms per token)'
  ])
})

test('plan view - in words: the bound, the first token, and what the loss of a machine means', (t) => {
  const standbys = [{ ...plan.stages[0]!, peer: plan.stages[1]!.peer }]
  t.alike(explainLines({ ...plan, standbys }, peers), [
    'no other plan of these machines is faster',
    'first token 1.3 s after a prompt of 512; of a token 0.5 ms pass between machines; ' +
      '2 sessions at once make 33.3 tok/s',
    'every machine keeps room for 1 conversation of 4096 tokens',
    'if atlas goes: bo [31mron takes over layers 0-2: standby, not loaded yet',
    'if bo [31mron goes: nobody stands by for layers 3-4'
  ])
})

test('plan view - where nobody stands by, what is told is the plan without that machine', (t) => {
  t.alike(withoutStandby(plan), [PEER_A, PEER_B])
  t.alike(withoutStandby({ ...plan, standbys: [{ ...plan.stages[1]!, peer: PEER_A }] }), [PEER_A])
  const then = service.planIf([])
  const lineOf = (lost: PlanStatus) => explainLines(plan, peers, new Map([[PEER_A, lost]]))[3]
  t.is(lineOf(then), 'if atlas goes: nobody stands by for layers 0-2, a new plan makes 25.0 tok/s')
  const streamed = [{ peer: PEER_B, parts: 6, layers: 2, sizeKiB: 2048 }]
  t.is(
    lineOf({ ...then, streamed }),
    'if atlas goes: nobody stands by for layers 0-2, a new plan makes 25.0 tok/s with layers from disk'
  )
  t.is(
    lineOf({ ...then, predicted: null }),
    'if atlas goes: nobody takes over layers 0-2, answers wait for who can'
  )
})

test('plan view - in rounds the loss of a machine is told once for all its stages', (t) => {
  const [first, second] = plan.stages as [(typeof plan.stages)[0], (typeof plan.stages)[0]]
  const stages = [first, second, { ...first, start: 5, end: 6 }, { ...second, start: 6, end: 8 }]
  const standbys = [{ ...stages[1]!, peer: first.peer }]
  t.alike(explainLines({ ...plan, stages, standbys }, peers).slice(3), [
    'if atlas goes: nobody stands by for layers 0-2, 5-5',
    'if bo [31mron goes: atlas takes over layers 3-4: standby, not loaded yet',
    'if bo [31mron goes: nobody stands by for layers 6-7'
  ])
})

test('plan view - a standby that holds the layers is told from one that has room for them', (t) => {
  const standbys = [{ ...plan.stages[0]!, peer: plan.stages[1]!.peer }]
  const ready = peers.map((peer) => ({ ...peer, held: [{ start: 0, end: 5 }] }))
  const lineOf = (names: readonly PlanName[]) => explainLines({ ...plan, standbys }, names)[3]
  t.is(lineOf(ready), 'if atlas goes: bo [31mron takes over layers 0-2: standby, loaded')
  const unknown = peers.map(({ key, name }) => ({ key, name }))
  t.is(lineOf(unknown), 'if atlas goes: bo [31mron takes over layers 0-2')
})

test('plan view - what was declared is told as what there is room for', (t) => {
  const reserve = { contextTokens: 32_768, sessions: 3 }
  t.ok(
    explainLines({ ...plan, reserve }, peers).includes(
      'every machine keeps room for 3 conversations at once, each of 32768 tokens'
    )
  )
  t.absent(explainLines({ ...plan, reserve: null }, peers).some((line) => /keeps room/.test(line)))
})

test('plan view - who reads layers from disk says how many', (t) => {
  const streamed = [{ peer: plan.stages[0]!.peer, parts: 9, layers: 3, sizeKiB: 3072 }]
  t.ok(
    explainLines({ ...plan, streamed }, peers).includes(
      'atlas reads 3 of its 3 layers, 3.0 MiB, from disk for each token'
    )
  )
  t.absent(explainLines(plan, peers).some((line) => /from disk/.test(line)))
})

test('plan view - how much a better plan could save', (t) => {
  const predicted = plan.predicted && { ...plan.predicted, boundMs: 55.1 }
  const [line] = explainLines({ ...plan, predicted }, peers)
  t.is(line, 'no other plan of these machines saves more than 5.0 %')
  const pinned = plan.predicted && { ...plan.predicted, boundMs: 0 }
  const [first] = explainLines({ ...plan, predicted: pinned }, peers)
  t.is(first, 'ranges pinned by hand come first; no faster plan was looked for')
})

test('plan view - a change is told beside what is', (t) => {
  const none = { ...plan, predicted: null }
  t.is(comparedLine(plan, service.planIf([])), 'now 17.2 tok/s, then 25.0: +45 %')
  t.is(comparedLine(none, plan), 'now nothing runs; then 17.2 tok/s')
  t.is(comparedLine(plan, none), 'now 17.2 tok/s; then nothing runs')
  t.is(comparedLine(none, none), 'neither now nor then is there a plan')
})

test('plan view - a gap and those left out are named', (t) => {
  const gap: PlanStatus = {
    ...plan,
    stages: [],
    predicted: null,
    ready: false,
    gap: [{ start: 3, end: 5 }],
    leftOut: [{ peer: PEER_B, reason: 'slows\u001b the others down' }]
  }
  t.alike(planLines(gap, peers, 80), [
    'there is no plan yet',
    'missing: layers 3-4; a peer with room for them has to join',
    'left out: bo [31mron (bbbbbbb…), slows  the others down'
  ])
})

test('plan view - a peer that a token passes twice keeps its letter, and its layers count once', (t) => {
  const stages = [PEER_A, PEER_B, PEER_A].map((peer, i) => ({ peer, start: 2 * i, end: 2 * i + 2 }))
  const twice = {
    ...plan,
    stages,
    streamed: [{ peer: PEER_A, parts: 4, layers: 3, sizeKiB: 1024 }]
  }
  t.is(layerMap(twice, 40), 'layers 0 [aa|bb|aa] 5')
  t.ok(
    explainLines(twice, peers).includes(
      'atlas reads parts of 3 of its 4 layers, 1.0 MiB, from disk for each token'
    )
  )
})

test('plan view - a map of many layers fits and keeps every stage', (t) => {
  const stages = Array.from({ length: 5 }, (_, i) => ({
    peer: toPeerId(`${i}`.repeat(64)),
    start: i === 0 ? 0 : 120 + i,
    end: 121 + i
  }))
  const map = layerMap({ ...plan, stages }, 40)
  t.ok(map.length < 70, map)
  t.ok(map.includes('|b|c|d|e] 124'))
})
