// Real processes: the peer that asked is killed or frozen in mid-answer, another one attaches, and the answer
// is what an undisturbed run gives.

import test, { type Test } from 'brittle'

import { endlessModel, startEndless } from '../helpers/endless.ts'
import { Lab, REAL, type Json, type LabPeer } from '../helpers/swarm-lab.ts'

const QUESTION = ['-p', 'one two', '-n', '4000', '--temp', '0.8', '--seed', '7']

interface Attaching {
  lab: Lab
  alone: Json
  /** The first one asks. */
  peers: LabPeer[]
}

async function setUp(t: Test, pins = ['0-1', '2-3', '0-1', '2-3']): Promise<Attaching> {
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const alone = await lab.json(['run', model, ...QUESTION])
  const peers = await lab.pinned(model, pins, { nStages: 2 })
  await Promise.all(peers.map((peer) => peer.event('layers')))
  return { lab, alone, peers }
}

/** The orphans that a peer knows, as soon as there is one. */
async function orphansOf(lab: Lab, peer: LabPeer): Promise<Json[]> {
  for (;;) {
    const { sessions } = await lab.json(['sessions', '--data-dir', peer.dataDir])
    const orphans = (sessions as Json[]).filter(({ state }) => state === 'orphan')
    if (orphans.length > 0) return orphans
  }
}

test('attach - the peer that asked is killed: another one finishes its answer', REAL, async (t) => {
  const { lab, alone, peers } = await setUp(t)
  const [origin, , third, fourth] = peers as [LabPeer, LabPeer, LabPeer, LabPeer]
  await startEndless(lab, origin, QUESTION)
  origin.command.signal('SIGKILL')
  const [orphan] = await orphansOf(lab, third)
  t.is(orphan?.['promptTokens'], alone['promptIds'].length)
  t.absent(JSON.stringify(orphan).includes('one two'), 'and nothing of its text')
  t.ok(orphan?.['tokens'] < alone['ids'].length, 'in the middle of it')
  const result = await lab.json(['attach', '--data-dir', third.dataDir])
  t.alike(result['ids'], alone['ids'])
  t.is(result['text'], alone['text'])
  t.is(result['logitsHash'], alone['logitsHash'])
  const left = peers.slice(1)
  await Promise.all(left.map((peer) => peer.idle()))
  const again = lab.start(['attach', '--data-dir', fourth.dataDir, '--json'])
  t.is((await again.ended).status, 1)
  t.is(again.last['error'].code, 'STAGE_UNKNOWN_SESSION')
})

test('attach - a peer that wakes up after another has attached is refused', REAL, async (t) => {
  // Only one has the last layers: over another the first one could answer as well, with the same words.
  const { lab, alone, peers } = await setUp(t, ['0-1', '2-3', '0-1'])
  const [origin, , third] = peers as [LabPeer, LabPeer, LabPeer]
  const asked = await startEndless(lab, origin, QUESTION)
  origin.command.signal('SIGSTOP')
  const [orphan] = await orphansOf(lab, third)
  const attached = lab.start([
    'attach',
    orphan?.['id'].slice(0, 8),
    '--data-dir',
    third.dataDir,
    '--json',
    '--stream'
  ])
  await attached.line(({ type }) => type === 'route')
  origin.command.signal('SIGCONT')
  t.is((await attached.ended).status, 0)
  t.is(attached.last['logitsHash'], alone['logitsHash'])
  const { status } = await asked.ended
  t.not(status, 0)
  await Promise.all(peers.map((peer) => peer.idle()))
})

test('attach - a private answer goes with the peer that asked', REAL, async (t) => {
  const { lab, peers } = await setUp(t)
  const [origin, second, third] = peers as [LabPeer, LabPeer, LabPeer]
  await startEndless(lab, origin, [...QUESTION, '--private'])
  const { sessions } = await lab.json(['sessions', '--data-dir', third.dataDir])
  t.alike(sessions, [])
  const own = await lab.json(['sessions', '--data-dir', origin.dataDir])
  t.is(own['sessions'].length, 1, 'its own machine shows it')
  origin.command.signal('SIGKILL')
  await Promise.all([second, third].map((peer) => peer.idle()))
  t.pass('and nothing of it is kept')
})
