// A cable that is plugged in while an answer is being written: two namespaces whose only connection lets
// no TCP through, so that sessions run over the link itself, and then a second cable between them.

import { execFileSync } from 'node:child_process'
import test from 'brittle'

import { endlessModel } from '../helpers/endless.ts'
import { Net, type Inside } from '../helpers/net/namespaces.ts'
import { Lab, REAL, agreedPlan } from '../helpers/swarm-lab.ts'

const QUESTION = ['-p', 'one two', '-n', '5000', '--temp', '0']

function inside(place: Inside, ...argv: string[]): void {
  const [file = '', ...rest] = [...place, ...argv]
  execFileSync(file, rest, { stdio: 'pipe' })
}

/** The namespace a command runs in. */
const nameOf = (place: Inside) => place.at(-1) as string

test('links lane - a cable plugged in during an answer carries the rest of it', REAL, async (t) => {
  const net = Net.open(t)
  if (typeof net === 'string') return t.comment(`skipped: ${net}`)
  const hosts = net.bareCable('169.254/16')
  const cable = hosts.map(({ inside }) => inside) as [Inside, Inside]
  try {
    for (const place of cable) {
      inside(place, 'ip', 'rule', 'add', 'ipproto', 'tcp', 'to', '169.254.0.0/16', 'blackhole')
    }
  } catch (error) {
    return t.comment(`skipped: TCP cannot be kept off a cable here: ${String(error)}`)
  }
  const lab = Lab.open(t)
  const model = await endlessModel(lab)
  const alone = await lab.json(['run', model, ...QUESTION])
  const topic = lab.topic('second cable')
  const peers = cable.map((prefix, index) => {
    const flags = ['--model', model, '--threads', '1', '--layers', ['0-1', '2-3'][index] as string]
    return lab.join(`peer ${index}`, topic, flags, { prefix })
  })
  await agreedPlan(peers, 2)
  const [asked] = peers
  if (asked === undefined) return
  const way = (kind: string) =>
    peers.map((peer) => peer.event('lane', ({ text }) => text.includes(kind)))
  await Promise.all(way('over udx'))
  const argv = ['generate', '--data-dir', asked.dataDir, ...QUESTION, '--json', '--stream']
  const answer = lab.start(argv)
  await answer.until(() => answer.lines.filter(({ type }) => type === 'text').length > 20)
  const [a, b] = cable
  const plugged = `ip link add second type veth peer name second netns ${nameOf(b)}`
  inside(a, ...plugged.split(' '))
  for (const [index, place] of cable.entries()) {
    inside(place, 'ip', 'addr', 'add', `10.77.0.${index + 1}/24`, 'dev', 'second')
    inside(place, 'ip', 'link', 'set', 'second', 'up')
  }
  await Promise.all(way('over tcp'))
  t.ok(answer.isRunning, 'the answer was still being written')
  t.is((await answer.ended).status, 0, 'a frame lost on the way would have ended it')
  t.is(answer.last['stages'].length, 2)
  t.is(answer.last['logitsHash'], alone['logitsHash'])
})
