import test, { type Test } from 'brittle'

import { auditRun, type AuditOptions } from './audit-run.ts'
import { addCounts } from './sim-run.ts'

const RUNS = 40

async function runs(t: Test, options: Omit<AuditOptions, 'seed'>): Promise<Record<string, number>> {
  const totals: Record<string, number> = {}
  for (let seed = 1; seed <= RUNS; seed++) {
    const report = await auditRun({ seed, ...options })
    addCounts(totals, report)
    if (report.problems.length > 0) t.fail(`seed ${seed}: ${report.problems.join('; ')}`)
  }
  return totals
}

test('sim audit - honest peers are never suspected, whatever is verified', async (t) => {
  for (const verify of [0.3, 1]) {
    const totals = await runs(t, { lie: 'none', verify })
    t.is(totals['finished'], RUNS, JSON.stringify(totals))
    t.ok((totals['checked'] ?? 0) > RUNS, JSON.stringify(totals))
    t.absent(totals['named'])
    t.absent(totals['suspected'])
  }
})

test('sim audit - one flipped bit in one activation is caught, and its peer is named', async (t) => {
  const totals = await runs(t, { lie: 'bit', verify: 1 })
  t.ok((totals['lied'] ?? 0) > RUNS / 2, JSON.stringify(totals))
  t.is(totals['named'], totals['lied'])
  t.absent(totals['suspected'])
})

test('sim audit - a token that was not the sampled one is caught, and its peer is named', async (t) => {
  const totals = await runs(t, { lie: 'token', verify: 1 })
  t.ok((totals['lied'] ?? 0) > RUNS / 2, JSON.stringify(totals))
  t.is(totals['named'], totals['lied'])
})

test('sim audit - a checker that lies is named, and the answer goes on', async (t) => {
  const totals = await runs(t, { lie: 'checker', verify: 1 })
  t.ok((totals['lied'] ?? 0) > RUNS / 2, JSON.stringify(totals))
  t.is(totals['named'], totals['lied'])
})

test('sim audit - a part is verified: no machine but the liar is blamed', async (t) => {
  const totals = await runs(t, { lie: 'bit', verify: 0.3 })
  t.ok((totals['named'] ?? 0) > RUNS / 8, JSON.stringify(totals))
  t.ok((totals['wrong'] ?? 0) > 0, JSON.stringify(totals))
})

test('sim audit - what nobody else can compute is refused where all is to be verified', async (t) => {
  const { problems } = await auditRun({ seed: 1, lie: 'none', verify: 1, spares: 0 })
  t.ok(/cannot be verified/.test(problems.join()), problems.join())
})

test('sim audit - what nobody else can compute goes on unverified, and that is said', async (t) => {
  const { problems, counts } = await auditRun({ seed: 1, lie: 'none', verify: 0.5, spares: 0 })
  t.ok(problems.length === 1 && problems[0]?.includes('not verified'), problems.join())
  t.is(counts['finished'], 1)
})

test('sim audit - canary: what is not verified can be wrong', async (t) => {
  const totals = await runs(t, { lie: 'bit', verify: 0 })
  t.ok((totals['wrong'] ?? 0) > RUNS / 2, JSON.stringify(totals))
})
