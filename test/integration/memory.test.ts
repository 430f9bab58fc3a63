// Nobody holds the model alone: peers whose memory is bounded split it by themselves, and split it anew
// when somebody comes or goes between two questions. Every answer is that of one machine alone.

import { join } from 'node:path'
import test from 'brittle'

import { demoModelSpec } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { agreedPlan, Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

import type { GenerateResult } from '../../src/api/service.ts'

/** Of some 33 MiB that the demo's model takes with its context: three such peers, or one without. */
const SHARE = ['--memory', '14MiB']
const QUESTION = ['-p', 'one two', '-n', '32', '--seed', '7']

async function setUp(lab: Lab) {
  const model = join(lab.folder, 'model.gguf')
  await writeSyntheticModel(model, demoModelSpec)
  const common = ['--model', model, '--threads', '1', '--bootstrap', await lab.bootstrap()]
  const alone = (await lab.json(['run', model, ...QUESTION])) as GenerateResult
  const topic = lab.topic('memory')
  const start = (name: string, flags: string[]) => lab.join(name, topic, [...common, ...flags])
  return { alone, start }
}

test('memory - peers split what none can hold, and anew as they come and go', REAL, async (t) => {
  const lab = Lab.open(t)
  const { alone, start } = await setUp(lab)
  const isAnswer = (result: GenerateResult) => {
    t.alike(result.ids, alone.ids)
    t.is(result.logitsHash, alone.logitsHash)
  }

  const few = [start('a', SHARE), start('b', SHARE), start('c', SHARE)]
  const split = await agreedPlan(few, 3)
  const first = await lab.generate(few[1] as LabPeer, QUESTION)
  t.is(first.stages.length, 3)
  isAnswer(first)

  // Pinned: on a busy machine it may measure itself so slow that the three are rightly kept beside it.
  const large = start('d', ['--layers', '0-11'])
  const all = [...few, large]
  t.not(await agreedPlan(all, 1), split)
  const second = await lab.generate(few[0] as LabPeer, QUESTION)
  t.alike(
    second.stages.map(({ peer, start, end }) => [peer, start, end]),
    [[await large.key(), 0, 12]]
  )
  isAnswer(second)

  await lab.json(['stop', '--data-dir', large.dataDir])
  t.is(await agreedPlan(few, 3), split, 'the same three make the same plan again')
  const third = await lab.generate(few[2] as LabPeer, QUESTION)
  t.is(third.stages.length, 3)
  isAnswer(third)
})

test('memory - without room for all layers the missing ones are named', REAL, async (t) => {
  const lab = Lab.open(t)
  const { start } = await setUp(lab)
  const peers = [start('a', SHARE), start('b', SHARE)] as const
  const hashes = peers.map(async (peer) => {
    const { data } = await peer.event('plan', ({ text }) => text.endsWith('for layers 10-11'))
    return data?.['hash']
  })
  const argv = ['--data-dir', peers[0].dataDir]
  t.is(await hashes[0], await hashes[1])
  const { hash, gap } = await lab.json(['plan', ...argv])
  t.alike([hash, gap], [await hashes[0], [{ start: 10, end: 12 }]])
  const { status, stdout, stderr } = await lab.run(['generate', ...argv, ...QUESTION])
  t.is(status, 4)
  t.is(stdout, '')
  const reason = 'no peer has room for layers 10-11: let another machine join'
  t.is(stderr, `waiting: ${reason}\nswarm: ${reason} [PLAN_GAP]\n`)
})
