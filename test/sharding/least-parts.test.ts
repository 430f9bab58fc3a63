// The least that a machine which has a whole model reads from disk: against every choice there is, and what
// must hold of each.

import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import { layerOf, placeOf } from '../../src/model/layer-part.ts'
import { leastParts } from '../../src/sharding/least-parts.ts'

type Sizes = number[][]

const even = (nLayers: number, ...sizes: number[]): Sizes =>
  sizes.map((size) => Array.from({ length: nLayers }, () => size))

const sizeOf = (sizes: Sizes, part: number) => sizes[placeOf(part)]?.[layerOf(part)] ?? 0
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)

function ofKind(sizes: Sizes, parts: readonly number[], kind: number): number[] {
  return parts.filter((part) => placeOf(part) === kind).map((part) => sizeOf(sizes, part))
}

/** Room that is made: what is on disk without the place of the largest of each kind. */
function gainKiB(sizes: Sizes, parts: readonly number[]): number {
  const own = sizes.map((_, kind) => ofKind(sizes, parts, kind))
  return sumOf(own.map((kib) => sumOf(kib) - Math.max(0, ...kib)))
}

test('least parts - the kind that takes least room itself, spread from the first layer to the last', (t) => {
  const layers = even(7, 100, 300, 200)
  t.alike(leastParts(layers, 1), [0, 18], 'attention of two layers')
  t.alike(leastParts(layers, 101), [0, 9, 18])
  t.alike(leastParts(layers, 600), [0, 3, 6, 9, 12, 15, 18], 'of all')
  t.alike(leastParts(layers, 601), [2, 5, 11, 14, 20], 'what comes down takes less than both would')
  t.is(leastParts(layers, 3601), null)
  t.is(leastParts(layers, 3600)?.length, 21)
})

test('least parts - of even layers no other numbers of each kind read less', (t) => {
  const random = seededRandom(71)
  const seen = new Set<string>()
  for (let i = 0; i < 400; i++) {
    const nLayers = 2 + below(random, 12)
    const one = [60 + below(random, 60), 250 + below(random, 100), 130 + below(random, 70)]
    const sizes = even(nLayers, ...one)
    const excessKiB = 1 + below(random, (nLayers - 1) * sumOf(one) + 200)
    let least = Infinity
    for (let set = 0; set < (nLayers + 1) ** 3; set++) {
      const counts = [set, Math.floor(set / (nLayers + 1)), Math.floor(set / (nLayers + 1) ** 2)]
      const own = counts.map((count) => count % (nLayers + 1))
      const gain = sumOf(own.map((count, kind) => Math.max(0, count - 1) * (one[kind] ?? 0)))
      if (gain >= excessKiB)
        least = Math.min(least, sumOf(own.map((n, kind) => n * (one[kind] ?? 0))))
    }
    const parts = leastParts(sizes, excessKiB)
    const readKiB = parts === null ? Infinity : sumOf(parts.map((part) => sizeOf(sizes, part)))
    // Kinds that go together are counted together: a part more than need be, now and then.
    if (readKiB < least || (readKiB === Infinity) !== (least === Infinity))
      t.fail(`${readKiB} of ${least}`)
    if (readKiB > least + Math.max(...one)) t.fail(`${readKiB}, and ${least} would do`)
    seen.add(readKiB === least ? 'least' : 'more')
    if (parts !== null) seen.add([...new Set(parts.map(placeOf))].toSorted().join())
  }
  t.ok(seen.has('least') && seen.size > 5, [...seen].join(' '))
})

test('least parts - of uneven layers they make the room, and none of a kind is alone', (t) => {
  const random = seededRandom(72)
  let found = 0
  for (let i = 0; i < 500; i++) {
    const nLayers = 1 + below(random, 40)
    const sizes = [100, 300, 200].map((mean) =>
      Array.from({ length: nLayers }, () => mean + below(random, mean))
    )
    const all = sizes.flatMap((_, kind) => Array.from({ length: nLayers }, (__, i) => 3 * i + kind))
    const mostKiB = gainKiB(sizes, all)
    const excessKiB = 1 + below(random, mostKiB + 300)
    const parts = leastParts(sizes, excessKiB)
    if (parts === null) {
      if (mostKiB >= excessKiB) t.fail('all of them would make the room')
      continue
    }
    found++
    if (gainKiB(sizes, parts) < excessKiB) t.fail('too little room')
    if (parts.some((part, at) => part <= (parts[at - 1] ?? -1))) t.fail('not ascending')
    for (const kind of [0, 1, 2]) {
      const own = parts.filter((part) => placeOf(part) === kind).map(layerOf)
      if (own.length === 1) t.fail('one that could stay')
      if (own.length > 0 && (own[0] !== 0 || own.at(-1) !== nLayers - 1)) t.fail('not spread')
    }
  }
  t.ok(found > 300, `${found} found`)
})
