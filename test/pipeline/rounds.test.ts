// A token that passes two machines three times each, whose layers are read from disk: the answer of one
// machine, and every layer is read once for each pass and not more often.

import test, { type Test } from 'brittle'

import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { rangeBytes } from '../../src/model/tensors.ts'
import { evenChunking } from '../../src/sharding/chunking.ts'
import { bytesRead } from '../helpers/bytes-read.ts'
import { layersOf } from '../../src/model/layer-part.ts'
import { LocalSwarm } from '../helpers/local-swarm.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel } from '../helpers/stage-model.ts'

const N_LAYERS = 12
const CUTS = [2, 4, 6, 8, 10]
const ALL = Array.from({ length: N_LAYERS }, (_, layer) => layer)
const PROMPT = Array.from({ length: 90 }, (_, i) => 300 + ((i * 37) % 150))

async function open(t: Test) {
  const model = await readStageModel(await syntheticModel(t, { ...smallLlama, nLayers: N_LAYERS }))
  const alone = await LocalSwarm.open(model, [])
  const swarm = await LocalSwarm.open(model, CUTS, { nPeers: 2, onDisk: ALL })
  t.teardown(() => alone.close())
  t.teardown(() => swarm.close())
  const chunking = evenChunking(32, true)
  const route = {
    stages: swarm.route,
    planHash: '11'.repeat(32),
    viewHash: '22'.repeat(32),
    chunking
  }
  return { model, alone, swarm, route }
}

test('rounds - an answer over two peers that it passes three times each is that of one', async (t) => {
  const { alone, swarm, route } = await open(t)
  t.alike(
    swarm.stages.map(({ stage }) => stage.held.map(({ start }) => start)),
    [
      [0, 4, 8],
      [2, 6, 10]
    ]
  )
  t.alike(
    swarm.stages.map(({ stage }) => layersOf(stage.onDisk).length),
    [6, 6]
  )
  for (const temperature of [0, 1]) {
    const sampling = { ...GREEDY, temperature, seed: 5 }
    const expected = await alone.ask(PROMPT, 24, sampling)
    const answer = await swarm.ask(PROMPT, 24, sampling, { route })
    t.alike([answer.ids, answer.logitsHash], [expected.ids, expected.logitsHash])
    t.is(new Set(expected.ids).size > 3, true, 'an answer of more than one word')
  }
})

test('rounds - several at once answer as alone', async (t) => {
  const { alone, swarm, route } = await open(t)
  const asks = Array.from({ length: 5 }, (_, i) => ({ ids: PROMPT.slice(13 * i), seed: i }))
  const sampling = { ...GREEDY, temperature: 1 }
  const answers = await Promise.all(
    asks.map(({ ids, seed }) => swarm.ask(ids, 12, { ...sampling, seed }, { route }))
  )
  for (const [i, { ids, seed }] of asks.entries()) {
    const expected = await alone.ask(ids, 12, { ...sampling, seed })
    t.alike(
      [answers[i]?.ids, answers[i]?.logitsHash],
      [expected.ids, expected.logitsHash],
      `answer ${i}`
    )
  }
})

test('rounds - what the disks read ahead is what the next stage needs', async (t) => {
  const { model, swarm, route } = await open(t)
  const passBytes = rangeBytes(model.tensors, { start: 1, end: N_LAYERS - 1 }, N_LAYERS) * 1.2
  const readBy = async (count: number) => {
    const before = bytesRead()
    await swarm.ask(PROMPT, count, GREEDY, { route })
    return (bytesRead() - before) / passBytes
  }
  const few = await readBy(4)
  const many = await readBy(36)
  // A prompt of three chunks and three tokens more: six passes; the edges of blocks come on top.
  t.ok(few > 5.5 && few < 7.1, `${few} passes`)
  t.ok(many - few > 31 && many - few < 32 * 1.3, `${many - few} passes for 32 tokens more`)
})
