import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { fromZBase32, toZBase32 } from '../../src/base/z-base-32.ts'

test('z-base-32 - the examples of its specification', (t) => {
  t.is(toZBase32(new Uint8Array([0xf0, 0xbf, 0xc7])), '6n9hq')
  t.is(toZBase32(new Uint8Array([0xd4, 0x7a, 0x04])), '4t7ye')
  t.is(toZBase32(new Uint8Array(0)), '')
})

test('z-base-32 - bytes of every length come back', (t) => {
  const random = seededRandom(1)
  for (let size = 0; size < 200; size++) {
    const bytes = random.bytes(size)
    t.alike(fromZBase32(toZBase32(bytes)), bytes)
  }
})

test('z-base-32 - no two texts are the same bytes', (t) => {
  for (const text of ['y', 'yyy', 'yb', '6n9hqy', '6n9hb', '0', 'L', 'yY', '6n9h ']) {
    t.is(fromZBase32(text), null, text)
  }
})
