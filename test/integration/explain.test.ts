// Predicted beside measured, of real peers: what an answer cost is told by its closing line, by the running
// peer, and by the file that it leaves.

import test from 'brittle'

import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { sumOfParts } from '../../src/cli/explain-view.ts'
import { syntheticModel } from '../helpers/stage-model.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

import type { SessionReport } from '../../src/wire/session-report.ts'

const TOKENS = 40

test(
  'explain - the parts of an answer over three peers add up, and outlive the peer',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const model = await syntheticModel(t, smallLlama)
    const peers = await lab.pinned(model, ['0-0', '1-2', '3-3'])
    const [origin] = peers as [LabPeer]
    const flags = ['-p', 'Once upon a time', '-n', String(TOKENS), '--temp', '0']
    const argv = ['generate', '--data-dir', origin.dataDir, ...flags]
    const { status, stderr } = await lab.run(argv)
    t.is(status, 0, stderr)
    t.ok(
      / tok\/s \(predicted \d+\.\d\), prompt \d+ tokens in \d+\.\d\d s \(predicted /.test(stderr),
      stderr
    )
    const generated = await lab.generate(origin, flags)
    const explain = ['explain', '--data-dir', origin.dataDir]
    const told = (await lab.json(explain))['sessions'] as SessionReport[]
    t.is(told.length, 2)
    const last = told.at(-1) as SessionReport
    t.is(last.nTokens, generated.ids.length)
    t.is(last.decodeMs, generated.timing.decodeMs)
    t.is(last.predictedTokensPerSecond, generated.timing.predicted?.tokensPerSecond)
    for (const report of told) {
      const { hops } = report
      t.alike(
        hops.map(({ start, end }) => [start, end]),
        [
          [0, 1],
          [1, 3],
          [3, 4]
        ]
      )
      const sum = sumOfParts(report)
      t.ok(Math.abs((sum?.share ?? NaN) - 1) <= 0.03, `${sum?.partsMs} of ${sum?.wallMs} ms`)
      t.ok(
        hops.every(({ computeMs, queueMs, wireMs }) => computeMs > 0 && queueMs >= 0 && wireMs > 0)
      )
      t.ok(hops.every(({ predicted }) => predicted !== null && predicted.wireMs > 0))
    }
    await lab.run(['stop', '--data-dir', origin.dataDir])
    await origin.command.ended
    t.alike((await lab.json(explain))['sessions'], told)
    const shown = await lab.run([...explain, last.session.slice(0, 8)])
    t.ok(
      /\nparts \S+ ms of \S+ ms from token to token \((9[7-9]|10[0-3])\.\d %\)\n/.test(
        shown.stdout
      ),
      shown.stdout
    )
    t.ok(shown.stdout.includes('\nmost of it, '), shown.stdout)
    t.comment(`\n${shown.stdout}`)
  }
)
