// `swarm invite`, `allow` and `revoke` in real processes; a scripted peer where one has to run.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { openTopic } from '../../src/peer/topic.ts'
import { toHex } from '../../src/base/text.ts'
import { decodeInvite } from '../../src/wire/invite.ts'
import { lastLine, openShell, SLOW, type Shell } from '../helpers/swarm-command.ts'

const KEY = '2ec8a2a8'.repeat(8)
const OTHER = 'd5b456e8'.repeat(8)

/** The options that a peer is started with by this command line. */
async function started(shell: Shell, argv: string[], env: Record<string, string> = {}) {
  const file = join(shell.folder, 'options.json')
  const peer = shell.start(['join', ...argv], { SCRIPT_OPTIONS: file, ...env })
  await peer.says('ready')
  const title = readFileSync(`/proc/${peer.child.pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  peer.child.kill('SIGTERM')
  await peer.ended
  const options = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  const { topic, secret, public: isPublic, lanOnly, bootstrap } = options
  return { title, start: { topic, secret, public: isPublic, lanOnly, bootstrap } }
}

test('invite - a topic that nobody has joined is invited to, in one line', SLOW, async (t) => {
  const shell = await openShell(t)
  const secret = 'correct horse'
  const env = { SWARM_SECRET: secret }
  const { status, stdout } = await shell.run(['invite', 'home', '--secret'], env)
  t.is(status, 0)
  t.ok(/^swarm1[a-z0-9]+\n$/.test(stdout), stdout)
  const typed = openTopic({ name: 'home', secret, bootstrap: false, public: false, lanOnly: false })
  t.alike(decodeInvite(stdout), {
    name: 'home',
    root: typed.inviteRoot,
    dht: 'public',
    bootstrap: []
  })
  const json = await shell.run(['invite', 'home', '--secret', '--json'], env)
  t.alike(lastLine(json.stdout), { invite: stdout.trim(), topic: 'home', reach: typed.sentence })
})

test('invite - whoever joins with the line starts as the inviter did', SLOW, async (t) => {
  const shell = await openShell(t)
  const line = async (argv: string[], env = {}) =>
    (await shell.run(['invite', 'home', ...argv], env)).stdout.trim()
  const open = { topic: 'home', secret: null, public: false, lanOnly: false, bootstrap: [] }
  const node = { host: '10.0.0.1', port: 9 }
  const cases: [string[], object][] = [
    [[await line([])], { ...open, lanOnly: true }],
    [[await line(['--public'])], { ...open, public: true }],
    [[await line(['--bootstrap', '10.0.0.1:9'])], { ...open, bootstrap: [node] }],
    [[await line(['--public']), '--lan-only'], { ...open, lanOnly: true }],
    [[await line(['--bootstrap', '10.0.0.1:9']), '--lan-only'], { ...open, lanOnly: true }],
    [[await line([]), '--bootstrap', '10.0.0.1:9'], { ...open, bootstrap: [node] }],
    [[await line([]), '--public'], { ...open, public: true }]
  ]
  for (const [argv, expected] of cases) {
    t.alike((await started(shell, argv)).start, expected, argv.slice(1).join(' '))
  }
})

test('invite - the line is not left where other users can read it', SLOW, async (t) => {
  const shell = await openShell(t)
  const env = { SWARM_SECRET: 's3' }
  const invite = (await shell.run(['invite', 'home', '--secret'], env)).stdout.trim()
  const { title, start } = await started(shell, [invite])
  t.is(title, 'swarm join')
  const root = new Uint8Array(Object.values(start.secret as Record<string, number>))
  t.is(toHex(root), toHex(decodeInvite(invite).root as Uint8Array))
  t.alike([start.public, start.lanOnly], [false, false], 'its secret takes it to the public DHT')
})

test('invite - a damaged one starts nothing and says so', SLOW, async (t) => {
  const shell = await openShell(t)
  const invite = (await shell.run(['invite', 'home'])).stdout.trim()
  for (const damaged of [invite.slice(0, -1), invite.replace(/.$/, 'l'), 'swarm1']) {
    const { status, stderr } = await shell.run(['join', damaged])
    t.is(status, 2)
    t.ok(/^swarm: the invite is damaged.*\[USAGE_BAD_VALUE\]\n$/.test(stderr), stderr)
  }
  const { status, stderr } = await shell.run(['join', invite, '--secret'], { SWARM_SECRET: 'x' })
  t.is(status, 2)
  t.ok(stderr.includes('leave out --secret'), stderr)
})

test('invite - of the running peer is its own', SLOW, async (t) => {
  const shell = await openShell(t)
  t.is((await shell.run(['invite'])).status, 3)
  await shell.peer()
  t.is((await shell.run(['invite'])).stdout, 'swarm1yy\n')
})

test('gate - the lists are kept while no peer runs', SLOW, async (t) => {
  const shell = await openShell(t)
  const lists = async (...argv: string[]) => {
    const { status, stdout, stderr } = await shell.run([...argv, '--json'])
    if (status !== 0) throw new Error(stderr)
    return lastLine(stdout)
  }
  t.alike(await lists('allow'), { onlyAllowed: false, allowed: [], revoked: [] })
  await lists('allow', KEY.toUpperCase())
  await lists('revoke', OTHER)
  t.alike(await lists('revoke'), { onlyAllowed: true, allowed: [KEY], revoked: [OTHER] })
  t.is((await shell.run(['allow'])).stdout, `allow   ${KEY}\nrevoked ${OTHER}\n`)
  await lists('revoke', '--undo', OTHER.slice(0, 8))
  t.alike(await lists('allow', '--everyone'), { onlyAllowed: false, allowed: [], revoked: [] })
})

test('gate - command lines that mean nothing are refused', SLOW, async (t) => {
  const shell = await openShell(t)
  const cases: [string[], number, RegExp][] = [
    [['allow', KEY.slice(1)], 2, /64 hexadecimal digits.*swarm status/],
    [['allow', KEY, '--everyone'], 2, /contradict each other/],
    [['revoke', '2ec8a2a8'], 2, /no single known key/],
    [['revoke', '--undo'], 2, /needs <key>/],
    [['join', 'home', '--allow', 'me'], 2, /--allow must be a peer's key/]
  ]
  for (const [argv, status, text] of cases) {
    const ended = await shell.run(argv)
    t.is(ended.status, status, argv.join(' '))
    t.ok(text.test(ended.stderr), ended.stderr)
  }
})

test('gate - a running peer is asked, and its own data directory left to it', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  t.is((await shell.run(['allow', KEY])).stdout, `allow   ${KEY}\n`)
  t.is((await shell.run(['revoke', KEY.slice(0, 8), '--json'])).status, 0)
  t.is((await shell.run(['allow'])).stdout, '', 'the scripted peer keeps no lists')
})

test(
  'gate - a damaged file keeps a peer from starting rather than letting all in',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.run(['revoke', KEY])
    writeFileSync(join(shell.folder, '.local/share/swarm/gate'), 'swarm gate 1\nrevoke\n')
    const { status, stderr } = await shell.run(['revoke', OTHER])
    t.is(status, 1)
    t.ok(/list of keys .* is damaged; .*STORE_UNREADABLE/.test(stderr), stderr)
  }
)
