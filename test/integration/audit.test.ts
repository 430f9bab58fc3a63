// Real processes: the disk of one machine has lost a bit of a weight, so that its activations are wrong. What
// is verified names it, leaves it out, and shows nothing of it.

import { copyFile, open, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { readStageModel } from '../helpers/stage-model.ts'
import { Lab, REAL, type Json, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'

import type { GenerateResult } from '../../src/api/service.ts'

const QUESTION = ['-p', 'one two', '-n', '24', '--temp', '0.8', '--seed', '7']
const WRITTEN_S = 1_700_000_000

/** A turn of a conversation that the stages keep for the next one. */
async function keptTurn({ client }: LabPeer, session?: string): Promise<GenerateResult> {
  const request = {
    prompt: 'one two',
    maxTokens: 4,
    sampling: {},
    stop: [],
    kvType: 'f16' as const
  }
  const asked = { ...request, keep: true, ...(session !== undefined && { session }) }
  for await (const event of client.generate(asked, new AbortController().signal)) {
    if (event.type === 'done') return event.result
  }
  throw new Error('no result')
}

/** A copy that was intact when its id was computed, and has lost one bit of layer 3 since then. */
async function rottenCopy(lab: Lab, model: string): Promise<string> {
  const path = join(lab.folder, 'rotten.gguf')
  await copyFile(model, path)
  await utimes(path, WRITTEN_S, WRITTEN_S)
  await lab.json(['run', path, '-p', 'one', '-n', '1'])
  const { tensors } = await readStageModel(path)
  const tensor = tensors.find(({ name }) => name === 'blk.3.ffn_down.weight')
  if (tensor === undefined) throw new Error('the model has no such layer')
  const file = await open(path, 'r+')
  const byte = new Uint8Array(1)
  await file.read(byte, 0, 1, tensor.offsetBytes)
  byte[0] = (byte[0] as number) ^ 0x40
  await file.write(byte, 0, 1, tensor.offsetBytes)
  await file.close()
  await utimes(path, WRITTEN_S, WRITTEN_S)
  return path
}

/**
 * One that asks and has the first layers, the rotten one, and four that have its layers among them. An answer
 * over any of those takes a stage more, so that the plan is the asking one and the rotten one.
 */
async function setUp(t: Test) {
  const lab = Lab.open(t)
  const model = join(lab.folder, 'model.gguf')
  await writeSyntheticModel(model, smallLlama)
  const alone = await lab.json(['run', model, ...QUESTION])
  const rotten = await rottenCopy(lab, model)
  const topic = lab.topic('audit')
  const bootstrap = ['--bootstrap', await lab.bootstrap()]
  const joining = (name: string, path: string, pin: string): LabPeer => {
    return lab.join(name, topic, ['--model', path, '--layers', pin, '--threads', '1', ...bootstrap])
  }
  const asking = joining('asking', model, '0-1')
  const liar = joining('liar', rotten, '2-3')
  const others = ['2-2', '3-3', '2-2', '3-3'].map((pin, i) => joining(`other ${i}`, model, pin))
  const peers = [asking, liar, ...others]
  await Promise.all(peers.map((peer) => peer.event('layers')))
  const keys = await Promise.all(peers.map((peer) => peer.key()))
  await until(async () => {
    const known = await asking.client.peers()
    return keys.every((key) => known.some((peer) => peer.key === key && peer.held.length > 0))
  })
  await asking.plan(2)
  return { lab, alone, asking, liarKey: keys[1] as string }
}

test(
  'audit - a machine that lost one bit is named, and its tokens are never shown',
  REAL,
  async (t) => {
    const { lab, alone, asking, liarKey } = await setUp(t)
    const ask = ['generate', '--data-dir', asking.dataDir, ...QUESTION]
    const unverified = await lab.json(ask)
    t.not(unverified['logitsHash'], alone['logitsHash'], 'canary: the bit matters')
    const kept = await keptTurn(asking)
    t.ok(kept.stages.some(({ peer }) => peer === liarKey))
    const command = lab.start([...ask, '--verify', '1', '--json', '--stream'])
    t.is((await command.ended).status, 0)
    const audits = command.lines.filter(({ type }) => type === 'audit')
    t.alike(
      audits.map(({ guilty, isCertain }) => ({ guilty, isCertain })),
      [{ guilty: [liarKey], isCertain: true }]
    )
    t.ok(
      /computed wrong bits at position \d+: it is left out, \d+ tokens? withdrawn/.test(
        audits[0]?.['text']
      )
    )
    const shown = command.lines.flatMap((line: Json) =>
      line['type'] === 'text' ? line['ids'] : []
    )
    t.alike(shown, alone['ids'])
    t.is(command.last['logitsHash'], alone['logitsHash'])
    t.is(command.last['audit'].checkedTokens, alone['ids'].length)
    const again = await lab.json([...ask, '--verify', '1'])
    t.alike(
      [again['ids'], again['audit'].excluded],
      [alone['ids'], []],
      'it is left out from then on'
    )
    const plain = await lab.json(ask)
    t.is(plain['logitsHash'], alone['logitsHash'], 'also where nothing is verified')
    const next = await keptTurn(asking, kept.session)
    t.absent(
      next.stages.some(({ peer }) => peer === liarKey),
      'and of conversations that began over it'
    )
  }
)
