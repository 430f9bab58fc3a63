import test from 'brittle'
import { below, seededRandom, type Random } from '../../../src/base/random.ts'
import { mergeSymbols, type MergeRules } from '../../../src/model/tokenizer/symbol-merger.ts'

interface Rule {
  left: number
  right: number
  rank: number
  merged: number
}

function rulesOf(list: Rule[]): MergeRules {
  return {
    find: (left, right) => list.findIndex((rule) => rule.left === left && rule.right === right),
    rankOf: (index) => (list[index] as Rule).rank,
    symbolOf: (index) => (list[index] as Rule).merged
  }
}

/** The definition: look at all pairs, merge the best, start again. */
function slowly(symbols: number[], rules: MergeRules): number[] {
  const left = [...symbols]
  for (;;) {
    let best = -1
    let bestRank = Infinity
    for (let i = 0; i + 1 < left.length; i++) {
      const rule = rules.find(left[i] as number, left[i + 1] as number)
      if (rule >= 0 && rules.rankOf(rule) < bestRank) {
        best = i
        bestRank = rules.rankOf(rule)
      }
    }
    if (best < 0) return left
    const rule = rules.find(left[best] as number, left[best + 1] as number)
    left.splice(best, 2, rules.symbolOf(rule))
  }
}

function randomRules(random: Random): Rule[] {
  const rules: Rule[] = []
  for (let merged = 3; merged < 12; merged++) {
    const left = below(random, merged)
    const right = below(random, merged)
    const known = rules.some((rule) => rule.left === left && rule.right === right)
    if (!known) rules.push({ left, right, rank: below(random, 6), merged })
  }
  return rules
}

test('merging - equals the definition on random rules and texts', (t) => {
  const random = seededRandom(1)
  let merges = 0
  for (let round = 0; round < 3000; round++) {
    const rules = rulesOf(randomRules(random))
    const symbols = Array.from({ length: below(random, 30) }, () => below(random, 3))
    const wanted = slowly(symbols, rules)
    const got = [...mergeSymbols(Int32Array.from(symbols), rules)]
    if (got.join() !== wanted.join())
      t.fail(`${symbols.join()}: ${got.join()} not ${wanted.join()}`)
    merges += symbols.length - got.length
  }
  t.ok(merges > 10_000, `${merges} merges happened`)
})

test('merging - nothing and one symbol stay as they are', (t) => {
  const rules = rulesOf([])
  t.alike([...mergeSymbols(new Int32Array(0), rules)], [])
  t.alike([...mergeSymbols(Int32Array.of(7), rules)], [7])
})
