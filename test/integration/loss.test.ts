// What is left when a peer goes: the stages of an origin that is gone are freed, and a question asked while
// a peer restarts waits for it. How an answer goes on is recovery.test.ts's.

import test from 'brittle'

import { ENDLESS, endlessModel, startEndless } from '../helpers/endless.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

/** From the moment the origin goes. */
const TOLD_MS_MAX = 2000
const SHORT = ['-p', 'one two', '-n', '12', '--temp', '0']

const SIGNALS = { killed: 'SIGKILL', frozen: 'SIGSTOP' } as const

for (const way of ['killed', 'frozen'] as const) {
  test(`loss - the origin is ${way}: the others free what is private to it`, REAL, async (t) => {
    const lab = Lab.open(t)
    const peers = await lab.pinned(await endlessModel(lab), ['0-0', '1-2', '3-3'])
    await Promise.all(peers.map((peer) => peer.event('layers')))
    const [origin, ...others] = peers as [LabPeer, ...LabPeer[]]
    await startEndless(lab, origin, [...ENDLESS, '--private'])
    const sessions = async () => {
      const all = await Promise.all(others.map(({ client }) => client.status()))
      return all.reduce((sum, status) => sum + status.sessions, 0)
    }
    t.is(await sessions(), 2)
    const startMs = performance.now()
    origin.command.signal(SIGNALS[way])
    while ((await sessions()) > 0);
    const tookMs = performance.now() - startMs
    t.comment(`freed after ${tookMs.toFixed(0)} ms`)
    t.ok(tookMs < TOLD_MS_MAX, `${tookMs.toFixed(0)} ms`)
  })
}

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
  t.is((await command.ended).status, 0, command.output)
  t.is(command.last['logitsHash'], alone['logitsHash'])
})
