// The one division of plans against whole numbers of any size: near multiples, where rounding would show.

import test from 'brittle'

import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { ceilDiv, floorDiv } from '../../src/sharding/integer.ts'

/** Of up to 53 bits, few of them as often as many. */
function whole(random: Random, bits: number): number {
  const value = random.uint32() * 2 ** 21 + below(random, 2 ** 21)
  return Math.floor(value / 2 ** (53 - bits))
}

test('floorDiv - what whole numbers give, next to multiples too', (t) => {
  const random = seededRandom(3)
  const seen = { compared: 0, wrong: 0, large: 0 }
  const compare = (a: number, b: number) => {
    if (a < 0 || a >= 2 ** 53) return
    seen.compared++
    if (a > 2 ** 50 && b < 2 ** 10) seen.large++
    if (BigInt(floorDiv(a, b)) !== BigInt(a) / BigInt(b)) seen.wrong++
    if (a <= 2 ** 53 - b && ceilDiv(a, b) !== Number((BigInt(a) + BigInt(b) - 1n) / BigInt(b))) {
      seen.wrong++
    }
  }
  for (let i = 0; i < 100_000; i++) {
    const bits = 1 + below(random, 53)
    const b = 1 + whole(random, bits)
    const multiple = b * whole(random, 53 - bits)
    for (const a of [multiple - 1, multiple, multiple + 1, multiple + b - 1]) compare(a, b)
    compare(2 ** 53 - 1 - below(random, 1000), b)
  }
  t.is(seen.wrong, 0)
  t.ok(seen.compared > 400_000 && seen.large > 20_000, JSON.stringify(seen))
})
