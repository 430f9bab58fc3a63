// Who gets in, with real peers in processes of their own: a secret, an invite, an allow-list, a revoked
// key. They meet through a private bootstrap on this machine.

import test from 'brittle'

import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

/** Resolves when this peer has said that it refused that one, for this reason. */
async function refuses(peer: LabPeer, code: string, other?: string): Promise<string> {
  const event = await peer.event('refused', ({ data }) => {
    return data?.['code'] === code && (other === undefined || data['peer'] === other)
  })
  return event.text
}

const sees = (peer: LabPeer, key: string) =>
  peer.event('peer', ({ text, data }) => data?.['peer'] === key && text.includes(' is here'))

async function keys(peers: readonly LabPeer[]): Promise<string[]> {
  // The first line of a network is there when the control socket is.
  await Promise.all(peers.map((peer) => peer.event('model')))
  return Promise.all(peers.map((peer) => peer.key()))
}

/** A peer of a topic with a secret: its environment carries it. */
function secretPrefix(secret: string): { prefix: string[] } {
  return { prefix: ['env', `SWARM_SECRET=${secret}`] }
}

test('links gate - an invite lets a machine in that does not know the secret', REAL, async (t) => {
  const lab = Lab.open(t)
  const topic = lab.topic('invited')
  const meet = ['--bootstrap', await lab.bootstrap()]
  const flags = ['--secret', ...meet]
  const host = lab.join('host', topic, flags, secretPrefix('correct horse'))
  await keys([host])
  const { invite } = await lab.json(['invite', '--data-dir', host.dataDir])
  t.ok(/^swarm1[a-z0-9]+$/.test(invite), invite)
  const guest = lab.join('guest', invite, [])
  const [hostKey, guestKey] = (await keys([host, guest])) as [string, string]
  await Promise.all([sees(host, guestKey), sees(guest, hostKey)])
  const { topic: joined, reach } = await guest.client.status()
  t.is(joined, topic)
  t.ok(reach.startsWith('Only who has its secret can join'), reach)
  t.absent(guest.command.output.includes('correct horse'))
})

test('links gate - the wrong secret gets nowhere, whatever it is called', REAL, async (t) => {
  const lab = Lab.open(t)
  const topic = lab.topic('wrong')
  const meet = ['--bootstrap', await lab.bootstrap()]
  const host = lab.join('host', topic, ['--secret', ...meet], secretPrefix('right'))
  const friend = lab.join('friend', topic, ['--secret', ...meet], secretPrefix('right'))
  const others = [
    lab.join('guesser', topic, ['--secret', ...meet], secretPrefix('wrong')),
    lab.join('nameless', topic, meet)
  ]
  const [hostKey, friendKey] = (await keys([host, friend, ...others])) as [string, string]
  await Promise.all([sees(host, friendKey), sees(friend, hostKey)])
  for (const peer of others) t.is((await peer.client.peers()).length, 1, 'it knows itself only')
  t.is((await host.client.status()).peers, 1)
})

test(
  'links gate - a revoked peer is dropped at once, and stays out after a restart',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const meet = ['--bootstrap', await lab.bootstrap()]
    const topic = lab.topic('revoked')
    const [host, other, third] = ['host', 'other', 'third'].map((name) => {
      return lab.join(name, topic, meet)
    }) as [LabPeer, LabPeer, LabPeer]
    const [hostKey, otherKey, thirdKey] = (await keys([host, other, third])) as [
      string,
      string,
      string
    ]
    await Promise.all([sees(host, otherKey), sees(host, thirdKey), sees(other, hostKey)])
    const argv = ['revoke', otherKey.slice(0, 8), '--data-dir', host.dataDir]
    t.alike((await lab.json(argv))['revoked'], [otherKey])
    await other.event(
      'peer',
      ({ text, data }) => data?.['peer'] === hostKey && text.endsWith(' is gone')
    )
    const known = async (peer: LabPeer) => (await peer.client.peers()).map(({ key }) => key)
    t.alike(await known(host), [hostKey, thirdKey].toSorted())
    const text = await refuses(host, 'PEER_REFUSED', otherKey)
    t.ok(text.includes(`swarm revoke --undo ${otherKey}`), text)

    await lab.json(['stop', '--data-dir', host.dataDir])
    const again = lab.restart(host)
    await again.event('gate', ({ text }) => text.endsWith('; 1 key revoked'))
    await Promise.all([sees(again, thirdKey), refuses(again, 'PEER_REFUSED', otherKey)])
    t.alike(await known(again), [hostKey, thirdKey].toSorted())

    await lab.json(['revoke', '--undo', otherKey, '--data-dir', host.dataDir])
    await sees(again, otherKey)
    t.pass('and is let in when that is taken back')
  }
)

test('links gate - with an allow-list only its keys link, until it is ended', REAL, async (t) => {
  const lab = Lab.open(t)
  const topic = lab.topic('listed')
  const meet = ['--bootstrap', await lab.bootstrap()]
  const [listed, unlisted] = ['listed', 'unlisted'].map((name) => {
    return lab.join(name, topic, meet)
  }) as [LabPeer, LabPeer]
  const [listedKey, unlistedKey] = (await keys([listed, unlisted])) as [string, string]
  const host = lab.join('host', topic, [...meet, '--allow', listedKey])
  await host.event('gate', ({ text }) => text === 'only the 1 key on the allow-list may link')
  await Promise.all([sees(host, listedKey), refuses(host, 'PEER_REFUSED', unlistedKey)])
  t.is((await host.client.status()).peers, 1)
  const { onlyAllowed } = await lab.json(['allow', '--everyone', '--data-dir', host.dataDir])
  t.is(onlyAllowed, false)
  await sees(host, unlistedKey)
  t.pass()
})
