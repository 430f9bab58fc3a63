// A neighbour that goes without a word, between real processes: the cable is pulled, or a whole machine
// freezes. Killed and frozen single neighbours are in test/peer/process.test.ts, and what sessions make of
// a loss in loss.test.ts.

import test from 'brittle'

import { EVEN_JITTER_MS } from '../../src/peer/link/jitter.ts'
import { crashKnownMs } from '../../src/peer/members/membership.ts'
import { Net } from '../helpers/net/namespaces.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'
import { WatchedChild } from '../peer/watched-child.ts'
import { linksRun } from '../soak/links.ts'

test(
  'links - a neighbour whose cable is pulled is gone within 750 ms, and back with it',
  REAL,
  async (t) => {
    const net = Net.open(t)
    if (typeof net === 'string') return t.comment(`skipped: ${net}`)
    const hosts = net.bareCable('169.254/16')
    const cable = hosts.map(({ inside }) => inside)
    const topic = `cable ${process.pid}`
    const ends = cable.map((inside, index) => new WatchedChild({ seed: index + 1, topic, inside }))
    t.teardown(() => ends.forEach((end) => end.end()))
    const set = (state: 'up' | 'down') => net.plug(hosts[0], 'cable', state === 'up')
    await until(() => ends.every((end) => end.count('beats') > 10))
    const jitters = ends.map(({ jitterMs }) => jitterMs)
    const startMs = performance.now()
    set('down')
    const took = await Promise.all(
      ends.map(async (end) => {
        await until(() => end.count('link-down') > 0)
        return performance.now() - startMs
      })
    )
    for (const [index, tookMs] of took.entries()) {
      const jitterMs = jitters[index] as number
      t.comment(`gone after ${tookMs.toFixed(0)} ms at a jitter of ${jitterMs.toFixed(1)} ms`)
      t.ok(tookMs < (jitterMs <= EVEN_JITTER_MS ? 750 : 2000), `${tookMs} ms`)
    }
    const backMs = performance.now()
    set('up')
    await until(() => ends.every((end) => end.count('link-up') > 1))
    t.comment(`linked again ${(performance.now() - backMs).toFixed(0)} ms after the cable was back`)
  }
)

// Ten minutes of it are a soak: npm run soak -- links.
test(
  'links - 200 ms of jitter and 5 % loss end no link, and a frozen peer is gone in 2 s',
  REAL,
  async (t) => {
    const weather = { jitterMs: 200, loss: 0.05 }
    const verdict = await linksRun({ seed: 7, peers: 2, weather, holdMs: 15_000 })
    const { falseVerdicts, jitterMs, noticedMs, promisedMs } = verdict
    t.comment(`p99 jitter ${jitterMs.toFixed(0)} ms, noticed after ${noticedMs.toFixed(0)} ms`)
    t.ok(jitterMs > 150, 'the weather is bad indeed')
    t.is(falseVerdicts, 0)
    t.is(promisedMs, 2000)
    t.ok(noticedMs <= promisedMs, `${noticedMs} ms`)
  }
)

async function stateOf(peer: LabPeer, key: string): Promise<string | undefined> {
  const peers = await peer.client.peers(AbortSignal.timeout(5000))
  return peers.find((one) => one.key === key)?.state
}

test('links - a frozen peer is suspect, then dead, and alive once it wakes', REAL, async (t) => {
  const lab = Lab.open(t)
  const topic = lab.topic('states')
  const peers = ['a', 'b', 'c'].map((name) => lab.join(name, topic, ['--lan-only']))
  const keys = await Promise.all(
    peers.map(async (peer) => {
      await peer.event('peer')
      return peer.key()
    })
  )
  const [, , frozen] = peers as [LabPeer, LabPeer, LabPeer]
  const others = peers.slice(0, 2)
  const all = async (state: string) => {
    const states = await Promise.all(others.map((peer) => stateOf(peer, keys[2] as string)))
    return states.every((one) => one === state)
  }
  await until(() => all('alive'))
  const startMs = performance.now()
  frozen.command.signal('SIGSTOP')
  await until(() => all('suspect'))
  const suspectMs = performance.now() - startMs
  await until(() => all('dead'))
  const deadMs = performance.now() - startMs
  t.comment(`suspect after ${suspectMs.toFixed(0)} ms, dead after ${deadMs.toFixed(0)} ms`)
  t.ok(deadMs < crashKnownMs(3), `${deadMs} ms`)
  // Looked at every so often: half of the second in which it could come back is sure to be seen.
  t.ok(suspectMs > 500 && deadMs - suspectMs > 500, 'neither at once')
  const wokenMs = performance.now()
  frozen.command.signal('SIGCONT')
  await until(() => all('alive'))
  t.comment(`alive ${(performance.now() - wokenMs).toFixed(0)} ms after it woke`)
})
