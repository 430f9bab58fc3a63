// Whoever stops listening frees every stage: Ctrl-C, a client that dies, an HTTP client that leaves.

import test, { type Test } from 'brittle'

import { endlessModel, ENDLESS, startEndless } from '../helpers/endless.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

/** Freeing is a message to each stage, which waits for its running step at most. */
const FREED_MS_MAX = 1000

async function setUp(t: Test) {
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const peers = await lab.pinned(model, ['0-0', '1-2', '3-3'], { flags: ['--http', '0'] })
  await Promise.all(peers.map((peer) => peer.event('layers')))
  return { lab, peers, origin: peers[0] as LabPeer }
}

/** Sessions of each peer. */
async function sessionsOf(peers: readonly LabPeer[]): Promise<number[]> {
  const all = await Promise.all(peers.map(({ client }) => client.status()))
  return all.map(({ sessions }) => sessions)
}

async function freedInTime(t: Test, peers: readonly LabPeer[], startMs: number): Promise<void> {
  await Promise.all(peers.map((peer) => peer.idle()))
  const tookMs = performance.now() - startMs
  t.comment(`freed after ${tookMs.toFixed(0)} ms`)
  t.ok(tookMs < FREED_MS_MAX, `${tookMs.toFixed(0)} ms`)
}

test('cancel - Ctrl-C ends swarm generate with 130 and frees every stage', REAL, async (t) => {
  const { lab, peers, origin } = await setUp(t)
  const command = await startEndless(lab, origin)
  // The origin counts its own question besides the stage it serves.
  t.alike(await sessionsOf(peers), [2, 1, 1])
  const startMs = performance.now()
  command.signal('SIGINT')
  await freedInTime(t, peers, startMs)
  const { status, signal } = await command.ended
  t.alike([status, signal], [130, null])
  t.alike(command.last, { error: { code: 'INTERRUPTED', message: 'interrupted' } })
})

test('cancel - Ctrl-C while a long prompt is read frees every stage', REAL, async (t) => {
  const { lab, peers, origin } = await setUp(t)
  const question = ['-p', 'one two '.repeat(8000), '-n', '10', '--temp', '0']
  const flags = ['--data-dir', origin.dataDir, '--json', '--stream']
  const command = lab.start(['generate', ...flags, ...question])
  await command.line(({ type }) => type === 'prefill')
  t.alike(await sessionsOf(peers), [2, 1, 1])
  const startMs = performance.now()
  command.signal('SIGINT')
  await freedInTime(t, peers, startMs)
  t.is((await command.ended).status, 130)
  t.absent(
    command.lines.some(({ type }) => type === 'text'),
    'it was still being read'
  )
})

test('cancel - a swarm generate that is killed frees every stage', REAL, async (t) => {
  const { lab, peers, origin } = await setUp(t)
  const command = await startEndless(lab, origin)
  const startMs = performance.now()
  command.signal('SIGKILL')
  await freedInTime(t, peers, startMs)
})

test('cancel - a reader that has enough frees every stage', REAL, async (t) => {
  const { lab, peers, origin } = await setUp(t)
  const command = lab.start(['generate', '--data-dir', origin.dataDir, ...ENDLESS])
  await command.until(() => command.stdout.length > 100)
  const startMs = performance.now()
  command.child.stdout.destroy()
  await freedInTime(t, peers, startMs)
  t.is((await command.ended).status, 0, 'as for | head')
})

test('cancel - an HTTP client that leaves frees every stage', REAL, async (t) => {
  const { peers, origin } = await setUp(t)
  const { http } = await origin.client.status()
  for (const stream of [true, false]) {
    const abort = new AbortController()
    const body = { prompt: 'one two', max_tokens: 30_000, temperature: 0, stream }
    const answer = fetch(`${http}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: abort.signal
    })
    const read = answer.then((response) => response.text())
    while ((await sessionsOf(peers)).join() !== '2,1,1');
    const startMs = performance.now()
    abort.abort()
    await t.exception(read, { name: 'AbortError' })
    await freedInTime(t, peers, startMs)
  }
})

test('cancel - a peer stopped during its own answer says so and leaves', REAL, async (t) => {
  const { lab, peers, origin } = await setUp(t)
  const command = await startEndless(lab, origin)
  const stopped = await lab.run(['stop', '--data-dir', origin.dataDir])
  t.is(stopped.status, 0, stopped.stderr)
  t.is((await command.ended).status, 4)
  t.alike(command.last['error'].code, 'PEER_GONE')
  await Promise.all(peers.slice(1).map((peer) => peer.idle()))
  t.is((await origin.command.ended).status, 0)
})
