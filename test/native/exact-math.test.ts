// The binary64 functions behind the RoPE tables: close to the library's, which is independent of them.
// Their bits are pinned on a few arguments, so that another machine or compiler shows a difference.

import test from 'brittle'
import { loadKernels } from '../../src/compute/addon.ts'
import { seededRandom, unit } from '../../src/base/random.ts'

const { addon } = loadKernels()

function exact(name: string, x: number): number {
  return addon.testing['exact']?.(name, x) as number
}

function bitsOf(x: number): string {
  return Buffer.from(Float64Array.of(x).buffer).readBigUInt64LE().toString(16)
}

test('exact math - exp and log agree with the library to 4e-16', (t) => {
  const random = seededRandom(1)
  let worst = 0
  for (let i = 0; i < 50_000; i++) {
    const x = -30 * unit(random)
    const y = 1 + 1e7 * unit(random)
    worst = Math.max(worst, Math.abs(exact('exp', x) / Math.exp(x) - 1))
    worst = Math.max(worst, Math.abs(exact('log', y) / Math.log(y) - 1))
  }
  t.ok(worst < 4e-16, `relative error ${worst}`)
})

test('exact math - sin and cos agree with the library to 4e-16 up to a million radians', (t) => {
  const random = seededRandom(2)
  let worst = 0
  for (let i = 0; i < 50_000; i++) {
    const x = 2 ** 20 * unit(random)
    worst = Math.max(worst, Math.abs(exact('sin', x) - Math.sin(x)))
    worst = Math.max(worst, Math.abs(exact('cos', x) - Math.cos(x)))
  }
  t.ok(worst < 4e-16, `absolute error ${worst}`)
})

test('exact math - the bits are the same everywhere', (t) => {
  t.is(bitsOf(exact('exp', -9.210340371976184)), '3f1a36e2eb1c4326')
  t.is(bitsOf(exact('log', 10000)), '40226bb1bbb55516')
  t.is(bitsOf(exact('sin', 131071)), 'bfe268613f60babc')
  t.is(bitsOf(exact('cos', 131071)), 'bfea2cebbb513e7c')
})
