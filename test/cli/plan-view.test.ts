import test from 'brittle'
import type { PeerStatus, PlanStatus } from '../../src/api/service.ts'
import { layerMap, planLines } from '../../src/cli/plan-view.ts'
import { PEER_A, PEER_B, ScriptedService } from '../helpers/scripted-service.ts'

const service = new ScriptedService()
const plan = service.plan()
const peers: PeerStatus[] = service.peers()

test('plan view - a plan is shown exactly so', (t) => {
  t.alike(planLines(plan, peers, 80), [
    'layers 0 [aaa|bb] 4',
    '   peer        key       layers  ms/token',
    'a  atlas       aaaaaaaa     0-2     30.00',
    'b  bo [31mron  bbbbbbbb     3-4     28.00',
    'ready; predicted 17.2 tok/s (58.0 ms per token)'
  ])
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

test('plan view - a map of many layers fits and keeps every stage', (t) => {
  const stages = Array.from({ length: 5 }, (_, i) => ({
    peer: PEER_A,
    start: i === 0 ? 0 : 120 + i,
    end: 121 + i
  }))
  const map = layerMap({ ...plan, stages }, 40)
  t.ok(map.length < 70, map)
  t.ok(map.includes('|b|c|d|e] 124'))
})
