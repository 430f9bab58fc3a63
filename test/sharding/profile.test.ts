import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import {
  averageRate,
  nearestStep,
  quantiseMemory,
  quantiseRate,
  stepValue
} from '../../src/sharding/profile.ts'

test('profile - four steps double a rate', (t) => {
  const values = Array.from({ length: 9 }, (_, i) => stepValue(40 + i))
  t.alike(values, [1024, 1218, 1448, 1722, 2048, 2436, 2896, 3444, 4096])
})

test('profile - a rate becomes the step nearest by ratio', (t) => {
  for (const [measured, step] of [
    [0, 0],
    [1024, 1024],
    [1110, 1024],
    [1120, 1218],
    [1300, 1218],
    [36_000, 38_976],
    [400_000, 370_688]
  ] as const) {
    t.is(nearestStep(measured), step, String(measured))
  }
})

test('profile - a first rate is at most half a step off', (t) => {
  const random = seededRandom(1)
  for (let i = 0; i < 2000; i++) {
    const measured = 100 + below(random, 1 << (8 + below(random, 20)))
    const ratio = quantiseRate(null, measured) / measured
    if (ratio < 0.9 || ratio > 1.11) t.fail(`${measured}: ${ratio}`)
  }
  t.pass()
})

test('profile - a published rate stays within three quarters of a step', (t) => {
  t.is(quantiseRate(1024, 1160), 1024)
  t.is(quantiseRate(1024, 1180), 1218)
  t.is(quantiseRate(1024, 905), 1024)
  t.is(quantiseRate(1024, 890), 861)
  t.is(quantiseRate(1024, 4000), 4096)
  t.is(quantiseRate(0, 900), 861)
  t.is(quantiseRate(1024, 0), 0)
})

test('profile - eight percent of noise never changes a published rate', (t) => {
  const random = seededRandom(2)
  let changes = 0
  for (let run = 0; run < 50; run++) {
    const truth = 5000 + below(random, 40_000)
    let published = quantiseRate(null, truth)
    for (let i = 0; i < 200; i++) {
      const noisy = Math.floor((truth * (960 + below(random, 80))) / 1000)
      const next = quantiseRate(published, noisy)
      if (next !== published) changes++
      published = next
    }
  }
  t.is(changes, 0)
})

test('profile - an average remembers about twenty samples', (t) => {
  let average = averageRate(null, 1000)
  t.alike(average, { rate: 1000, samples: 1 })
  average = averageRate(average, 2000)
  t.alike(average, { rate: 1500, samples: 2 })
  for (let i = 0; i < 50; i++) average = averageRate(average, 4000)
  t.is(average.samples, 20)
  t.ok(average.rate > 3700 && average.rate <= 4000, String(average.rate))
})

test('profile - memory is rounded down to its step', (t) => {
  const MIB = 1024
  t.is(quantiseMemory(13 * 1024 * MIB + 300 * MIB), 13 * 1024 * MIB + 256 * MIB)
  t.is(quantiseMemory(1024 * MIB), 1024 * MIB)
  t.is(quantiseMemory(1023 * MIB), 1008 * MIB)
  t.is(quantiseMemory(5 * MIB), 0)
})
