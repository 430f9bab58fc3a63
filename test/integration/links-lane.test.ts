// Lanes between whole peers: weights beside activations, with the far peer a process of its own, and a
// better path that appears while a session runs.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import test, { type Test } from 'brittle'

import { announcedAddresses } from '../../src/peer/address.ts'
import { openBootstrap } from '../../src/peer/find/bootstrap.ts'
import { identityOf, type Identity } from '../../src/peer/identity.ts'
import { quantile } from '../../bench/statistics.ts'
import { slowPath } from '../helpers/slow-path.ts'
import { TestPeer, identities } from '../peer/test-peer.ts'

import type { ActivationHeader, CloseMessage } from '../../src/wire/session.ts'
import type { PeerId, SessionId } from '../../src/wire/ids.ts'

const CHILD = fileURLToPath(new URL('../peer/child-peer.js', import.meta.url))
const SESSION = 'ab'.repeat(16) as SessionId
const BLOCK = new Uint8Array(2 ** 20)

/** 16 KiB: one token at dim 4096. */
const TOKEN: ActivationHeader = {
  session: SESSION,
  epoch: 1,
  index: 1,
  stop: 1,
  position: 0,
  nTokens: 1,
  dim: 4096,
  sample: false,
  drafted: false,
  company: 0
}
/** Where the better path leads to: nobody can dial it but through a way that the test opens. */
const LANE_HOST = '127.0.0.2'
const LONG_WAY_MS = 8

const TRIPS = 60
const ROUNDS = 4

/**
 * What a token takes beside weights at full speed, at most, of what it takes behind the same blocks on the
 * same lane: a fifth on a quiet machine. Both are taken in the same rounds, where a tenth of the trips are
 * faster, so that who else uses this machine slows them alike. What still missed is measured again.
 */
const BESIDE_SHARE = 0.5
const MEASURED_MAX = 3
/** What is given to the shared lane ahead of the socket: as much as to that of the weights. */
const AHEAD_BYTES = 2 ** 20

async function farPeer(t: Test): Promise<{ peer: TestPeer; id: PeerId }> {
  const topic = `lane ${randomBytes(8).toString('hex')}`
  const identity: Identity = identityOf(new Uint8Array(32).fill(1))
  const { id } = identityOf(new Uint8Array(32).fill(2))
  const peer = await TestPeer.open(t, { identity, topic })
  const child = spawn(process.execPath, [CHILD, '2', topic, 'stay'], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  await peer.event('link-up', id)
  await peer.lane(id)
  return { peer, id }
}

/** Round trips of one token through the peer's whole path and back, in ms. */
async function trips({ network }: TestPeer, id: PeerId, count: number): Promise<number[]> {
  const hop = network.hops.to(id)
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const startMs = performance.now()
    const back = new Promise<void>((resolve) => network.hops.onMessage(() => resolve()))
    hop.allocate(TOKEN).send()
    await back
    times.push(performance.now() - startMs)
  }
  return times
}

/** Keeps blocks flowing while `work` is done, once they do. */
async function during<T>(send: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  const flood = { isOver: false, nBlocks: 0 }
  const ended = (async () => {
    for (; !flood.isOver; flood.nBlocks++) await send()
  })()
  while (flood.nBlocks < 16) await new Promise(setImmediate)
  try {
    return await work()
  } finally {
    flood.isOver = true
    await ended
  }
}

test('links lane - a token does not wait for the weights', { timeout: 120_000 }, async (t) => {
  const { peer, id } = await farPeer(t)
  const hop = peer.network.hops.to(id)
  const beside = () => peer.network.sendWeights(id, BLOCK)
  const ahead = async () => {
    hop.allocate({ ...TOKEN, nTokens: 64 }).send()
    while (hop.backlogBytes > AHEAD_BYTES) await new Promise(setImmediate)
  }
  const measure = () => trips(peer, id, TRIPS)
  const undisturbed = (times: number[]) => quantile(times, 0.1)
  await measure()
  for (let left = MEASURED_MAX; left > 0; left--) {
    const samples = { idle: [] as number[], busy: [] as number[], shared: [] as number[] }
    for (let round = 0; round < ROUNDS; round++) {
      samples.idle.push(...(await measure()))
      samples.busy.push(...(await during(beside, measure)))
      samples.shared.push(...(await during(ahead, measure)))
      await trips(peer, id, 1) // what was still under way is there before it comes back
    }
    const text = Object.entries(samples).map(([name, times]) => {
      const medianMs = quantile(times, 0.5).toFixed(2)
      return `${name} ${undisturbed(times).toFixed(2)} ms (median ${medianMs})`
    })
    t.comment(`there and back: ${text.join(', ')}`)
    const share = undisturbed(samples.busy) / undisturbed(samples.shared)
    if (left > 1 && share > BESIDE_SHARE) continue
    t.ok(share <= BESIDE_SHARE, text.join(', '))
    break
  }
  t.is(peer.events.filter(({ type }) => type === 'link-down').length, 0)
  t.alike(peer.gone, [])
})

test('links lane - a better path that is found later takes over, and no message notices', async (t) => {
  const [host] = announcedAddresses()
  if (host === undefined) return t.comment('skipped: this machine has no address but loopback')
  const bootstrap = await openBootstrap({ port: 0, host: '127.0.0.1' })
  t.teardown(() => bootstrap.close(), { order: Infinity })
  const topic = `lane ${randomBytes(8).toString('hex')}`
  const [lower, upper] = identities(2) as [Identity, Identity]
  const shared = { topic, bootstrap: [bootstrap.address] }
  const b = await TestPeer.open(t, {
    identity: upper,
    ...shared,
    overrides: { laneHost: LANE_HOST }
  })
  // Where the link comes from there is a long way round to the lane; the one told in hello is not there yet.
  const { port } = b.network
  const way = await slowPath(t, '127.0.0.1', port, LONG_WAY_MS, LANE_HOST)
  const a = await TestPeer.open(t, { identity: lower, ...shared })
  await Promise.all([a.lane(b.id), b.lane(a.id)])
  t.is(way.taken, 1, 'the long way is the first')
  await slowPath(t, host, port, 0, LANE_HOST)
  let sent = 0
  const hop = a.network.hops.to(b.id)
  const moves = () => a.events.filter(({ type }) => type === 'lane').length
  while (moves() < 2 || sent < 500) {
    hop.send(close(sent++))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  for (let i = 0; i < 500; i++) hop.send(close(sent++))
  await b.until(() => b.received.length === sent)
  t.ok(
    b.received.every(
      ({ message }, index) => 'session' in message && message.session === close(index).session
    )
  )
  t.alike([a.gone, b.gone], [[], []])
  await a.until(() => (a.network.links()[0]?.rttMs ?? Infinity) < LONG_WAY_MS)
  t.pass('and the round trip is that of the short way')
})

function close(index: number): CloseMessage {
  return {
    type: 'close',
    session: index.toString(16).padStart(32, '0') as SessionId,
    epoch: 1,
    isReleased: false
  }
}
