// Promise 5, the cable itself: `swarm bridge` at both ends of a bare cable between two namespaces, and on
// one machine where namespaces are not permitted; what it changes, and that it takes all of it back.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test, { type Test } from 'brittle'

import { endlessModel } from '../helpers/endless.ts'
import { Net, type CableKind, type Inside } from '../helpers/net/namespaces.ts'
import { Lab, REAL, type Json } from '../helpers/swarm-lab.ts'

/** Runs a program in one of the two namespaces. */
function inside(prefix: Inside, ...argv: string[]): string {
  const [file, ...rest] = [...prefix, ...argv] as [string]
  return execFileSync(file, rest, { encoding: 'utf8' }).trim()
}

function cableOf(t: Test, kind: CableKind = '169.254/16'): [Inside, Inside] | null {
  const net = Net.open(t)
  if (typeof net !== 'string') {
    const [a, b] = net.bareCable(kind)
    return [a.inside, b.inside]
  }
  t.comment(`skipped: ${net}`)
  return null
}

/** What `swarm bridge` says at both ends, run at the same time. */
function bothEnds(lab: Lab, cable: [Inside, Inside], argv: readonly string[]): Promise<Json[]> {
  return Promise.all(
    cable.map((prefix, index) => {
      const own = ['--data-dir', `${lab.folder}/${index}`]
      return lab.json(['bridge', ...argv, ...own, '--wait', '20'], { prefix })
    })
  )
}

test('bridge - two commands at the two ends of a cable measure it both ways', REAL, async (t) => {
  const cable = cableOf(t)
  if (cable === null) return
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const [a, b] = await bothEnds(lab, cable, [lab.topic('cable'), '--model', model])
  for (const side of [a, b]) {
    const [end, ...others] = side?.['ends'] ?? []
    t.alike(others, [])
    t.alike([end.kind, end.interfaceName, end.error], ['bridge', 'cable', null])
    t.ok(end.figures.rttMs > 0 && end.figures.activationRttMs > 0)
    for (const kind of ['noise', 'plain']) {
      t.ok(end.figures[kind].toBytesPerSecond > 10e6, `${kind} there`)
      t.ok(end.figures[kind].fromBytesPerSecond > 10e6, `${kind} back`)
    }
    t.alike(side?.['outcomes'], [])
    const [{ interfaceName, budget }] = side?.['budgets'] ?? []
    t.alike([interfaceName, budget.outruns], ['cable', budget.hopsMs < budget.kernelMs])
    t.ok(budget.wireTokensPerSecond > budget.hopTokensPerSecond)
    t.ok(budget.kernelTokensPerSecond > 0)
  }
  const plain = (side: Json | undefined) => side?.['ends'][0].figures.plain
  t.is(plain(a).toBytesPerSecond, plain(b).fromBytesPerSecond)
})

test('bridge - with no address but fe80:: they find and measure each other', REAL, async (t) => {
  const cable = cableOf(t, 'fe80:: only')
  if (cable === null) return
  const lab = Lab.open(t)
  for (const side of await bothEnds(lab, cable, [lab.topic('fe80')])) {
    const [end] = side['ends']
    t.alike([end?.kind, end?.error, end?.interfaceName], ['bridge', null, 'cable'])
    t.ok(/^fe80:.*%cable$/.test(end.host), end.host)
    t.ok(end.figures.noise.toBytesPerSecond > 10e6)
  }
})

test(
  'bridge - a running peer at the other end is found, and one here is asked',
  REAL,
  async (t) => {
    const cable = cableOf(t)
    if (cable === null) return
    const lab = Lab.open(t)
    const topic = lab.topic('peers')
    const [a, b] = cable.map((prefix, index) => lab.join(`peer ${index}`, topic, [], { prefix }))
    await Promise.all([a, b].map((peer) => peer?.event('lane')))
    const theirs = await b?.key()
    // From a data directory of nobody: by the peer's beacon alone.
    const ear = ['bridge', topic, '--data-dir', `${lab.folder}/nobody`]
    const heard = await lab.json(ear, { prefix: cable[0] })
    const far = heard['ends'].find(({ interfaceName }: Json) => interfaceName === 'cable')
    t.alike([far?.kind, far?.key, far?.error], ['peer', theirs, null])
    t.ok(far?.connectMs > 0)
    // And through the control socket of the peer that runs here.
    const asked = ['bridge', '--data-dir', a?.dataDir as string, '--wait', '0']
    const { linked } = await lab.json(asked, { prefix: cable[0] })
    t.alike(
      linked.map(({ key, lane }: Json) => [key, lane]),
      [[theirs, 'tcp']]
    )
  }
)

const MTU = '/sys/class/net/cable/mtu'
const TCP = '/proc/sys/net/ipv4/tcp_rmem'

test(
  'bridge - --apply changes what it printed, --undo takes it back, each once',
  REAL,
  async (t) => {
    const cable = cableOf(t)
    if (cable === null) return
    const [here] = cable
    const read = (path: string) => inside(here, 'cat', path).replaceAll('\t', ' ')
    for (const prefix of cable) inside(prefix, 'ip', 'link', 'set', 'cable', 'mtu', '1400')
    inside(here, 'sh', '-c', `echo 4096 87380 200000 > ${TCP}`)
    const lab = Lab.open(t)
    const topic = lab.topic('apply')

    // Without --apply nothing is changed, whatever it found.
    const [printed] = await bothEnds(lab, cable, [topic])
    const wanted = printed?.['findings'].filter(({ changes }: Json) => changes.length > 0)
    const subjects = wanted.map(({ subject }: Json) => subject)
    t.ok(
      subjects.includes('MTU of cable') && subjects.includes('net.ipv4.tcp_rmem'),
      subjects.join()
    )
    t.alike([read(MTU), read(TCP)], ['1400', '4096 87380 200000'])

    // /etc/sysctl.d is another folder for this one command, and nobody else sees that.
    const etc = `${lab.folder}/tmp`
    const prefix = [...here, 'sh', '-c', 'mount --bind "$0" /etc/sysctl.d && exec "$@"', etc]
    const own = ['--data-dir', `${lab.folder}/0`, '--json']
    const other = lab.start(['bridge', topic, '--json', '--wait', '20'], { prefix: cable[1] })
    const argv = ['bridge', topic, '--apply', '--persist', '--wait', '20', ...own]
    const apply = lab.start(argv, { prefix })
    await Promise.all([apply.ended, other.ended])
    // Limits that belong to the whole machine may not be changed from inside; these may.
    const done = (outcomes: Json[]) =>
      outcomes.filter(({ path }) => path === MTU || path === TCP).map(({ result }) => result)
    t.alike(done(apply.last['outcomes']), ['changed', 'changed'], apply.output)
    t.alike([read(MTU), read(TCP)], ['1500', '4096 87380 4194304'])
    const kept = readFileSync(`${etc}/90-swarm.conf`, 'utf8')
    t.ok(kept.includes('net.ipv4.tcp_rmem = 4096 87380 4194304\n'), kept)
    const [plan] = apply.last['plans']
    t.is(plan.interfaceName, 'cable')
    t.ok(plan.commands.join().includes('1500') && plan.undo.length > 0)

    const undone = await lab.json(['bridge', '--undo', ...own.slice(0, 2)], { prefix })
    t.alike(done(undone['outcomes']).toSorted(), ['changed', 'changed'])
    t.alike([read(MTU), read(TCP)], ['1400', '4096 87380 200000'])
    t.exception(() => readFileSync(`${etc}/90-swarm.conf`), /ENOENT/)
    t.alike((await lab.json(['bridge', '--undo', ...own.slice(0, 2)], { prefix }))['outcomes'], [])
  }
)

test(
  'bridge - on one machine two commands find each other by loopback or a network',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const all = await bothEnds(lab, [[], []], [lab.topic('one machine')])
    for (const { ends } of all) {
      t.ok(ends.length >= 1)
      t.ok(ends.every(({ kind }: Json) => kind === 'bridge'))
      t.ok(ends.some(({ figures }: Json) => figures?.noise.toBytesPerSecond > 10e6))
    }
  }
)

test('bridge - what cannot be is refused before anything is done', REAL, async (t) => {
  const lab = Lab.open(t)
  const table: [string[], string][] = [
    [['bridge', '--persist'], 'USAGE_MISSING'],
    [['bridge', '--apply', '--undo'], 'USAGE_BAD_VALUE'],
    [['bridge', '--secret'], 'USAGE_MISSING'],
    [['bridge', '--model', `${lab.folder}/none.gguf`], 'MODEL_NOT_FOUND']
  ]
  for (const [argv, code] of table) {
    const { stdout } = await lab.run([...argv, '--json'])
    t.is(JSON.parse(stdout.trim().split('\n').at(-1) as string).error.code, code, argv.join(' '))
  }
})
