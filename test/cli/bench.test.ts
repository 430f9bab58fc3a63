// `swarm bench`: what it prints of figures, and the command end to end on a small model.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { forecastLine, typeLines } from '../../src/cli/command/bench.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { syntheticModel } from '../helpers/stage-model.ts'
import { lastLine, openShell, SLOW } from '../helpers/swarm-command.ts'

test('bench view - a line per type with its shares, and the prediction', (t) => {
  const figures = {
    type: 'Q4_K',
    decodeBytesPerSecond: 31.26e9,
    decodeShare: 0.861,
    prefillOpsPerSecond: 1.19e12,
    prefillShare: 0.63
  } as const
  t.alike(typeLines([figures], 80), [
    'type  decode GB/s  of memory  prefill Gop/s  of int8 or f32',
    'Q4_K         31.3       86 %           1190            63 %'
  ])
  const predicted = {
    decodeTokensPerSecond: 41.96,
    prefillTokensPerSecond: 310.4,
    bytesPerToken: 6.3e8
  }
  t.is(
    forecastLine({ name: 'a llama' }, predicted),
    "'a llama', 630 MB a token: 42.0 tok/s predicted, a prompt at 310 tok/s"
  )
})

test('bench - measures the formats of a file and predicts its speed', SLOW, async (t) => {
  const shell = await openShell(t)
  const path = await syntheticModel(t, smallLlama)
  const { status, stdout } = await shell.run(['bench', path, '--threads', '1', '--json'])
  t.is(status, 0)
  const { threads, ceilings, types, model, machine } = lastLine(stdout)
  t.is(threads, 1)
  t.ok(ceilings.readBytesPerSecond > 1e8)
  t.alike(types.map(({ type }: { type: string }) => type).toSorted(), ['Q4_K', 'Q6_K'])
  t.is(model.name, 'small llama')
  t.ok(model.decodeTokensPerSecond > 1)
  t.alike(model.onDisk, [])
  t.ok(machine.weightMiBps >= 32)
  const kept = JSON.parse(readFileSync(join(shell.folder, '.cache/swarm/profile.json'), 'utf8'))
  t.is(kept.weightMiBps, machine.weightMiBps, 'what the next swarm join reads')
})

test('bench - a file that is no model is refused before anything is measured', SLOW, async (t) => {
  const shell = await openShell(t)
  const { status, stderr } = await shell.run(['bench', 'package.json'])
  t.is(status, 5)
  t.ok(stderr.includes('MODEL_'), stderr)
})
