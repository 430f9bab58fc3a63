import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { seededRandom } from '../../src/base/random.ts'
import { chooseRoute, goneError, lossText } from '../../src/pipeline/route.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { createView } from '../../src/sharding/view.ts'
import { keyOf, randomModel, toRecord } from '../helpers/views.ts'

const model = { ...randomModel(seededRandom(1), 1), nLayers: 8 }
model.layerKiB = Array.from({ length: 8 }, () => 100_000)
model.activeKiB = model.layerKiB

const peer = { key: keyOf('a'), memoryKiB: 2 ** 24, weightMiBps: 10_000, pin: null }

function route(held: { start: number; end: number } | null) {
  const records = [toRecord(peer, model, { held: held ? [held] : [] })]
  const plan = computePlan(createView(model, 1, records))
  return { plan, choose: () => chooseRoute(model, 1, plan, records) }
}

test('route - is the plan where its layers are held, with its hashes', (t) => {
  const { plan, choose } = route({ start: 0, end: 8 })
  const { stages, hash: planHash, viewHash, predicted } = plan
  t.alike(choose(), { stages, planHash, viewHash, chunking: predicted?.chunking })
})

test('route - names the layers that still load', (t) => {
  const { choose } = route({ start: 0, end: 5 })
  try {
    choose()
    t.fail('chosen')
  } catch (error) {
    t.is(error instanceof SwarmError && error.code, 'PLAN_GAP')
    t.ok(/layers 5-7 are awaited from aaaaaaaa/.test(String(error)))
  }
})

test('route - a lost peer is named with its layers where it has some', (t) => {
  const stages = [{ peer: keyOf('b'), start: 3, end: 8 }]
  t.ok(goneError(keyOf('b'), stages).message.startsWith('bbbbbbbb (layers 3-7) is gone'))
  t.ok(goneError(keyOf('c'), stages).message.startsWith('cccccccc is gone'))
})

test('route - why an answer pauses does not ask anybody to ask again', (t) => {
  const stages = [{ peer: keyOf('b'), start: 3, end: 8 }]
  t.is(lossText(goneError(keyOf('b'), stages), stages), 'bbbbbbbb (layers 3-7) is gone')
  const full = new SwarmError('STAGE_FULL', 'no room')
  t.is(lossText(full, stages), 'no room')
})
