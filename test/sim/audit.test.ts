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
    t.ok((totals['drafts'] ?? 0) > RUNS, JSON.stringify(totals))
    t.absent(totals['named'])
    t.absent(totals['suspected'])
  }
})

test('sim audit - peers with several ranges and stages are never suspected, and caught', async (t) => {
  const honest = await runs(t, { lie: 'none', verify: 1, isRepeated: true })
  t.is(honest['finished'], RUNS, JSON.stringify(honest))
  for (const lie of ['bit', 'token', 'checker'] as const) {
    const totals = await runs(t, { lie, verify: 1, isRepeated: true })
    t.ok((totals['lied'] ?? 0) > RUNS / 2, JSON.stringify(totals))
    t.is(totals['named'], totals['lied'], lie)
  }
})

test('sim audit - a peer that crashes convicts nobody else, and the answer stays verified', async (t) => {
  const honest = await runs(t, { lie: 'none', verify: 1, crashes: true })
  t.is(honest['finished'], RUNS, JSON.stringify(honest))
  t.ok((honest['crashes'] ?? 0) > RUNS / 2, JSON.stringify(honest))
  t.absent(honest['named'])
  const totals = await runs(t, { lie: 'bit', verify: 1, crashes: true })
  t.is(totals['finished'], RUNS, JSON.stringify(totals))
  t.ok((totals['lied'] ?? 0) > RUNS / 2, JSON.stringify(totals))
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

test('sim audit - a stage that does not say what it computed is left out, not convicted', async (t) => {
  const totals = await runs(t, { lie: 'silent', verify: 1 })
  t.is(totals['finished'], RUNS, JSON.stringify(totals))
  t.is(totals['suspected'], totals['lied'])
  t.absent(totals['named'])
})

test('sim audit - where every peer lies, the answer ends and shows nothing wrong', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const { problems, counts } = await auditRun({ seed, lie: 'all', verify: 1, spares: 24 })
    const ends = problems.filter((problem) => problem.startsWith('failed'))
    t.ok(/too many faults in one answer/.test(ends.join()), problems.join('; '))
    t.is(ends.length, problems.length, problems.join('; '))
    t.absent(counts['finished'])
  }
})

test('sim audit - whoever leaves in the middle leaves nothing behind', async (t) => {
  for (let seed = 1; seed <= RUNS; seed++) {
    for (const lie of ['none', 'bit', 'checker'] as const) {
      const leavesAfter = 2 + (seed % 9)
      const { problems } = await auditRun({ seed, lie, verify: 1, leavesAfter })
      if (problems.length > 0) t.fail(`seed ${seed}, ${lie}: ${problems.join('; ')}`)
    }
  }
  t.pass()
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
