// The command line end to end: real processes, a real socket, a scripted peer.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { lastLine, openShell, PROGRAM, SLOW } from '../helpers/swarm-command.ts'
import { until } from '../helpers/until.ts'

const GENERATE = ['generate', '-p', 'one two three']

test('commands - without a running peer they say so and exit 3', SLOW, async (t) => {
  const shell = await openShell(t)
  const commands = [GENERATE, ['status'], ['peers'], ['plan'], ['top'], ['stop']]
  await Promise.all(
    commands.map(async (argv) => {
      const { status, stdout, stderr } = await shell.run(argv)
      t.is(status, 3, argv[0])
      t.is(stdout, '')
      t.is(
        stderr,
        `swarm: no peer is running for ${shell.folder}/.local/share/swarm; ` +
          'start one with: swarm join <topic> [PEER_NOT_RUNNING]\n'
      )
    })
  )
})

test(
  'commands - top prints lines once, with --json the object, with --watch again',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.peer()
    const { status, stdout } = await shell.run(['top'])
    t.is(status, 0)
    t.ok(/^swarm home · 3 peers · .*\n +peer +layers +memory/.test(stdout), stdout)
    const json = lastLine((await shell.run(['top', '--json'])).stdout)
    t.alike(Object.keys(json).slice(0, 3), ['wallMs', 'key', 'name'])
    t.is(json['peers'].length, 3)
    const watching = shell.start(['top', '--watch', '0.1'])
    await until(() => watching.stdout.split('EVENTS').length > 2)
    watching.child.kill('SIGINT')
    t.is((await watching.ended).status, 130)
  }
)

test('commands - the dashboard needs a terminal and says what does without', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { status, stdout, stderr } = await shell.run(['dash'])
  t.is(status, 2)
  t.is(stdout, '')
  t.ok(stderr.includes('swarm top prints the same facts [USAGE_UNSUPPORTED]'), stderr)
})

test('commands - errors with --json are an object on the last line', SLOW, async (t) => {
  const shell = await openShell(t)
  const { status, stdout } = await shell.run(['status', '--json'])
  t.is(status, 3)
  t.is(lastLine(stdout)['error'].code, 'PEER_NOT_RUNNING')
  const usage = await shell.run(['status', '--wrong', '--json'])
  t.is(usage.status, 2)
  t.is(lastLine(usage.stdout)['error'].code, 'USAGE_UNKNOWN_FLAG')
})

test('commands - generate prints the text alone on standard output', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { status, stdout, stderr } = await shell.run(GENERATE)
  t.is(status, 0)
  t.is(stdout, 'one two three\n')
  t.ok(/^3 tokens, 30.0 tok\/s, .*, seed 42, complete\n$/.test(stderr), stderr)
})

test('commands - generate --json prints one object with every promised name', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { status, stdout } = await shell.run([...GENERATE, '--json', '--seed', '7', '-n', '2'])
  t.is(status, 0)
  t.is(stdout.trimEnd().split('\n').length, 1)
  const result = lastLine(stdout)
  const names = ['model', 'promptIds', 'ids', 'text', 'seed', 'finishReason', 'logitsHash']
  t.alike(Object.keys(result), [...names, 'arithmeticVersion', 'stages', 'timing'])
  const timing = ['prefillMs', 'decodeMs', 'tokensPerSecond', 'perHop', 'losses']
  t.alike(Object.keys(result['timing']), timing)
  t.alike([result['text'], result['seed'], result['finishReason']], ['one two ', 7, 'length'])
})

test('commands - run --json prints the object of generate', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const flags = ['-p', 'a b c', '--seed', '3', '--json']
  const generate = await shell.run(['generate', ...flags])
  const run = await shell.run(['run', 'tiny.gguf', ...flags])
  t.is(run.status, 0)
  t.is(run.stdout, generate.stdout)
})

test('commands - --stream shows every event before the object', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { stdout } = await shell.run([...GENERATE, '--json', '--stream'])
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.alike(
    lines.map((line) => line.type),
    ['route', 'prefill', 'text', 'text', 'text', undefined]
  )
  t.is(lines.at(-1).text, 'one two three')
})

test('commands - a prompt of - is standard input without its last line break', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const argv = ['generate', '-p', '-', '--json']
  const { stdout } = await shell.run(argv, {}, 'from a file\n')
  t.is(lastLine(stdout)['text'], 'from a file')
})

test('commands - a prompt that is not UTF-8 is refused', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const command = shell.start(['generate', '-p', '-'])
  command.child.stdin.end(Buffer.from([0x61, 0xff]))
  const { status, stderr } = await command.ended
  t.is(status, 2)
  t.ok(stderr.includes('not UTF-8'))
})

test('commands - a piped text is not changed', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { stdout } = await shell.run(['generate', '-p', 'a\u001b[31m\rb\n'])
  t.is(stdout, 'a\u001b[31m\rb\n')
})

test('commands - each family of errors has its exit status', SLOW, async (t) => {
  const cases: [string, number, string][] = [
    ['full', 1, 'STAGE_FULL'],
    ['gone', 4, 'PEER_GONE'],
    ['gap', 4, 'PLAN_GAP'],
    ['long', 2, 'USAGE_PROMPT_TOO_LONG']
  ]
  for (const [script, status, code] of cases) {
    const shell = await openShell(t)
    const peer = await shell.peer({ SCRIPT_GENERATION: script })
    const ended = await shell.run(GENERATE)
    t.is(ended.status, status, script)
    t.ok(ended.stderr.endsWith(` [${code}]\n`), ended.stderr)
    if (script === 'gone') t.is(ended.stdout, 'w0 w1 \n', 'the words before stay')
    peer.child.kill()
    await peer.ended
  }
})

test('commands - Ctrl-C and SIGTERM end a generation with 130', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer({ SCRIPT_GENERATION: 'endless' })
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const command = shell.start(GENERATE)
    await command.says('on ')
    command.child.kill(name)
    const { status, stdout, stderr } = await command.ended
    t.alike([status, stdout, stderr], [130, 'on \n', ''], name)
  }
})

test('commands - an interrupted --json still ends with an object', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer({ SCRIPT_GENERATION: 'endless' })
  const command = shell.start([...GENERATE, '--json', '--stream'])
  await command.says('"text"')
  command.child.kill('SIGINT')
  const { status, stdout } = await command.ended
  t.is(status, 130)
  t.is(lastLine(stdout)['error'].code, 'INTERRUPTED')
})

test('commands - Ctrl-C while a prompt is read ends at once', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const command = shell.start(['generate', '-p', '-'])
  // More than a pipe holds: when all of it is written, the command is reading.
  const half = Buffer.alloc(2 ** 20, 'x')
  await new Promise((resolve) => command.child.stdin.write(half, resolve))
  command.child.kill('SIGINT')
  t.is((await command.ended).status, 130)
})

test('commands - a reader that leaves ends a generation quietly', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer({ SCRIPT_GENERATION: 'flood' })
  const command = shell.start(GENERATE)
  await command.says('line 10\n')
  command.child.stdout.destroy()
  const { status, stderr } = await command.ended
  t.alike([status, stderr], [0, ''])
})

test('commands - status, peers and plan are tables, or objects', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const status = await shell.run(['status'])
  t.ok(status.stdout.includes('topic   home: this local network\n'), status.stdout)
  const peers = await shell.run(['peers'])
  t.is(peers.stdout.split('\n').length, 4)
  t.absent(peers.stdout.includes('\u001b'), 'a name cannot send a sequence')
  const plan = await shell.run(['plan'])
  t.ok(plan.stdout.startsWith('layers 0 [a|bb|cc] 4\n'), plan.stdout)
  t.ok(plan.stdout.includes(', a new plan makes 25.0 tok/s\n'), plan.stdout)
  const changed = await shell.run(['plan', '--what-if', '+24GiB@45GB/s', '--what-if', '-bbbb'])
  t.ok(changed.stdout.endsWith('now 17.2 tok/s, then 25.0: +45 %\n'), changed.stdout)
  t.is((await shell.run(['plan', '--what-if', '24GiB'])).status, 2)
  t.is(lastLine((await shell.run(['status', '--json'])).stdout)['topic'], 'home')
  t.is(lastLine((await shell.run(['peers', '--json'])).stdout)['peers'].length, 2)
  t.is(lastLine((await shell.run(['plan', '--json'])).stdout)['hash'], 'd'.repeat(64))
})

test('commands - stop waits until the peer is gone', SLOW, async (t) => {
  const shell = await openShell(t)
  const peer = await shell.peer()
  const { status, stdout } = await shell.run(['stop'])
  t.is(status, 0)
  t.is(stdout, `stopped process ${peer.child.pid}\n`)
  t.is((await peer.ended).status, 0)
  t.is((await shell.run(['status'])).status, 3)
})

test('commands - join says who can join first, and events as lines', SLOW, async (t) => {
  const shell = await openShell(t)
  const peer = await shell.peer()
  const lines = peer.stdout.split('\n')
  t.ok(/^\d\d:\d\d:\d\d topic {4}Anyone who knows its name can join 'home'\.$/.test(lines[0] ?? ''))
  t.ok(/^\d\d:\d\d:\d\d ready {4}layers 0-2/.test(lines[1] ?? ''))
})

test('commands - join --json prints events as NDJSON', SLOW, async (t) => {
  const shell = await openShell(t)
  const peer = shell.start(['join', 'home', '--json'])
  await peer.says('ready')
  const events = peer.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.alike(
    events.map((event) => event.kind),
    ['topic', 'ready']
  )
})

test('commands - join hands every flag to the peer', SLOW, async (t) => {
  const shell = await openShell(t)
  const file = join(shell.folder, 'options.json')
  const peer = shell.start(
    (
      'join home --model /m.gguf --memory 1GiB --layers 0-2 --threads 3 ' +
      '--context 32768 --sessions 2 ' +
      '--bootstrap 10.0.0.1:9 --peer [fe80::1%eth0]:7 --secret --lan-only --http 0 ' +
      `--allow ${'aB'.repeat(32)}`
    ).split(' '),
    { SCRIPT_OPTIONS: file, SWARM_SECRET: 'open sesame' }
  )
  await peer.says('ready')
  const { log, dataDir, socketPath, programVersion, ...options } = JSON.parse(
    readFileSync(file, 'utf8')
  )
  t.alike(options, {
    topic: 'home',
    secret: 'open sesame',
    public: false,
    lanOnly: true,
    bootstrap: [{ host: '10.0.0.1', port: 9 }],
    allow: ['ab'.repeat(32)],
    peers: [{ host: 'fe80::1%eth0', port: 7 }],
    model: '/m.gguf',
    cacheDir: join(shell.folder, '.cache/swarm'),
    httpPort: 0,
    memoryBytes: 2 ** 30,
    contextTokens: 32_768,
    sessions: 2,
    layers: { start: 0, end: 3 },
    threads: 3
  })
  t.is(dataDir, join(shell.folder, '.local/share/swarm'))
  t.ok(socketPath.startsWith(join(shell.folder, 'run', 'swarm')))
  t.ok(/^\d+\.\d+\.\d+$/.test(programVersion))
  t.ok(log)
})

test('commands - join --secret without a secret to be had is refused', SLOW, async (t) => {
  const shell = await openShell(t)
  const { status, stderr } = await shell.run(['join', 'home', '--secret'])
  t.is(status, 2)
  t.ok(stderr.includes('SWARM_SECRET'))
})

test('commands - a second peer of one data directory is told who is first', SLOW, async (t) => {
  const shell = await openShell(t)
  const peer = await shell.peer()
  const { status, stderr } = await shell.run(['join', 'other'])
  t.is(status, 1)
  t.ok(stderr.includes(`in use by process ${peer.child.pid}, topic 'home'`), stderr)
})

test(
  'commands - a peer leaves on Ctrl-C with 130 and on SIGTERM with 0, without its socket',
  SLOW,
  async (t) => {
    for (const [name, expected] of [
      ['SIGINT', 130],
      ['SIGTERM', 0]
    ] as const) {
      const shell = await openShell(t)
      const peer = await shell.peer()
      peer.child.kill(name)
      const { status, stderr } = await peer.ended
      t.alike([status, stderr], [expected, ''], name)
      t.is((await shell.run(['status'])).status, 3)
    }
  }
)

test('commands - a second Ctrl-C ends a peer that cannot leave', SLOW, async (t) => {
  const shell = await openShell(t)
  const peer = await shell.peer({ SCRIPT_HANG: '1' })
  peer.child.kill('SIGINT')
  await peer.says('leaving')
  peer.child.kill('SIGINT')
  t.is((await peer.ended).status, 130)
})

test('commands - join --until-eof ends with the program that started it', SLOW, async (t) => {
  const shell = await openShell(t)
  const peer = shell.start(['join', 'home', '--until-eof'])
  await peer.says('ready')
  peer.child.stdin.end()
  t.is((await peer.ended).status, 0)
})

test('commands - bootstrap prints the flag that peers use', SLOW, async (t) => {
  const shell = await openShell(t)
  const command = shell.start(['bootstrap', '--port', '49737', '--host', '127.0.0.1'])
  await command.says('  --bootstrap 127.0.0.1:49737\n')
  command.child.kill('SIGTERM')
  t.is((await command.ended).status, 0)
  const json = shell.start(['bootstrap', '--port', '1', '--until-eof', '--json'])
  await json.says('\n')
  json.child.stdin.end()
  t.alike(lastLine((await json.ended).stdout), { host: '10.1.1.1', port: 1 })
})

test('commands - help, version, completion and man need no peer', SLOW, async (t) => {
  const shell = await openShell(t)
  t.ok((await shell.run([])).stdout.includes('usage: swarm <command>'))
  t.ok((await shell.run(['generate', '--help'])).stdout.includes('usage: swarm generate'))
  t.ok(/^swarm \d/.test((await shell.run(['--version'])).stdout))
  t.ok((await shell.run(['completion', 'bash'])).stdout.includes('complete -F'))
  t.is((await shell.run(['completion', 'tcsh'])).status, 2)
  t.ok((await shell.run(['man'])).stdout.startsWith('.TH SWARM 1'))
  t.is((await shell.run(['help', 'joni'])).stderr.includes("did you mean 'join'"), true)
})

test(
  'commands - doctor asks the running peer, and prints foreign names as plain text',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.peer()
    // Two runs may find different things; each ends as it says.
    const { status, stdout } = await shell.run(['doctor'])
    t.is(status, /^fix {3}/m.test(stdout) ? 1 : 0, stdout)
    t.ok(/^ok {4}bo \[31mron \(bbbbbbbb\): linked, both directions answer/m.test(stdout), stdout)
    t.absent(stdout.includes('\u001b'))
    const json = await shell.run(['doctor', '--json'])
    const said = lastLine(json.stdout)
    t.is(json.status, said['ok'] ? 0 : 1)
  }
)

test('commands - bridge changes nothing for those who may not', SLOW, async (t) => {
  const shell = await openShell(t)
  // Who runs the tests as root becomes nobody for this one.
  const isRoot = process.geteuid?.() === 0
  const nobody = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  if (isRoot && spawnSync('setpriv', [...nobody.slice(1), 'test', '-r', PROGRAM]).status !== 0) {
    return t.comment('skipped: root cannot be given up here')
  }
  for (const flag of ['--apply', '--undo']) {
    const argv = [...nobody, process.execPath, PROGRAM, 'bridge', flag]
    const { status, stderr } = await shell.program(argv[0] as string, argv.slice(1)).ended
    t.is(status, 2)
    t.ok(stderr.includes(`needs root; type: sudo swarm bridge ${flag} [USAGE_FORBIDDEN]`), stderr)
  }
})
