// A stage that goes in the middle of an answer, in every way a process can go: the user is told within
// two seconds, with what to do, and doing it works because another peer holds the same layers.

import test, { type Test } from 'brittle'

import { ENDLESS, endlessModel, startEndless } from '../helpers/endless.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

import type { GenerateResult } from '../../src/api/service.ts'

/** The promise, from the moment the stage goes to the end of the command. */
const TOLD_MS_MAX = 2000
const SHORT = ['-p', 'one two', '-n', '12', '--temp', '0']

interface Loss {
  lab: Lab
  peers: LabPeer[]
  keys: string[]
}

/** Three stages, the layers of the middle and of the last one held twice. The first peer asks. */
async function setUp(t: Test): Promise<Loss & { model: string }> {
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const pins = ['0-0', '1-2', '3-3', '1-2', '3-3']
  const peers = await lab.pinned(model, pins, { nStages: 3 })
  await Promise.all(peers.map((peer) => peer.event('layers')))
  const keys = await Promise.all(peers.map((peer) => peer.key()))
  return { lab, model, peers, keys }
}

/** The peer of a stage of a running answer. */
function peerOf({ peers, keys }: Loss, route: GenerateResult['stages'], stage: number): LabPeer {
  return peers[keys.indexOf(route[stage]?.peer ?? '')] as LabPeer
}

const WAYS: Record<string, (lab: Lab, peer: LabPeer) => unknown> = {
  killed: (_, peer) => peer.command.signal('SIGKILL'),
  frozen: (_, peer) => peer.command.signal('SIGSTOP'),
  stopped: (lab, peer) => lab.start(['stop', '--data-dir', peer.dataDir])
}

for (const [way, lose] of Object.entries(WAYS)) {
  for (const [stage, place] of [
    [1, 'middle'],
    [2, 'last']
  ] as const) {
    test(
      `loss - the ${place} stage is ${way}: told in time, and the next answer works`,
      REAL,
      async (t) => {
        const { lab, ...loss } = await setUp(t)
        const [origin] = loss.peers as [LabPeer]
        const alone = await lab.json(['run', loss.model, ...SHORT])
        const command = await startEndless(lab, origin)
        const route = (await command.line(({ type }) => type === 'route'))['stages']
        const lost = peerOf({ lab, ...loss }, route, stage)

        const startMs = performance.now()
        await lose(lab, lost)
        const { status } = await command.ended
        const tookMs = performance.now() - startMs
        t.comment(`told after ${tookMs.toFixed(0)} ms`)
        t.ok(tookMs < TOLD_MS_MAX, `${tookMs.toFixed(0)} ms`)
        t.is(status, 4)
        const { code, message } = command.last['error']
        t.is(code, 'PEER_GONE')
        const { peer, start, end } = route[stage]
        const named = `${peer.slice(0, 8)} (layers ${start}-${end - 1}) is gone`
        t.ok(message.startsWith(`${named}: ask again and another route is taken`), message)

        const next = await lab.generate(origin, SHORT)
        t.is(next.logitsHash, alone['logitsHash'])
        t.absent(next.stages.some((stage) => stage.peer === peer))
        const left = loss.peers.filter((one) => one !== lost)
        await Promise.all(left.map((one) => one.idle()))
      }
    )
  }
}

for (const way of ['killed', 'frozen'] as const) {
  test(`loss - the origin is ${way}: the others free what is private to it`, REAL, async (t) => {
    const { lab, peers } = await setUp(t)
    const [origin, ...others] = peers as [LabPeer, ...LabPeer[]]
    await startEndless(lab, origin, [...ENDLESS, '--private'])
    const sessions = async () => {
      const all = await Promise.all(others.map(({ client }) => client.status()))
      return all.reduce((sum, status) => sum + status.sessions, 0)
    }
    t.is(await sessions(), 2)
    const startMs = performance.now()
    WAYS[way]?.(lab, origin)
    while ((await sessions()) > 0);
    const tookMs = performance.now() - startMs
    t.comment(`freed after ${tookMs.toFixed(0)} ms`)
    t.ok(tookMs < TOLD_MS_MAX, `${tookMs.toFixed(0)} ms`)
  })
}

test(
  'loss - a stage that wakes after it was given up has nothing left of the answer',
  REAL,
  async (t) => {
    const { lab, ...loss } = await setUp(t)
    const [origin] = loss.peers as [LabPeer]
    const command = await startEndless(lab, origin)
    const route = (await command.line(({ type }) => type === 'route'))['stages']
    const frozen = peerOf({ lab, ...loss }, route, 1)
    frozen.command.signal('SIGSTOP')
    await command.ended
    frozen.command.signal('SIGCONT')
    await Promise.all(loss.peers.map((peer) => peer.idle()))
    t.is((await lab.generate(frozen, SHORT)).ids.length, 12, 'and it asks and serves again')
  }
)

test('loss - a question asked while a peer restarts waits for it', REAL, async (t) => {
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const alone = await lab.json(['run', model, ...SHORT])
  const [origin, other] = (await lab.pinned(model, ['0-1', '2-3'])) as [LabPeer, LabPeer]
  t.is((await lab.generate(origin, SHORT)).logitsHash, alone['logitsHash'])
  other.command.signal('SIGKILL')
  await origin.event('peer', ({ text }) => text.endsWith(' is gone'))
  const argv = ['generate', '--data-dir', origin.dataDir, ...SHORT, '--json', '--stream']
  const command = lab.start(argv)
  const { reason } = await command.line(({ type }) => type === 'queued')
  t.ok(/^layers 2-3 are awaited from [0-9a-f]{8} \(out of reach\)$/.test(reason), reason)
  lab.restart(other)
  t.is((await command.ended).status, 0)
  t.is(command.last['logitsHash'], alone['logitsHash'])
})
