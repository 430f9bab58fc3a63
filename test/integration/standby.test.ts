// Layers that stand by: once all stages are held, a machine without a stage loads the layers of another's,
// and when that one is killed the next answer begins at once, with no layer read and the same bits.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { sleep, systemClock } from '../../src/base/clock.ts'
import { cacheDirPath } from '../../src/cli/paths.ts'
import { demoModelSpec } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { agreedPlan, Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'

import type { GenerateResult, PlanStatus } from '../../src/api/service.ts'

/** Of some 33 MiB that the model takes with its context: two such peers hold it, a third half of it. */
const SHARE = ['--memory', '22MiB']
const QUESTION = ['-p', 'one two', '-n', '32', '--seed', '7']

/**
 * Who has which part, once the plan's standby stands by, the origin knows it, and an answer has gone over
 * that plan. Links are measured while other tests use the machine, and a plan may follow what is measured
 * later: whom it makes the spare one then may have its layers already, and loads nothing.
 */
async function untilStandby(lab: Lab, peers: readonly LabPeer[], alone: GenerateResult) {
  const keys = await Promise.all(peers.map((peer) => peer.key()))
  const peerOf = (key = '') => peers[keys.indexOf(key)] as LabPeer
  for (;;) {
    const plans = await Promise.all(peers.map(({ client }) => client.plan()))
    const [{ hash, ready, stages, standbys }] = plans as [PlanStatus]
    const [standby] = standbys
    const lost = stages.find(({ start }) => start === standby?.start)
    const kept = stages.find(({ start }) => start !== standby?.start)
    const isOne = ready && plans.every((plan) => plan.hash === hash)
    if (isOne && standby && lost && kept && stages.length === 2 && standby.peer !== kept.peer) {
      const [origin, spare] = [peerOf(kept.peer), peerOf(standby.peer)]
      const known = (await origin.client.peers()).find(({ key }) => key === standby.peer)
      if (known?.standby[0]?.start === standby.start) {
        const { ids, logitsHash } = await lab.generate(origin, QUESTION)
        if (ids.join() !== alone.ids.join() || logitsHash !== alone.logitsHash) {
          throw new Error('another answer than that of one machine alone')
        }
        const isSame = (await origin.client.plan()).hash === hash
        if (isSame) return { stages, standby, origin, spare, lost: peerOf(lost.peer) }
      }
    }
    await sleep(systemClock, 50)
  }
}

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
  await agreedPlan(peers, 2)
  const { stages, standby, origin, lost, spare } = await untilStandby(lab, peers, alone)
  const { start, end } = standby
  const status = await spare.client.status()
  t.alike([status.held, status.standby], [[{ start, end }], [{ start, end }]])

  const nLines = spare.command.lines.length
  const lostKey = await lost.key()
  lost.command.signal('SIGKILL')
  await origin.event('peer', ({ text }) => text.endsWith('is gone'))
  const second = await lab.generate(origin, QUESTION)
  t.alike([second.ids, second.logitsHash], [alone.ids, alone.logitsHash])
  t.ok(second.stages.some(({ peer }) => peer === standby.peer))
  const survivors = [origin, spare]
  const after = await spare.command.until(() => {
    const news = spare.command.lines.slice(nLines).findLast(({ kind }) => kind === 'plan')
    const isWithout = ({ stages }: PlanStatus) => stages.every(({ peer }) => peer !== lostKey)
    return news && isWithout(news['data']) ? news['data'] : null
  })
  t.is(await agreedPlan(survivors, 2), after.hash)
  const rangeOf = (one: { start: number; end: number }) => [one.start, one.end]
  t.alike(after.stages.map(rangeOf), stages.map(rangeOf), 'no layer moves')
  const kinds = spare.command.lines.slice(nLines).map(({ kind }) => kind)
  t.absent(kinds.includes('layers'), 'nothing was loaded')
})
