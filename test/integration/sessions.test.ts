// Several sessions on one swarm: at once, one too many, and one conversation over several turns.

import test, { type Test } from 'brittle'

import { SAMPLING_DEFAULTS } from '../../src/wire/sampling-defaults.ts'
import { endlessModel, startEndless } from '../helpers/endless.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

import type { GenerateEvent, GenerateRequest, GenerateResult } from '../../src/api/service.ts'

async function setUp(t: Test, flags: string[] = []) {
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const peers = await lab.pinned(model, ['0-0', '1-2', '3-3'], { flags })
  await Promise.all(peers.map((peer) => peer.event('layers')))
  return { lab, model, peers }
}

async function eventsOf(peer: LabPeer, request: GenerateRequest): Promise<GenerateEvent[]> {
  const events: GenerateEvent[] = []
  for await (const event of peer.client.generate(request)) events.push(event)
  return events
}

function resultOf(events: GenerateEvent[]): GenerateResult {
  const last = events.at(-1)
  if (last?.type !== 'done') throw new Error(`the last event is ${last?.type}`)
  return last.result
}

function cachedOf(events: GenerateEvent[]): number | undefined {
  const route = events.find((event) => event.type === 'route')
  return route?.cachedTokens
}

test('sessions - answers at the same time are those of their single runs', REAL, async (t) => {
  const { lab, model, peers } = await setUp(t)
  const questions = peers.map((_, i) => ['-p', 'one two', '-n', '300', '--seed', String(i)])
  const alone: GenerateResult[] = []
  for (const question of questions) {
    alone.push((await lab.json(['run', model, ...question])) as GenerateResult)
  }
  t.is(new Set(alone.map(({ logitsHash }) => logitsHash)).size, 3, 'three different answers')
  const together = await Promise.all(
    questions.map((question, i) => lab.generate(peers[i] as LabPeer, question))
  )
  for (const [i, result] of together.entries()) {
    t.alike(result.ids, alone[i]?.ids)
    t.is(result.logitsHash, alone[i]?.logitsHash)
  }
})

test(
  'sessions - one too many waits in line, says how many come first, and leaves it when cancelled',
  REAL,
  async (t) => {
    const { lab, peers } = await setUp(t, ['--memory', '24MiB'])
    const [origin, middle] = peers as [LabPeer, LabPeer]
    // 20,003 positions are reserved, at a kilobyte each in the two layers of the middle.
    const long = ['-p', 'one two', '-n', '20000', '--temp', '0']
    const first = await startEndless(lab, origin, long)
    const argv = ['generate', '--data-dir', middle.dataDir]
    const second = lab.start([...argv, ...long, '--json', '--stream'])
    const { reason, before } = await second.line(({ type }) => type === 'queued')
    t.is(before, 0)
    const name = `${(await middle.key()).slice(0, 8)} (layers 1-2)`
    const sizes = 'a context of 20003 tokens needs 20 MiB, 3.3 MiB are free'
    const hint = 'ask again when another session has ended, or for a shorter one'
    t.is(reason, `${name}: ${sizes}: ${hint}`)
    const third = lab.start([...argv, ...long, '--json', '--stream'])
    t.is((await third.line(({ type }) => type === 'queued')).before, 1, 'behind the second')
    // More than the middle has at all, while the other stages still have room for it.
    const never = await lab.run([
      'generate',
      '--data-dir',
      origin.dataDir,
      ...long.with(3, '26000')
    ])
    t.ok(
      never.stderr.endsWith('3.3 MiB are free: ask for a shorter one [STAGE_FULL]\n'),
      never.stderr
    )
    second.signal('SIGINT')
    t.is((await second.ended).status, 130)
    await third.line(({ type, before }) => type === 'queued' && before === 0)
    t.ok(first.isRunning, 'and nobody disturbed the first')
    const startMs = performance.now()
    first.signal('SIGINT')
    await third.line(({ type }) => type === 'route')
    const tookMs = performance.now() - startMs
    t.ok(tookMs < 2000, `the next one has its room ${tookMs.toFixed(0)} ms after it was given back`)
    third.signal('SIGINT')
    await Promise.all(peers.map((peer) => peer.idle()))
    t.is((await lab.run([...argv, ...long.with(3, '200')])).status, 0)
  }
)

test(
  'sessions - chat keeps the conversation and its KV, and equals a fresh session',
  REAL,
  async (t) => {
    const { lab, peers } = await setUp(t)
    const [origin] = peers as [LabPeer]
    const flags = ['--data-dir', origin.dataDir, '--seed', '5', '-n', '12', '--json']
    const chat = lab.start(['chat', ...flags])
    chat.child.stdin.end('hello there\nand now\n')
    t.is((await chat.ended).status, 0)
    const { messages, turns } = chat.last
    t.alike(
      messages.map(({ role }: { role: string }) => role),
      ['user', 'assistant', 'user', 'assistant']
    )
    t.alike([turns[0].text, turns[1].text], [messages[1].content, messages[3].content])
    t.ok(turns[0].session)
    t.is(turns[1].session, turns[0].session, 'one session for both turns')
    await Promise.all(peers.map((peer) => peer.idle()))

    const sampling = { ...SAMPLING_DEFAULTS, seed: 5 }
    const request = { maxTokens: 12, sampling, stop: [], kvType: 'f16' as const }
    const first = await eventsOf(origin, { ...request, messages: messages.slice(0, 1), keep: true })
    const promptTokens = resultOf(first).promptIds.length
    t.is(cachedOf(first), promptTokens - 1, 'the chat asked the same before')
    const session = resultOf(first).session as string
    const both = { ...request, messages: messages.slice(0, 3) }
    const second = await eventsOf(origin, { ...both, session })
    t.ok((cachedOf(second) ?? 0) >= promptTokens, `${cachedOf(second)} of ${promptTokens} and more`)
    const fresh = await eventsOf(origin, both)
    t.ok((cachedOf(fresh) ?? 0) > promptTokens, 'a new session takes over what the others had')
    for (const events of [second, fresh]) {
      t.alike(resultOf(events).ids, turns[1].ids)
      t.is(resultOf(events).logitsHash, turns[1].logitsHash)
    }
    await Promise.all(peers.map((peer) => peer.idle()))
  }
)

test('sessions - a conversation goes on over other peers when a stage is lost', REAL, async (t) => {
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const peers = await lab.pinned(model, ['0-1', '2-3', '2-3'], { nStages: 2 })
  await Promise.all(peers.map((peer) => peer.event('layers')))
  const [origin] = peers as [LabPeer]
  const flags = ['--data-dir', origin.dataDir, '--seed', '5', '-n', '12']
  const whole = await lab.run(['chat', ...flags], { stdin: 'hello there\nand now\n' })
  t.is(whole.stdout.split('\n').length, 3, 'two answers')
  const chat = lab.start(['chat', ...flags])
  chat.child.stdin.write('hello there\n')
  await chat.until(() => chat.stdout.endsWith('\n'))
  // The session of the first turn is kept by the origin and by one of the two others.
  const sessions = await Promise.all(
    peers.map(async ({ client }) => (await client.status()).sessions)
  )
  const [lost, ...others] = peers.filter((peer, i) => peer !== origin && (sessions[i] ?? 0) > 0)
  t.is(others.length, 0)
  lost?.command.signal('SIGKILL')
  await origin.event('peer', ({ text }) => text.endsWith(' is gone'))
  chat.child.stdin.end('and now\n')
  const { status, stdout } = await chat.ended
  t.is(status, 0)
  t.is(stdout, whole.stdout)
})
