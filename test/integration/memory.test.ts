// Nobody holds the model alone: peers whose memory is bounded split it by themselves, and split it anew
// when somebody comes or goes between two questions. Every answer is that of one machine alone.

import { join } from 'node:path'
import test from 'brittle'

import { measureDisk } from '../../src/compute/disk-rate.ts'
import { demoModelSpec } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { agreedPlan, Lab, REAL, type Json, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'

import type { GenerateResult } from '../../src/api/service.ts'

/** Of some 33 MiB that the demo's model takes with its context: three such peers, or one without. */
const SHARE = ['--memory', '14MiB']
/** Of some 10 MiB with a shorter context: two such peers read layers from disk, three do not. */
const LITTLE = ['--memory', '4MiB', '--context', '512']
/** Two of these have no room for keys and values, which no disk takes. */
const TOO_LITTLE = ['--memory', '12MiB']
const LONG = ['-p', 'one two', '-n', '400', '--seed', '7']
const QUESTION = ['-p', 'one two', '-n', '32', '--seed', '7']

async function setUp(lab: Lab) {
  const model = join(lab.folder, 'model.gguf')
  await writeSyntheticModel(model, demoModelSpec)
  const common = ['--model', model, '--threads', '1', '--bootstrap', await lab.bootstrap()]
  const alone = (await lab.json(['run', model, ...QUESTION])) as GenerateResult
  const topic = lab.topic('memory')
  const start = (name: string, flags: string[]) => lab.join(name, topic, [...common, ...flags])
  return { alone, start, model }
}

test('memory - peers split what none can hold, and anew as they come and go', REAL, async (t) => {
  const lab = Lab.open(t)
  const { alone, start } = await setUp(lab)
  const isAnswer = (result: GenerateResult) => {
    t.alike(result.ids, alone.ids)
    t.is(result.logitsHash, alone.logitsHash)
  }

  const few = [start('a', SHARE), start('b', SHARE), start('c', SHARE)]
  await agreedPlan(few, 3)
  const first = await lab.generate(few[1] as LabPeer, QUESTION)
  // What was measured of links meanwhile may have moved a layer.
  const split = await agreedPlan(few, 3)
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

/** Of each peer, how many layers it reads from disk for each token. */
async function onDisk(lab: Lab, peers: readonly LabPeer[]): Promise<Map<string, number>> {
  const all = await Promise.all(
    peers.map(({ dataDir }) => lab.json(['status', '--data-dir', dataDir]))
  )
  return new Map(all.map((status) => [status['key'], status['onDisk'].length]))
}

test('memory - what none has room for is read from disk, until there is room', REAL, async (t) => {
  const lab = Lab.open(t)
  const { alone, start, model } = await setUp(lab)
  if ((await measureDisk(model)) === null) return t.comment('skipped: no reads past the cache')
  const isAnswer = ({ ids, logitsHash }: GenerateResult) =>
    t.alike([ids, logitsHash], [alone.ids, alone.logitsHash])

  const few = [start('a', LITTLE), start('b', LITTLE)]
  await agreedPlan(few, 2)
  const fromDisks = await lab.generate(few[1] as LabPeer, QUESTION)
  isAnswer(fromDisks)
  t.comment(`${fromDisks.stages.length} stages on two peers, as their disks were measured`)
  // New links may still move a layer from one to the other.
  await until(async () => {
    const { streamed } = await lab.json(['plan', '--data-dir', (few[0] as LabPeer).dataDir])
    const planned = new Map(streamed.map(({ peer, layers }: Json) => [peer, layers]))
    const read = [...(await onDisk(lab, few))]
    return planned.size > 0 && read.every(([key, layers]) => layers === (planned.get(key) ?? 0))
  })

  const third = start('c', LITTLE)
  await agreedPlan([...few, third], 3)
  isAnswer(await lab.generate(third, QUESTION))
  await until(async () => [...(await onDisk(lab, few)).values()].every((layers) => layers === 0))
  isAnswer(await lab.generate(few[0] as LabPeer, QUESTION))

  // Its layers are nowhere else, and the others have no room for them: from disk they serve at once.
  const expected = (await lab.json(['run', model, ...LONG])) as GenerateResult
  const argv = ['generate', '--data-dir', (few[0] as LabPeer).dataDir, ...LONG]
  const answer = lab.start([...argv, '--json', '--stream'])
  await answer.until(() => answer.lines.filter(({ type }) => type === 'text').length > 20)
  third.command.signal('SIGKILL')
  t.is((await answer.ended).status, 0, answer.output)
  t.alike([answer.last['ids'], answer.last['logitsHash']], [expected.ids, expected.logitsHash])
  const { losses } = answer.last['timing']
  t.comment(JSON.stringify(losses))
  t.is(losses.length, 1)
  t.ok([...(await onDisk(lab, few)).values()].some((layers) => layers > 0))
})

test('memory - without room for all layers the missing ones are named', REAL, async (t) => {
  const lab = Lab.open(t)
  const { start } = await setUp(lab)
  const peers = [start('a', TOO_LITTLE), start('b', TOO_LITTLE)] as const
  const hashes = peers.map(async (peer) => {
    const { data } = await peer.event('plan', ({ text }) => text.endsWith('for layers 8-11'))
    return data?.['hash']
  })
  const argv = ['--data-dir', peers[0].dataDir]
  t.is(await hashes[0], await hashes[1])
  const { hash, gap } = await lab.json(['plan', ...argv])
  t.alike([hash, gap], [await hashes[0], [{ start: 8, end: 12 }]])
  const { status, stdout, stderr } = await lab.run(['generate', ...argv, ...QUESTION])
  t.is(status, 4)
  t.is(stdout, '')
  const reason = 'no peer has room for layers 8-11: let another machine join'
  t.is(stderr, `waiting: ${reason}\nswarm: ${reason} [PLAN_GAP]\n`)
})
