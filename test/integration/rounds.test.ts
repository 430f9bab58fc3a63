// A model that the memory of all peers together does not hold, with disks slow enough that a token passes
// each of them several times. One of them is killed in mid-answer: what it held goes on over the others, from
// their disks. The words are those of one machine that has room for everything.

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
/** Bytes per second of a disk from which on one round may be as fast; at 1.0e9 there are five. */
const RATE_MAX = 3e9
const QUESTION = ['-p', 'one two', '-n', '60', '--seed', '7']

test(
  'rounds - a peer that a token passes several times is killed in mid-answer',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const model = join(lab.folder, 'model.gguf')
    await writeSyntheticModel(model, SPEC)
    const rate = await measureDisk(model)
    if (rate === null) return t.comment('skipped: no reads past the cache')
    if (rate > RATE_MAX) return t.comment(`skipped: the disk reads ${(rate / 1e9).toFixed(1)} GB/s`)
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
