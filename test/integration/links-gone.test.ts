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

/** Whoever else uses the machine can only make it slower: what took too long is measured again. */
const MEASURED_MAX = 3

async function beating(ends: readonly WatchedChild[]): Promise<void> {
  const before = ends.map((end) => end.count('beats'))
  await until(() => ends.every((end, index) => end.count('beats') > (before[index] ?? 0) + 10))
}

/** How long each end takes to miss the other, and how long it may by the jitter it knows. */
async function pulled(ends: readonly WatchedChild[], pull: () => void) {
  const before = ends.map((end) => ({
    downs: end.count('link-down'),
    jitterMs: end.jitterMs,
    limitMs: end.jitterMs <= EVEN_JITTER_MS ? 750 : 2000
  }))
  const startMs = performance.now()
  pull()
  return Promise.all(
    ends.map(async (end, index) => {
      const { downs, jitterMs, limitMs } = before[index] as (typeof before)[number]
      await until(() => end.count('link-down') > downs)
      return { jitterMs, limitMs, tookMs: performance.now() - startMs }
    })
  )
}

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
    for (let left = MEASURED_MAX; left > 0; left--) {
      await beating(ends)
      const ups = ends.map((end) => end.count('link-up'))
      const all = await pulled(ends, () => set('down'))
      for (const { tookMs, jitterMs } of all)
        t.comment(`gone after ${tookMs.toFixed(0)} ms at a jitter of ${jitterMs.toFixed(1)} ms`)
      const backMs = performance.now()
      set('up')
      await until(() => ends.every((end, index) => end.count('link-up') > (ups[index] as number)))
      const linkedMs = performance.now() - backMs
      t.comment(`linked again ${linkedMs.toFixed(0)} ms after the cable was back`)
      const isInTime = all.every(({ tookMs, limitMs }) => tookMs < limitMs)
      const text = all.map(({ tookMs, limitMs }) => `${tookMs} of ${limitMs} ms`).join(', ')
      if (left === 1 || isInTime) return t.ok(isInTime, text)
    }
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
  for (let left = MEASURED_MAX; ; left--) {
    await until(() => all('alive'))
    const startMs = performance.now()
    frozen.command.signal('SIGSTOP')
    // Who is slow to look may miss that it was suspect, a second in which it could come back.
    await until(async () => (await all('suspect')) || (await all('dead')))
    const suspectMs = performance.now() - startMs
    await until(() => all('dead'))
    const deadMs = performance.now() - startMs
    t.comment(`suspect after ${suspectMs.toFixed(0)} ms, dead after ${deadMs.toFixed(0)} ms`)
    const isInTime = deadMs < crashKnownMs(3) && suspectMs > 500 && deadMs - suspectMs > 500
    if (left === 1 || isInTime) {
      t.ok(deadMs < crashKnownMs(3), `${deadMs} ms`)
      t.ok(suspectMs > 500 && deadMs - suspectMs > 500, 'neither at once')
      break
    }
    frozen.command.signal('SIGCONT')
  }
  const wokenMs = performance.now()
  frozen.command.signal('SIGCONT')
  await until(() => all('alive'))
  t.comment(`alive ${(performance.now() - wokenMs).toFixed(0)} ms after it woke`)
})
