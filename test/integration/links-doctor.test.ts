// `swarm doctor` beside real peers: what is well is said so, and a peer that is not is explained.

import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { Lab, REAL, type Json, type LabPeer } from '../helpers/swarm-lab.ts'

async function doctor(lab: Lab, dataDir: string): Promise<{ status: number | null; said: Json }> {
  const { status, stdout } = await lab.run(['doctor', '--data-dir', dataDir, '--json'])
  return { status, said: JSON.parse(stdout) as Json }
}

function finding({ findings }: Json, check: string): Json | undefined {
  return findings.find((one: Json) => one['check'].startsWith(check))
}

async function twoPeers(lab: Lab): Promise<[LabPeer, LabPeer]> {
  const topic = lab.topic('doctor')
  const peers: [LabPeer, LabPeer] = [lab.join('one', topic, []), lab.join('two', topic, [])]
  await Promise.all(peers.map((peer) => peer.event('lane')))
  return peers
}

test('doctor - a linked peer is well in both directions, and so is the topic', REAL, async (t) => {
  const lab = Lab.open(t)
  const [one, two] = await twoPeers(lab)
  const { status, said } = await doctor(lab, one.dataDir)
  const key = (await two.key()).slice(0, 8)
  const peer = said['findings'].find(({ check }: Json) => check.includes(key))
  t.alike([peer?.level, peer?.fix], ['ok', null])
  t.ok(peer?.text.startsWith('linked, both directions answer, activations over TCP'), peer?.text)
  for (const check of ['lock', 'dht', 'identity in use', 'versions', 'clocks', 'kernels']) {
    t.is(finding(said, check)?.['level'], 'ok', check)
  }
  t.is(status, said['ok'] ? 0 : 1)
})

test('doctor - a peer whose clock is a minute and a half ahead is named', REAL, async (t) => {
  const lab = Lab.open(t)
  const topic = lab.topic('clocks')
  const ahead = 'data:text/javascript,const%20now=Date.now;Date.now=()=>now()+90500'
  const one = lab.join('one', topic, [])
  const two = lab.join('two', topic, [], { prefix: ['env', `NODE_OPTIONS=--import ${ahead}`] })
  await Promise.all([one, two].map((peer) => peer.event('lane')))
  const here = finding((await doctor(lab, one.dataDir)).said, 'clocks')
  const there = finding((await doctor(lab, two.dataDir)).said, 'clocks')
  t.is(here?.['level'], 'note')
  // A hello that was a while on its way makes one clock less ahead and the other more behind: 3 s at most.
  t.ok(/ is 01:(2[789]|30) ahead of this machine/.test(here?.['text']), here?.['text'])
  t.ok(/ is 01:3[0-3] behind this machine/.test(there?.['text']), there?.['text'])
})

test('doctor - a peer that went away is told as such', REAL, async (t) => {
  const lab = Lab.open(t)
  const [one, two] = await twoPeers(lab)
  const key = (await two.key()).slice(0, 8)
  await lab.json(['stop', '--data-dir', two.dataDir])
  await one.event('peer', ({ text }) => /left|gone|lost/.test(text))
  const { said } = await doctor(lab, one.dataDir)
  const peer = said['findings'].find(({ check }: Json) => check.includes(key))
  t.is(peer?.level, 'note')
})

test('doctor - a copied identity is named with the way out', REAL, async (t) => {
  const lab = Lab.open(t)
  const topic = lab.topic('copied')
  const original = lab.join('original', topic, [])
  await original.event('machine')
  mkdirSync(join(lab.folder, 'copy'), { mode: 0o700 })
  cpSync(join(original.dataDir, 'identity'), join(lab.folder, 'copy/identity'))
  lab.join('copy', topic, [])
  await original.event('error', ({ data }) => data?.['code'] === 'PEER_DUPLICATE')
  const { status, said } = await doctor(lab, original.dataDir)
  const found = finding(said, 'identity in use')
  t.is(found?.['level'], 'fix')
  t.ok(found?.['fix'].includes(`${original.dataDir}/identity`))
  t.is(status, 1)
})

test('doctor - a stopped process that holds the data directory is found', REAL, async (t) => {
  const lab = Lab.open(t)
  const peer = lab.join('stuck', lab.topic('stuck'), [])
  await peer.event('machine')
  const pid = peer.command.child.pid as number
  // As if started from a session with other folders: it runs, and nobody finds its socket.
  const elsewhere = { runtimeDir: lab.folder }
  const argv = ['doctor', '--data-dir', peer.dataDir, '--json']
  const { status, stdout } = await lab.run(argv, elsewhere)
  const found = finding(JSON.parse(stdout) as Json, 'lock')
  t.alike([found?.['level'], found?.['fix']], ['fix', `kill ${pid}`])
  t.is(status, 1)
})

test('doctor - without a peer it judges this machine alone', REAL, async (t) => {
  const lab = Lab.open(t)
  const { status, said } = await doctor(lab, join(lab.folder, 'nothing'))
  t.is(finding(said, 'lock')?.['text'], 'free; no peer is running')
  t.is(finding(said, 'tcp')?.['level'], 'ok')
  t.is(finding(said, 'dht'), undefined)
  t.is(status, said['ok'] ? 0 : 1)
})
