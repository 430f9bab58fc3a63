// Layers that stand by: once all stages are held, a machine without a stage loads the layers of another's,
// and when that one is killed the next answer begins at once, with no layer read and the same bits.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { cacheDirPath } from '../../src/cli/paths.ts'
import { demoModelSpec } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { agreedPlan, Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'

import type { GenerateResult } from '../../src/api/service.ts'

/** Of some 33 MiB that the model takes with its context: two such peers hold it, a third half of it. */
const SHARE = ['--memory', '22MiB']
const QUESTION = ['-p', 'one two', '-n', '32', '--seed', '7']

test('standby - a machine to spare loads a stage and takes it over as it is', REAL, async (t) => {
  const lab = Lab.open(t)
  const model = join(lab.folder, 'model.gguf')
  await writeSyntheticModel(model, demoModelSpec)
  const alone = (await lab.json(['run', model, ...QUESTION])) as GenerateResult
  const flags = ['--model', model, '--threads', '1', '--bootstrap', await lab.bootstrap(), ...SHARE]
  const topic = lab.topic('standby')
  const joined = (name: string) => lab.join(name, topic, flags)
  const peers = [joined('a')]
  // Measured at the same time each would find another speed, and so would the next plan.
  await until(() => existsSync(join(cacheDirPath(lab.env()), 'profile.json')))
  peers.push(joined('b'), joined('c'))
  const before = await agreedPlan(peers, 2)
  const keys = await Promise.all(peers.map((peer) => peer.key()))
  const peerOf = (key = '') => peers[keys.indexOf(key)] as LabPeer

  const { stages, standbys } = await (peers[0] as LabPeer).client.plan()
  const [standby] = standbys
  t.is(standbys.length, 1)
  const { start = -1, end = -1 } = standby ?? {}
  const spare = peerOf(standby?.peer)
  t.absent(stages.some(({ peer }) => peer === standby?.peer))
  const { text } = await spare.event('standby')
  t.is(text, `layers ${start}-${end - 1} stand by here`)
  const status = await spare.client.status()
  t.alike([status.held, status.standby], [[{ start, end }], [{ start, end }]])
  t.is(await agreedPlan(peers, 2), before, 'what stands by changes no plan')

  const lost = stages.find((stage) => stage.start === start)
  const kept = stages.find((stage) => stage.start !== start)
  const origin = peerOf(kept?.peer)
  await until(async () => {
    const known = (await origin.client.peers()).find(({ key }) => key === standby?.peer)
    return known?.standby[0]?.start === start
  })
  const first = await lab.generate(origin, QUESTION)
  t.alike([first.ids, first.logitsHash], [alone.ids, alone.logitsHash])

  const nLines = spare.command.lines.length
  peerOf(lost?.peer).command.signal('SIGKILL')
  await origin.event('peer', ({ text }) => text.endsWith('is gone'))
  const second = await lab.generate(origin, QUESTION)
  t.alike([second.ids, second.logitsHash], [alone.ids, alone.logitsHash])
  t.ok(second.stages.some(({ peer }) => peer === standby?.peer))
  const survivors = [origin, spare]
  const after = await spare.command.until(() => {
    const news = spare.command.lines.slice(nLines).findLast(({ kind }) => kind === 'plan')
    return news?.['data'] ?? null
  })
  t.is(await agreedPlan(survivors, 2), after.hash)
  const rangeOf = (one: { start: number; end: number }) => [one.start, one.end]
  t.alike(after.stages.map(rangeOf), stages.map(rangeOf), 'no layer moves')
  const kinds = spare.command.lines.slice(nLines).map(({ kind }) => kind)
  t.absent(kinds.includes('layers'), 'nothing was loaded')
})
