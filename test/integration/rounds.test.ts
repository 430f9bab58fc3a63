// A model that the memory of all peers together does not hold, with disks slow enough that a token passes
// each of them several times. One of them is killed in mid-answer: what it held goes on over the others, from
// their disks. The words are those of one machine that has room for everything. How slow the disks are is
// written where peers keep what they measured: one that others use meanwhile measures anything.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { measureDisk } from '../../src/compute/disk-rate.ts'
import { demoModelSpec, type SyntheticSpec } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { Lab, REAL, agreedPlan } from '../helpers/swarm-lab.ts'

import type { GenerateResult } from '../../src/api/service.ts'

/** Layers of some 6 MiB. */
const SPEC: SyntheticSpec = {
  ...demoModelSpec,
  dim: 1024,
  hiddenDim: 2816,
  nLayers: 16,
  nHeads: 16,
  nKvHeads: 2
}
/** Three of these hold less than half of it. */
const MEMORY = ['--memory', '16MiB', '--context', '256', '--threads', '1']
/** From 3000 MiB/s on, one round may be as fast. */
const RATES = { weightMiBps: 16_000, int8Mops: 250_000, diskMiBps: 1000 }
const QUESTION = ['-p', 'one two', '-n', '60', '--seed', '7']

test(
  'rounds - a peer that a token passes several times is killed in mid-answer',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const model = join(lab.folder, 'model.gguf')
    await writeSyntheticModel(model, SPEC)
    if ((await measureDisk(model)) === null) return t.comment('skipped: no reads past the cache')
    await setRates(lab, model)
    const expected = (await lab.json(['run', model, ...QUESTION])) as GenerateResult
    const topic = lab.topic('rounds')
    const flags = ['--model', model, '--bootstrap', await lab.bootstrap(), ...MEMORY]
    const peers = ['a', 'b', 'c'].map((name) => lab.join(name, topic, flags))
    const [origin, , lost] = peers as [(typeof peers)[0], (typeof peers)[0], (typeof peers)[0]]
    await agreedPlan(peers, 3)
    const { stages } = await lab.json(['plan', '--data-dir', origin.dataDir])
    t.ok(stages.length > peers.length, `${stages.length} stages`)

    const argv = ['generate', '--data-dir', origin.dataDir, ...QUESTION, '--json', '--stream']
    const answer = lab.start(argv)
    await answer.until(() => answer.lines.filter(({ type }) => type === 'text').length > 20)
    lost.command.signal('SIGKILL')
    t.is((await answer.ended).status, 0, answer.output)
    t.alike([answer.last['ids'], answer.last['logitsHash']], [expected.ids, expected.logitsHash])
    const { losses, tokensPerSecond, predicted } = answer.last['timing']
    t.comment(JSON.stringify({ losses, tokensPerSecond, predicted: predicted?.tokensPerSecond }))
    t.is(losses.length, 1)
  }
)

/** What every peer of this lab finds as measured by an earlier start. */
async function setRates(lab: Lab, model: string): Promise<void> {
  await lab.json(['bench', model, '--threads', '1'])
  const path = join(lab.env()['XDG_CACHE_HOME'] as string, 'swarm', 'profile.json')
  const { hardware } = JSON.parse(readFileSync(path, 'utf8'))
  const { weightMiBps, int8Mops, diskMiBps } = RATES
  const averages = { weight: once(weightMiBps), int8: once(int8Mops), disk: once(diskMiBps) }
  writeFileSync(path, JSON.stringify({ hardware, ...RATES, averages }))
}

function once(rate: number) {
  return { rate, samples: 1 }
}
