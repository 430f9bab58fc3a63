// Claims about finding: on bare cables, through a private DHT, with cables that come and go, in several
// ways at once, and with a data directory that was copied. Real processes, hosts of their own.

import { cpSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { planModel } from '../../src/model/synthetic/model-plan.ts'
import { shape8b } from '../../src/model/synthetic/spec.ts'
import { median } from '../../bench/statistics.ts'
import { at, joinTimes, routedMeeting, type JoinTime } from '../helpers/net/join-times.ts'
import { CABLES, Net, type CableKind } from '../helpers/net/namespaces.ts'
import { doubleNat } from '../helpers/net/nat.ts'
import { Lab, REAL, type Json, type LabPeer } from '../helpers/swarm-lab.ts'

const STARTS = 5
/**
 * The claim, a process's start and all, is 500 ms and at worst 2 s: `npm run bench -- join` measures it.
 * Here tests run side by side and loading the program alone may take a second, so finding is measured
 * from then on, and twice as long is nothing slow yet. Whoever else uses the machine can only make it
 * slower: what missed is measured again.
 */
const MEDIAN_MS = 1000
const WORST_MS = 2000
const MEASURED_MAX = 3
const DHT_MS = 3000

const isUp = ({ kind, text }: Json) => kind === 'peer' && text.includes(' is here')
const isDown = ({ kind, text }: Json) => kind === 'peer' && / is gone| left/.test(text)

function count(peer: LabPeer, matches: (line: Json) => boolean): number {
  return peer.command.lines.filter(matches).length
}

async function linked(...peers: LabPeer[]): Promise<void> {
  await Promise.all(peers.map((peer) => peer.command.line(isUp)))
}

async function measured(t: Test, times: () => Promise<JoinTime[]>, limits: [number, number]) {
  for (let left = MEASURED_MAX; ; left--) {
    const all = (await times()).map(({ findingMs }) => findingMs)
    const [medianMs, worstMs] = [median(all), Math.max(...all)]
    t.comment(`median ${medianMs.toFixed(0)} ms, worst ${worstMs.toFixed(0)} ms of ${all.length}`)
    if (left > 1 && (medianMs > limits[0] || worstMs > limits[1])) continue
    t.ok(medianMs <= limits[0], `median ${medianMs} ms`)
    t.ok(worstMs <= limits[1], `worst ${worstMs} ms`)
    return
  }
}

test('links find - two processes of one machine have a link in a moment', REAL, async (t) => {
  const lab = Lab.open(t)
  const times = () => joinTimes(lab, { places: [{}, {}], flags: ['--lan-only'] }, STARTS)
  await measured(t, times, [MEDIAN_MS, WORST_MS])
})

for (const kind of Object.keys(CABLES) as CableKind[]) {
  test(`links find - a bare cable, ${kind}: a link in a moment`, REAL, async (t) => {
    const net = Net.open(t)
    if (typeof net === 'string') return t.comment(`skipped: ${net}`)
    const meeting = { places: at(...net.bareCable(kind)), flags: [] }
    const lab = Lab.open(t)
    await measured(t, () => joinTimes(lab, meeting, STARTS), [MEDIAN_MS, WORST_MS])
  })
}

test('links find - a model file that is still being read holds up no link', REAL, async (t) => {
  const lab = Lab.open(t)
  // A file of the right size with nothing in it: only hashing it takes long.
  const { header } = planModel(shape8b)
  const path = join(lab.folder, 'large.gguf')
  writeFileSync(path, header.bytes)
  truncateSync(path, header.sizeBytes)
  const topic = lab.topic('large')
  const first = lab.join('first', topic, [])
  await first.event('port')
  const startMs = performance.now()
  const second = lab.join('second', topic, ['--model', path])
  await linked(first, second)
  const tookMs = performance.now() - startMs
  t.ok(tookMs < 2 * WORST_MS, `${tookMs} ms`)
  const isRead = ({ kind, text }: Json) => kind === 'model' && text.includes(' layers, id ')
  t.is(count(second, isRead), 0, 'it is being read')
  t.is((await second.client.status()).model, null)
})

test(
  'links find - behind a router, through a private DHT: within three seconds',
  REAL,
  async (t) => {
    const net = Net.open(t)
    if (typeof net === 'string') return t.comment(`skipped: ${net}`)
    const lab = Lab.open(t)
    const meeting = await routedMeeting(lab, net)
    await measured(t, () => joinTimes(lab, meeting, STARTS), [DHT_MS, DHT_MS])
  }
)

test('links find - two behind home routers meet through a DHT of their own', REAL, async (t) => {
  const net = Net.open(t)
  if (typeof net === 'string') return t.comment(`skipped: ${net}`)
  const nat = doubleNat(net)
  if (typeof nat === 'string') return t.comment(`skipped: ${nat}`)
  const lab = Lab.open(t)
  const argv = ['bootstrap', '--host', nat.address, '--port', '0', '--until-eof', '--json']
  const { port } = await lab
    .start(argv, { prefix: nat.outside.inside })
    .line((line) => typeof line['port'] === 'number')
  const topic = lab.topic('behind routers')
  const peers = nat.homes.map(({ inside, name }) => {
    return lab.join(name, topic, ['--bootstrap', `${nat.address}:${port}`], { prefix: inside })
  })
  await linked(...peers)
  for (const peer of peers) {
    const { text } = await peer.event('lane')
    t.ok(text.includes('over udx'), text)
  }
})

test('links find - a cable that is plugged in later is found', REAL, async (t) => {
  const net = Net.open(t)
  if (typeof net === 'string') return t.comment(`skipped: ${net}`)
  const lab = Lab.open(t)
  for (const kind of Object.keys(CABLES) as CableKind[]) {
    const hosts = [net.host(), net.host()] as const
    const topic = lab.topic(`later ${kind}`)
    const peers = hosts.map(({ inside }, index) => {
      return lab.join(`${kind} ${index}`.replaceAll(/\W/g, '-'), topic, [], { prefix: inside })
    }) as [LabPeer, LabPeer]
    await Promise.all(peers.map((peer) => peer.event('port')))
    const [a, b] = CABLES[kind]
    const startMs = performance.now()
    net.cable(
      { host: hosts[0], ipv6: a === null, ...(a === null ? {} : { ipv4: a }) },
      { host: hosts[1], ipv6: b === null, ...(b === null ? {} : { ipv4: b }) }
    )
    await linked(...peers)
    const foundMs = performance.now() - startMs
    t.comment(`${kind}: ${foundMs.toFixed(0)} ms`)
    t.ok(foundMs < 2 * WORST_MS, `${foundMs} ms`)
    for (const peer of peers) peer.command.signal('SIGKILL')
  }
})

test('links find - of two cables either may be pulled', REAL, async (t) => {
  const net = Net.open(t)
  if (typeof net === 'string') return t.comment(`skipped: ${net}`)
  const lab = Lab.open(t)
  const [a, b] = [net.host(), net.host()]
  for (const port of ['one', 'two']) {
    const third = port === 'one' ? 1 : 2
    net.cable(
      { host: a, port, ipv4: `10.79.${third}.1/24` },
      { host: b, port, ipv4: `10.79.${third}.2/24` }
    )
  }
  // What else is on people's machines: a bridge with nobody on it, and a tunnel to nowhere.
  net.ip(a, ['link', 'add', 'docker0', 'type', 'bridge'])
  net.ip(a, ['addr', 'add', '172.17.0.1/16', 'dev', 'docker0'])
  net.ip(a, ['link', 'set', 'docker0', 'up'])
  net.ip(a, ['tuntap', 'add', 'dev', 'tun0', 'mode', 'tun'])
  net.ip(a, ['addr', 'add', '10.99.0.1/32', 'peer', '10.99.0.2', 'dev', 'tun0'])
  net.ip(a, ['link', 'set', 'tun0', 'up'])
  const topic = lab.topic('two cables')
  const peers = [a, b].map(({ inside, name }) => lab.join(name, topic, [], { prefix: inside })) as [
    LabPeer,
    LabPeer
  ]
  await linked(...peers)
  // Its lane too, or that would choose the other cable.
  await Promise.all(peers.map((peer) => peer.event('lane')))
  for (const port of ['one', 'two']) {
    const before = peers.map((peer) => count(peer, isUp))
    // The first one pulled may not be the one that the link goes over: then nothing happens.
    const hosts = (await peers[0].client.peers()).map(({ host }) => host ?? '')
    const isUsed = hosts.some((host) => host.includes(`10.79.${port === 'one' ? 1 : 2}.`))
    net.plug(a, port, false)
    const startMs = performance.now()
    const isBack = (peer: LabPeer, index: number) => {
      return peer.command.until(() => count(peer, isUp) > (before[index] ?? 0))
    }
    if (isUsed) await Promise.all(peers.map(isBack))
    else await new Promise((resolve) => setTimeout(resolve, 4000))
    const tookMs = (performance.now() - startMs).toFixed(0)
    t.comment(`'${port}' pulled: ${isUsed ? `linked again after ${tookMs} ms` : 'not in use'}`)
    for (const peer of peers) {
      t.is(count(peer, isUp) - count(peer, isDown), 1, 'there is a link')
      t.is((await peer.client.status()).peers, 1)
    }
    net.plug(a, port, true)
    // The address comes back with the cable, and is heard of within a second.
    await new Promise((resolve) => setTimeout(resolve, 1500))
  }
  for (const peer of peers) t.ok(count(peer, isDown) > 0, 'it went over one of them')
})

test('links find - a peer that is killed and starts again is linked at once', REAL, async (t) => {
  const lab = Lab.open(t)
  const topic = lab.topic('again')
  const first = lab.join('first', topic, [])
  let second = lab.join('second', topic, [])
  await linked(first, second)
  for (let life = 2; life <= 4; life++) {
    second.command.signal('SIGKILL')
    const startMs = performance.now()
    second = lab.restart(second)
    await linked(second)
    await first.command.until(() => count(first, isUp) >= life)
    const againMs = performance.now() - startMs
    t.ok(againMs < 2 * WORST_MS, `${againMs.toFixed(0)} ms`)
  }
})

test('links find - two that are found in every way at once keep one link', REAL, async (t) => {
  const net = Net.open(t)
  if (typeof net === 'string') return t.comment(`skipped: ${net}`)
  const lab = Lab.open(t)
  const hosts = [net.host(), net.host(), net.host()] as const
  net.bridge(hosts.map((host, index) => ({ host, ipv4: `10.80.0.${index + 1}/24` })))
  net.ip(hosts[2], ['link', 'set', 'lo', 'up'])
  const argv = ['bootstrap', '--host', '10.80.0.3', '--port', '0', '--until-eof', '--json']
  const { port } = await lab
    .start(argv, { prefix: hosts[2].inside })
    .line((line) => typeof line['port'] === 'number')
  for (let round = 0; round < STARTS; round++) {
    const topic = lab.topic(`round ${round}`)
    const peers = [0, 1].map((index) => {
      const other = `10.80.0.${2 - index}:48629`
      const flags = ['--bootstrap', `10.80.0.3:${port}`, '--peer', other]
      return lab.join(`${round} ${index}`, topic, flags, { prefix: hosts[index]?.inside ?? [] })
    }) as [LabPeer, LabPeer]
    await linked(...peers)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    for (const peer of peers) {
      t.alike([count(peer, isUp), count(peer, isDown)], [1, 0], `round ${round}`)
      t.is((await peer.client.status()).peers, 1)
    }
    for (const peer of peers) peer.command.signal('SIGKILL')
  }
})

test('links find - a copied data directory is named on both sides', REAL, async (t) => {
  const lab = Lab.open(t)
  const topic = lab.topic('copied')
  const first = lab.join('first', topic, [])
  await first.event('port')
  cpSync(join(first.dataDir, 'identity'), join(lab.folder, 'second', 'identity'), {
    recursive: true
  })
  const second = lab.join('second', topic, [])
  for (const peer of [first, second]) {
    const { text, data } = await peer.event('error')
    t.is(data?.['code'], 'PEER_DUPLICATE')
    t.ok(/Another process uses this peer's identity/.test(text), text)
  }
  t.is(await first.key(), await second.key())
})
