// A conversation that is saved outlives every process: two real peers are killed and started again, and the
// next turn computes only what is new.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { SAMPLING_DEFAULTS } from '../../src/wire/sampling-defaults.ts'
import { shape1b } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

import type { GenerateResult } from '../../src/api/service.ts'

/** Both as they were before, from what is on their disks. */
async function killAndRestart(lab: Lab, peers: readonly LabPeer[]): Promise<LabPeer[]> {
  for (const { command } of peers) command.signal('SIGKILL')
  await Promise.all(peers.map(({ command }) => command.ended))
  const again = peers.map((peer) => lab.restart(peer))
  await Promise.all(again.map((peer) => peer.plan(peers.length)))
  await Promise.all(again.map((peer) => peer.event('layers')))
  return again
}

test(
  'saved - a conversation goes on after every peer was killed and started again',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const model = join(lab.folder, 'wide.gguf')
    // Wide enough that a prompt takes longer to compute than to read back.
    await writeSyntheticModel(model, { ...shape1b, nLayers: 4, vocabSize: 4096 })
    let peers = await lab.pinned(model, ['0-1', '2-3'])
    await Promise.all(peers.map((peer) => peer.event('layers')))
    const [{ dataDir }] = peers as [LabPeer]
    const file = join(lab.folder, 'talk.json')
    const flags = ['--data-dir', dataDir, '--seed', '5', '-n', '8', '--json']
    const question = 'why do the machines of this house answer as one '.repeat(48)
    const first = await lab.run(['chat', ...flags], { stdin: `${question}\n/save ${file}\n` })
    t.is(first.status, 0, first.stderr)
    t.ok(first.stderr.includes('2 of 2 stages keep what they computed on disk'), first.stderr)
    const saved = JSON.parse(readFileSync(file, 'utf8'))
    t.ok(saved.kv.ids.length > 900, `${saved.kv.ids.length} positions`)
    for (const peer of peers) t.is(readdirSync(join(peer.dataDir, 'saved')).length, 1)

    peers = await killAndRestart(lab, peers)
    const second = await lab.run(['chat', '--load', file, ...flags], { stdin: 'and now\n' })
    t.is(second.status, 0, second.stderr)
    const talk = JSON.parse(second.stdout.trim().split('\n').at(-1) as string)
    const warm = talk.turns[0] as GenerateResult
    const kept = Number(/(\d+) of \d+ tokens were kept/.exec(second.stderr)?.[1])
    t.ok(kept > 900 && kept <= saved.kv.ids.length, `${kept} were kept`)

    peers = await killAndRestart(lab, peers)
    let cold: GenerateResult | null = null
    for await (const event of (peers[0] as LabPeer).client.generate({
      messages: talk.messages.slice(0, 3),
      maxTokens: 8,
      sampling: { ...SAMPLING_DEFAULTS, seed: 5 },
      stop: [],
      kvType: 'f16'
    })) {
      if (event.type === 'route') t.is(event.cachedTokens, 0)
      if (event.type === 'done') cold = event.result
    }
    t.alike([warm.ids, warm.logitsHash], [cold?.ids, cold?.logitsHash])
    const [warmMs, coldMs] = [warm.timing.prefillMs, cold?.timing.prefillMs as number]
    const times = `first token after ${warmMs.toFixed(0)} ms, cold ${coldMs.toFixed(0)} ms`
    t.comment(`${times}, of ${warm.promptIds.length} tokens`)
    t.ok(warmMs < coldMs / 2, times)
  }
)
