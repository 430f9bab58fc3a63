// A neighbour that goes without a word, between real processes: the cable is pulled, or a whole machine
// freezes. Killed and frozen single neighbours are in test/peer/process.test.ts, and what sessions make of
// a loss in loss.test.ts.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type Test } from 'brittle'

import { EVEN_JITTER_MS } from '../../src/peer/link/jitter.ts'
import { crashKnownMs } from '../../src/peer/members/membership.ts'
import { Net, type Inside } from '../helpers/net/namespaces.ts'
import { Lab, REAL, type Json, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'

const CHILD = fileURLToPath(new URL('../peer/child-peer.js', import.meta.url))

/** A peer inside a namespace, and what it says of its links. */
function watcher(t: Test, inside: Inside, seed: number, topic: string) {
  const argv = [...inside, process.execPath, CHILD, String(seed), topic, 'watch']
  const child = spawn(argv[0] as string, argv.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines: Json[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)))
  const count = (type: string) => lines.filter((line) => line['type'] === type).length
  return { lines, count }
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
    const ends = cable.map((inside, index) => watcher(t, inside, index + 1, topic))
    const set = (state: 'up' | 'down') => net.plug(hosts[0], 'cable', state === 'up')
    await until(() => ends.every(({ count }) => count('beats') > 10))
    const jitters = ends.map(({ lines }) => lines.at(-1)?.['jitterMs'] as number)
    const startMs = performance.now()
    set('down')
    const took = await Promise.all(
      ends.map(async ({ count }) => {
        await until(() => count('link-down') > 0)
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
    await until(() => ends.every(({ count }) => count('link-up') > 1))
    t.comment(`linked again ${(performance.now() - backMs).toFixed(0)} ms after the cable was back`)
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
  t.ok(suspectMs > 500 && deadMs - suspectMs > 2000, 'neither at once')
  const wokenMs = performance.now()
  frozen.command.signal('SIGCONT')
  await until(() => all('alive'))
  t.comment(`alive ${(performance.now() - wokenMs).toFixed(0)} ms after it woke`)
})
