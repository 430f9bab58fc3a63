// What only real processes show: a peer that is killed, frozen, or leaves by itself; and our own stall.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import test, { type Test } from 'brittle'

import { identityOf, type Identity } from '../../src/peer/identity.ts'
import { EVEN_JITTER_MS } from '../../src/peer/link/jitter.ts'
import { until } from '../helpers/until.ts'
import { TestPeer } from './test-peer.ts'

import type { LinkInfo } from '../../src/peer/network-options.ts'
import type { CloseMessage } from '../../src/wire/session.ts'
import type { SessionId } from '../../src/wire/ids.ts'

/** As in child-peer.ts. */
const STALL_MS = 1200
const SCRIPT = fileURLToPath(new URL('./child-peer.js', import.meta.url))
const HELLO: CloseMessage = {
  type: 'close',
  session: '00'.repeat(16) as SessionId,
  epoch: 1,
  isReleased: false
}

/** A linked peer in a child process; with a hop, so that its loss is reported. */
async function setUp(t: Test, task: 'stay' | 'leave' | 'stall' = 'stay') {
  const topic = `process ${randomBytes(8).toString('hex')}`
  const own: Identity = identityOf(new Uint8Array(32).fill(1))
  const { id } = identityOf(new Uint8Array(32).fill(2))
  const peer = await TestPeer.open(t, { identity: own, topic })
  const child: ChildProcess = spawn(process.execPath, [SCRIPT, '2', topic, task], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  await peer.event('link-up', id)
  return { peer, child, id }
}

async function echo(peer: TestPeer, count: number): Promise<void> {
  const [link] = peer.network.links()
  const before = peer.received.length
  for (let i = 0; i < count; i++) {
    peer.network.hops.to(link!.peer).send(HELLO)
    await peer.until(() => peer.received.length === before + i + 1)
  }
}

/** How heartbeats come once they are relied on. */
async function beats(peer: TestPeer): Promise<LinkInfo['beats']> {
  const now = () => peer.network.links()[0]?.beats
  await until(() => (now()?.jitterMs ?? null) !== null)
  return now() as LinkInfo['beats']
}

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  test(`process - a neighbour that gets ${signal} is gone within 750 ms`, async (t) => {
    const { peer, child, id } = await setUp(t)
    await peer.lane(id)
    await echo(peer, 1)
    const { jitterMs, limitMs, rttMs } = await beats(peer)
    t.comment(`jitter ${jitterMs?.toFixed(1)} ms, limit ${limitMs} ms, round trip ${rttMs} ms`)
    // On a machine too busy for even heartbeats the promise is another.
    const promisedMs = (jitterMs as number) <= EVEN_JITTER_MS ? 750 : 2000
    const startMs = performance.now()
    child.kill(signal)
    const goneAt = peer.until(() => peer.gone.includes(id)).then(() => performance.now())
    const down = await peer.event('link-down', id)
    const downMs = performance.now() - startMs
    const goneMs = (await goneAt) - startMs
    t.comment(`sessions after ${goneMs.toFixed(0)} ms, link after ${downMs.toFixed(0)} ms`)
    t.ok(downMs < promisedMs, `${downMs} of ${promisedMs} ms`)
    t.ok(goneMs <= downMs)
    t.is(down.error.code, 'PEER_GONE')
    t.absent(down.left)
    t.alike(peer.gone, [id], 'once')
  })
}

test('process - a neighbour that was frozen comes back when it wakes', async (t) => {
  const { peer, child, id } = await setUp(t)
  child.kill('SIGSTOP')
  await peer.event('link-down', id)
  child.kill('SIGCONT')
  await peer.until(() => peer.events.filter(({ type }) => type === 'link-up').length === 2)
  await echo(peer, 3)
  t.pass()
})

test('process - a neighbour whose main loop stalls for a second and more is not gone', async (t) => {
  const { peer, id } = await setUp(t, 'stall')
  await peer.lane(id)
  const downs = () => peer.events.filter(({ type }) => type === 'link-down').length
  // A main loop that heartbeats came from would be given up by then.
  await until(() => (peer.network.links()[0]?.beats.limitMs ?? Infinity) < STALL_MS)
  const before = downs()
  peer.network.hops.to(id).send(HELLO)
  await peer.until(() => peer.network.directory.get(id)?.record.held.length === 1)
  t.is(downs(), before)
})

test('process - our own stall of a second blames nobody', async (t) => {
  const { peer, id } = await setUp(t)
  await peer.lane(id)
  for (let round = 0; round < 3; round++) {
    await echo(peer, 20)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
    await echo(peer, 20)
  }
  t.absent(peer.events.some(({ type }) => type === 'link-down'))
  t.alike(peer.gone, [])
})

test('process - who closes ends by itself: nothing is left open', async (t) => {
  const { peer, child, id } = await setUp(t, 'leave')
  const [status, signal] = (await once(child, 'exit')) as [number | null, string | null]
  t.is(status, 0)
  t.is(signal, null)
  t.ok((await peer.event('link-down', id)).left)
})
