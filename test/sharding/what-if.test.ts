import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { seededRandom } from '../../src/base/random.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { changeView, parseChange } from '../../src/sharding/what-if.ts'
import { keyOf, modelKiB, randomModel } from '../helpers/views.ts'

import type { View } from '../../src/sharding/facts.ts'

const model = randomModel(seededRandom(1), 20)
const half = { memoryKiB: Math.ceil(modelKiB(model) * 0.6), weightMiBps: 10_000, pin: null }
const view: View = {
  model,
  peers: [
    { key: keyOf('ab12'), ...half },
    { key: keyOf('ab34'), ...half }
  ]
}
const named = [
  { key: keyOf('ab12'), name: 'attic' },
  { key: keyOf('ab34'), name: 'desk' }
]

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as SwarmError).code
  }
  return 'none'
}

test('what if - a machine is written as its memory and its rate', (t) => {
  const added = { kind: 'add', memoryKiB: 24 * 2 ** 20, weightMiBps: 42_915 }
  t.alike(parseChange('+24GiB@45GB/s'), added)
  t.alike(parseChange('-attic'), { kind: 'remove', peer: 'attic' })
})

test('what if - everything else is refused', (t) => {
  for (const text of [
    '',
    '+',
    '-',
    '24GiB@45GB/s',
    '+24GiB',
    '+24GiB@45GB',
    '+@45GB/s',
    '+24GiB@/s',
    '+24GiB@1MB/s',
    '+1@45GB/s',
    '+99999TiB@45GB/s',
    '+24GiB@999999GB/s',
    `-${'a'.repeat(65)}`
  ]) {
    t.is(
      codeOf(() => parseChange(text)),
      'USAGE_BAD_VALUE',
      text
    )
  }
})

test('what if - one more machine can only help, and is called new', (t) => {
  const { view: larger, added } = changeView(view, [parseChange('+640GiB@45GB/s')], named)
  t.alike(
    added.map(({ name }) => name),
    ['new 640 GiB']
  )
  t.alike(
    computePlan(larger).stages.map(({ peer }) => peer),
    [added[0]?.key]
  )
  t.is(view.peers.length, 2, 'the view itself stays')
})

test('what if - a machine is taken away by its name or the digits of its key', (t) => {
  for (const text of ['-attic', '-ab12', `-${keyOf('ab12')}`]) {
    const { peers } = changeView(view, [parseChange(text)], named).view
    t.is(peers[0]?.key, keyOf('ab34'), text)
    t.is(computePlan({ model, peers }).stages.length, 0)
  }
})

test('what if - a machine that is unknown, or two, cannot be taken away', (t) => {
  for (const text of ['-cellar', '-ab1', '-ffff']) {
    t.is(
      codeOf(() => changeView(view, [parseChange(text)], named)),
      'USAGE_BAD_VALUE',
      text
    )
  }
  const twins = named.map(({ key }) => ({ key, name: 'desk' }))
  t.is(
    codeOf(() => changeView(view, [parseChange('-desk')], twins)),
    'USAGE_BAD_VALUE'
  )
})
