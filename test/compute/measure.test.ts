import test from 'brittle'

import { loadKernels } from '../../src/compute/addon.ts'
import { measure } from '../../src/compute/measure.ts'

const ONE = { meter: 'multiply', type: 'Q4_K', nTokens: 1 } as const
const MANY = { ...ONE, nTokens: 64 } as const

test('measure - every table is measured in seconds, and the slowest is told so', async (t) => {
  const rates = new Map<string, number[]>()
  for (const table of loadKernels().available) {
    const start = process.cpuUsage().user
    const measured = await measure([ONE, MANY], { threads: 1, table })
    // 1.6 s here with plain C++; it was 10 s where the third cache is large.
    t.ok(process.cpuUsage().user - start < 5e6, table)
    rates.set(
      table,
      measured.map(({ best }) => best)
    )
  }
  const plain = rates.get('scalar') ?? []
  for (const [table, of] of rates) {
    if (table !== 'scalar')
      t.ok(
        of.every((rate, i) => rate > 2 * (plain[i] as number)),
        table
      )
  }
  t.is(plain.length, 2)
})
