// The shared memory between real processes: what one learns the others answer, also one that came when the
// author had gone, and also a command when no peer runs.

import test from 'brittle'

import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'

import type { Hit } from '../../src/wire/knowledge.ts'

/** The peer's store opens a little after it began to look for others. */
async function opened(peer: LabPeer): Promise<void> {
  const isOpen = () =>
    peer.client.knowledge().then(
      () => true,
      () => false
    )
  await until(isOpen)
}

/** The first hit of a peer, as soon as there is one. */
async function found(peer: LabPeer, text: string): Promise<Hit> {
  let hits: Hit[] = []
  await until(async () => {
    hits = await peer.client.query({ text })
    return hits.length > 0
  })
  return hits[0] as Hit
}

test(
  'knowledge - a third peer answers with what an author said that it never met',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const topic = lab.topic('memory')
    const flags = ['--bootstrap', await lab.bootstrap()]
    const [a, b] = [lab.join('a', topic, flags), lab.join('b', topic, flags)]
    await Promise.all([a, b].map(opened))
    const learnt = await lab.json([
      'learn',
      'the attic key hangs behind the clock',
      '--data-dir',
      a.dataDir
    ])
    const id = learnt['entries'][0].id as string
    const author = await a.key()
    const hit = await found(b, 'where is the attic key')
    t.alike([hit.id, hit.author, hit.scope], [id, author, 'swarm'])
    t.ok(hit.authorName !== null && hit.authorName !== '')

    await a.client.stop()
    t.is((await a.command.ended).status, 0)
    const c = lab.join('c', topic, flags)
    await opened(c)
    t.is((await found(c, 'attic key')).author, author)

    const asked = await lab.json(['query', 'attic key', '--data-dir', a.dataDir])
    t.is(asked['hits'][0]?.id, id, 'and a command finds it where no peer runs')
    t.is((await lab.json(['forget', id, '--data-dir', a.dataDir]))['isOwn'], true)
    const again = lab.restart(a)
    await opened(again)
    const isForgotten = async ({ client }: LabPeer) =>
      (await client.query({ text: 'attic key' })).length === 0
    for (const peer of [b, c]) await until(() => isForgotten(peer))
    t.ok((await isForgotten(b)) && (await isForgotten(c)), 'forgotten everywhere')
  }
)

test('knowledge - a store that a peer has open is not opened by a command', REAL, async (t) => {
  const lab = Lab.open(t)
  const a = lab.join('a', lab.topic('busy'), ['--lan-only'])
  await opened(a)
  a.command.signal('SIGSTOP')
  const ended = await lab.run(['query', 'x', '--data-dir', a.dataDir])
  a.command.signal('SIGCONT')
  t.not(ended.status, 0)
  t.is((await a.client.query({ text: 'x' })).length, 0, 'it is as it was')
})

test('knowledge - what a peer learnt is there after kill -9', REAL, async (t) => {
  const lab = Lab.open(t)
  const a = lab.join('a', lab.topic('killed'), ['--lan-only'])
  await opened(a)
  const { id } = await a.client.learn({ answer: 'remember this' })
  a.command.signal('SIGKILL')
  await a.command.ended
  const again = lab.restart(a)
  await opened(again)
  t.is((await found(again, 'remember')).id, id)
})
