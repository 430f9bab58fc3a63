// The dashboard end to end: a real terminal (tmux), a peer's own process, three peers that generate.
// Skipped with the reason where there is no tmux.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { endlessModel, startEndless } from '../helpers/endless.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'
import { Tmux, tmuxMissing } from '../helpers/tmux.ts'
import { until } from '../helpers/until.ts'

const missing = tmuxMissing()
const options = { ...REAL, skip: missing !== null }
if (missing !== null) test('dash', (t) => t.comment(`skipped: ${missing}`))

async function threePeers(t: Test): Promise<{ lab: Lab; peers: LabPeer[]; origin: LabPeer }> {
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const peers = await lab.pinned(model, ['0-0', '1-2', '3-3'])
  await Promise.all(peers.map((peer) => peer.event('layers')))
  return { lab, peers, origin: peers[0] as LabPeer }
}

const isTrue = (): boolean => true
/** The store of a peer opens a little after its links are up. */
const isFalse = (): boolean => false

test('dash - shows three generating peers, on each screen by its key', options, async (t) => {
  const { lab, origin, peers } = await threePeers(t)
  const teacher = peers.find((peer) => peer !== origin) as LabPeer
  const lesson = 'the linker wants libraries behind the objects'
  await until(() => teacher.client.learn({ answer: lesson }).then(isTrue, isFalse))
  await until(async () => (await origin.client.query({ text: 'linker' })).length > 0)
  const endless = await startEndless(lab, origin)
  const terminal = Tmux.open(t, lab, 100, 30)
  terminal.swarm('dash', '--data-dir', origin.dataDir)
  const overview = await terminal.until(/· [1-9]\S* tok\/s [^]*missing: none/)
  t.ok(/· 3 peers · [1-9]\S* tok\/s · THRPT [\d.]+ GB\/s/.test(overview), overview)
  t.is(overview.match(/^[> ] \S+.* ok$/gm)?.length, 3, 'three rows of peers')
  t.ok(/tcp \d+\.\d\d ms/.test(overview), 'round trips are measured')
  t.ok(/VoC/.test(overview) && /\d est\./.test(overview), 'what is predicted says so')
  endless.signal('SIGINT')
  await endless.ended
  await lab.generate(origin, ['-p', 'one two', '-n', '64'])
  terminal.keys('2')
  const pipeline = await terminal.until(/longest: /)
  const hops = pipeline.match(/^ \S+ [0-9a-f]{4} +\d-\d +\d+\.\d\d +\d+\.\d\d est\./gm)
  t.is(hops?.length, 3, 'three hops, measured beside predicted')
  t.ok(/total .*compute .*wire .*queue /.test(pipeline))
  terminal.keys('4')
  await terminal.until(/search> _/)
  terminal.type('linker')
  terminal.keys('Enter')
  const found = await terminal.until(/score +author/)
  t.ok(new RegExp(`^> 0\\.\\d+ +\\S+ +- +${lesson}`, 'm').test(found), found)
  terminal.keys('?')
  await terminal.until(/── HELP/)
  terminal.keys('q')
  await terminal.until((text) => !text.includes('── HELP'))
  terminal.keys('1')
  await terminal.until(/── PEERS, by layers/)
  terminal.keys('q')
  await terminal.until(/status 0/)
  t.absent(terminal.isTaken, 'the screen is given back')
  t.ok(terminal.isCooked, 'and so is the mode of the terminal')
})

test('dash - a chat streams, escape stops it and frees every stage', options, async (t) => {
  const { lab, peers, origin } = await threePeers(t)
  const terminal = Tmux.open(t, lab, 80, 24)
  terminal.swarm('dash', '--data-dir', origin.dataDir, '--temp', '0', '-n', '30000')
  await terminal.until(/── PEERS/)
  terminal.keys('3')
  await terminal.until(/you> _/)
  terminal.type('one two')
  terminal.keys('Enter')
  const early = await terminal.until(/gen [1-9]\d* tok /)
  t.ok(/── path \S+ \S+ > \S+ \S+ > \S+ \S+ ─/.test(early), early)
  const tokens = (text: string) => Number(/gen (\d+) tok/.exec(text)?.[1])
  const later = await terminal.until((text) => tokens(text) > tokens(early) + 20)
  t.ok(/ctx \d+\/32768 \[/.test(later), 'the meter knows the context')
  t.ok(/TTFT \d/.test(later))
  terminal.keys('Escape')
  await terminal.until(/^ +stopped/m)
  await Promise.all(peers.map((peer) => peer.idle()))
  t.pass('every stage is free')
  terminal.keys('C-c')
  await terminal.until(/status 130/)
  t.ok(terminal.isCooked)
})

test('dash - follows the size of the terminal', options, async (t) => {
  const { lab, origin } = await threePeers(t)
  const terminal = Tmux.open(t, lab, 80, 24)
  terminal.swarm('dash', '--data-dir', origin.dataDir)
  await terminal.until(/missing: none/)
  terminal.resize(60, 20)
  const [line, ...rest] = (await terminal.until(/^swarm: this terminal is 60x20/)).split('\n')
  t.ok(line?.startsWith('swarm: this terminal is 60x20, the dashboard needs 80x24'))
  t.is(rest.join('').trim(), '')
  terminal.resize(200, 60)
  // The keys are in the last row, which is drawn last.
  const large = await terminal.until((text) => {
    return (
      /── TOPOLOGY ─+ ── EVENTS/.test(text) && !!text.split('\n')[59]?.startsWith(' 1 overview')
    )
  })
  t.is(large.split('\n').length, 60)
  t.ok(large.split('\n').every((row) => row.length <= 200))
  terminal.keys('q')
  await terminal.until(/status 0/)
})

test('dash - a peer that goes is said, and found again when it is back', options, async (t) => {
  const lab = Lab.open(t)
  const peer = lab.join('peer', lab.topic('alone'), ['--lan-only', '--model', 'none'])
  await peer.event('port')
  const terminal = Tmux.open(t, lab, 80, 24)
  terminal.swarm('dash', '--data-dir', peer.dataDir)
  await terminal.until(/this peer has no model file/)
  peer.command.signal('SIGKILL')
  await terminal.until(/the peer does not answer[^]*no peer is running for/)
  lab.restart(peer)
  await terminal.until((text) => !text.includes('does not answer'))
  terminal.keys('q')
  await terminal.until(/status 0/)
})

async function joinArgs(lab: Lab, name: string): Promise<string[]> {
  const model = join(lab.folder, 'small.gguf')
  await writeSyntheticModel(model, smallLlama)
  return ['join', name, '--lan-only', '--model', model, '--data-dir', join(lab.folder, name)]
}

test(
  'join - shows the dashboard on a terminal, q d leaves the peer running',
  options,
  async (t) => {
    const lab = Lab.open(t)
    const terminal = Tmux.open(t, lab, 80, 24)
    const argv = await joinArgs(lab, `t${lab.topic('x').slice(2)}`)
    const dataDir = argv.at(-1) as string
    terminal.swarm(...argv)
    await terminal.until(/── PEERS/)
    t.ok(terminal.isTaken)
    const log = join(dataDir, 'join.log')
    await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('layers'))
    t.pass('what happens meanwhile is in join.log')
    terminal.keys('q')
    await terminal.until(/d ends the dashboard only, l also leaves the topic/)
    terminal.keys('d')
    await terminal.until(/the peer runs on; swarm dash shows the dashboard again/)
    t.absent(terminal.isTaken)
    t.ok(/topic +Anyone who knows/.test(terminal.text), 'what was said before is still there')
    const { status } = await lab.run(['status', '--data-dir', dataDir])
    t.is(status, 0, 'the peer runs')
    t.is(statSync(log).mode & 0o777, 0o600)
    terminal.keys('C-c')
    await terminal.until(/status 130/)
  }
)

test('join - q l leaves the topic, Ctrl-C leaves it with 130', options, async (t) => {
  const lab = Lab.open(t)
  for (const [keys, status] of [
    [['q', 'l'], 0],
    [['C-c'], 130]
  ] as const) {
    const terminal = Tmux.open(t, lab, 80, 24)
    const argv = await joinArgs(lab, `s${status}${lab.topic('x').slice(2)}`)
    terminal.swarm(...argv)
    await terminal.until(/── PEERS/)
    for (const key of keys) terminal.keys(key)
    await terminal.until(new RegExp(`^status ${status}$`, 'm'))
    t.absent(terminal.isTaken)
    t.ok(terminal.isCooked)
    t.is((await lab.run(['status', '--data-dir', argv.at(-1) as string])).status, 3, 'it is gone')
    terminal.close()
  }
})

test('join - TERM=dumb and --plain print lines', options, async (t) => {
  const lab = Lab.open(t)
  for (const [name, prefix, flags] of [
    ['dumb', 'export TERM=dumb', []],
    ['plain', 'true', ['--plain']]
  ] as const) {
    const terminal = Tmux.open(t, lab, 100, 24)
    terminal.type(prefix)
    terminal.keys('Enter')
    const argv = await joinArgs(lab, `${name}${lab.topic('x').slice(2)}`)
    terminal.swarm(...argv, ...flags)
    await terminal.until(/layers +layers 0-3 are ready/)
    t.absent(terminal.isTaken)
    terminal.keys('C-c')
    await terminal.until(/status 130/)
    terminal.close()
  }
})
