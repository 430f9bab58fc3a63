// The cost model against clusters that others built and measured; npm run bench -- plan prints the table.

import test from 'brittle'

import {
  edgeshardRows,
  homeRows,
  primaRows,
  ROW_SPLITS,
  rowSplitErrors
} from '../../bench/plan-tables.ts'
import { computePlan } from '../../src/sharding/plan.ts'

const SLOW = { timeout: 120_000 }

test('published - clusters of four and fifteen devices are predicted within 15 %', SLOW, (t) => {
  const rows = [...primaRows(), ...edgeshardRows()]
  for (const { name, view, published, within } of rows) {
    if (within === null) continue
    const { predicted } = computePlan(view)
    const error = (predicted?.tokenUs ?? Infinity) / 1000 / published - 1
    t.ok(Math.abs(error) <= within, `${name}: ${(100 * error).toFixed(1)} %`)
  }
  t.is(rows.filter(({ within }) => within === null).length, 3, 'three rows are only told')
})

test('published - small models stay on the fastest device, large ones use them all', SLOW, (t) => {
  const nPeers = primaRows().map(
    ({ view }) => new Set(computePlan(view).stages.map(({ peer }) => peer)).size
  )
  t.alike(nPeers.slice(0, 3), [1, 1, 2])
  t.ok(
    nPeers.slice(6).every((count) => count === 4),
    nPeers.join()
  )
})

test('published - row splits follow from their first two columns within 6 % and rounding', (t) => {
  for (const split of ROW_SPLITS) {
    for (const { nodes, error, rounding } of rowSplitErrors(split)) {
      if (nodes === split.except) continue
      t.ok(Math.abs(error) <= 0.06 + rounding, `${split.name} on ${nodes}: ${error}`)
    }
  }
})

test('published - two machines at home run a 70B model that neither holds', (t) => {
  for (const { name, view } of homeRows()) {
    const { predicted, stages } = computePlan(view)
    t.is(stages.length, 2, name)
    t.ok((predicted?.tokensPerSecond ?? 0) > 1.4, name)
  }
})
