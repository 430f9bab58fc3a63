import test from 'brittle'

import { ROUTE_STAGES_MAX } from '../../src/base/limits.ts'
import { formatReport, parseReport, type SessionReport } from '../../src/wire/session-report.ts'
import { threePeers } from '../helpers/top-states.ts'

const report = threePeers().generation as SessionReport

test('session report - what was written is what is read', (t) => {
  t.alike(parseReport(formatReport(report)), report)
  const bare = { ...report, predictedTokensPerSecond: null, predictedFirstTokenMs: null, hops: [] }
  t.alike(parseReport(formatReport(bare)), bare)
})

test('session report - a line that was cut anywhere is none', (t) => {
  const line = formatReport(report)
  for (let length = 0; length < line.length; length++) {
    if (parseReport(line.slice(0, length)) !== null) t.fail(`${length} of ${line.length}`)
  }
  t.pass()
})

test('session report - each field is needed, and refused out of its bounds', (t) => {
  const names = Object.keys(report) as (keyof SessionReport)[]
  for (const name of names) {
    for (const wrong of [undefined, -1, 1.5e300, 'x'.repeat(500), {}, [{}], true]) {
      if (parseReport(JSON.stringify({ ...report, [name]: wrong })) !== null) {
        t.fail(`${name} as ${JSON.stringify(wrong)}`)
      }
    }
  }
  const [hop] = report.hops
  for (const name of Object.keys(hop ?? {})) {
    for (const wrong of [undefined, -1, 'x'.repeat(500), true]) {
      const hops = [{ ...hop, [name]: wrong }]
      if (parseReport(JSON.stringify({ ...report, hops })) !== null) t.fail(`hop ${name}`)
    }
  }
  const many = (count: number) => JSON.stringify({ ...report, hops: Array(count).fill(hop) })
  t.ok(parseReport(many(ROUTE_STAGES_MAX)))
  t.is(parseReport(many(ROUTE_STAGES_MAX + 1)), null)
  for (const line of ['null', '[]', '1', '"x"', '{}']) t.is(parseReport(line), null, line)
})
