// The life of a peer's process: what it holds while it runs, what it leaves when it ends in whatever
// way, and what it says when it cannot begin.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { Lab, REAL } from '../helpers/swarm-lab.ts'

import type { NodeStatus } from '../../src/api/service.ts'

const LAYERS = '4 layers'

async function smallModel(lab: Lab, seed = 1): Promise<string> {
  const path = join(lab.folder, `small-${seed}.gguf`)
  await writeSyntheticModel(path, { ...smallLlama, seed })
  return path
}

const sockets = (lab: Lab) => readdirSync(join(lab.folder, 'run', 'swarm'))

test('lifecycle - a data directory in use names the process that uses it', REAL, async (t) => {
  const lab = Lab.open(t)
  const flags = ['--model', await smallModel(lab), '--lan-only']
  const peer = lab.join('peer', lab.topic('first'), flags)
  await peer.event('model', ({ text }) => text.includes(LAYERS))
  const { pid } = peer.command.child
  const argv = ['join', lab.topic('second'), ...flags, '--data-dir', peer.dataDir]
  const { status, stdout, stderr } = await lab.run(argv)
  t.is(status, 1)
  t.is(stdout, '')
  const text = `the data directory ${peer.dataDir} is in use by process ${pid}, topic '${lab.topic('first')}'`
  const hint = 'stop it with swarm stop, or give another --data-dir'
  t.is(stderr, `swarm: ${text}; ${hint} [STORE_BUSY]\n`)
  // With another runtime folder the socket is not found, but the lock still is.
  const elsewhere = await lab.run(argv, { runtimeDir: join(lab.folder, 'tmp') })
  t.is(elsewhere.status, 1)
  t.ok(elsewhere.stderr.includes(`is in use by process ${pid}`), elsewhere.stderr)
  t.ok(peer.command.isRunning)
})

test(
  'lifecycle - kill -9 leaves a socket and a lock that do not block the next start',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const first = lab.join('peer', lab.topic('again'), [
      '--model',
      await smallModel(lab),
      '--lan-only'
    ])
    await first.event('layers')
    const key = await first.key()
    first.command.signal('SIGKILL')
    await first.command.ended
    t.is(sockets(lab).length, 1, 'the socket file is still there')
    t.ok(existsSync(join(first.dataDir, 'lock')))
    const argv = ['status', '--data-dir', first.dataDir]
    const { status, stderr } = await lab.run(argv)
    t.is(status, 3)
    const text = `no peer is running for ${first.dataDir}; start one with: swarm join <topic>`
    t.is(stderr, `swarm: ${text} [PEER_NOT_RUNNING]\n`)
    const second = lab.restart(first)
    await second.event('layers')
    t.is(await second.key(), key, 'the same peer')
  }
)

test(
  'lifecycle - swarm stop ends a peer in order and leaves nothing that runs',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const flags = ['--model', await smallModel(lab), '--lan-only']
    const staying = lab.join('staying', lab.topic('leave'), flags)
    const leaving = lab.join('leaving', lab.topic('leave'), flags)
    await staying.event('peer')
    const { pid } = leaving.command.child
    const startMs = performance.now()
    t.alike(await lab.json(['stop', '--data-dir', leaving.dataDir]), { stopped: true, pid })
    t.comment(`stopped within ${(performance.now() - startMs).toFixed(0)} ms`)
    const { status, signal, stderr } = await leaving.command.ended
    t.alike([status, signal, stderr], [0, null, ''])
    t.is(sockets(lab).length, 1)
    const { text } = await staying.event('peer', (event) => event.text.endsWith('left'))
    t.ok(/^.+ \([0-9a-f]{8}\) left$/.test(text), text)
    const words = leaving.command.lines.map((line) => String(line['text']))
    t.absent(
      words.some((word) => word.endsWith('is gone')),
      'who leaves does not call others gone'
    )
  }
)

for (const [name, status] of [
  ['swarm stop', 0],
  ['SIGTERM', 0],
  ['SIGINT', 130]
] as const) {
  test(`lifecycle - ${name} during the start is an orderly end`, REAL, async (t) => {
    const lab = Lab.open(t)
    const peer = lab.join('peer', lab.topic('early'), [
      '--model',
      await smallModel(lab),
      '--lan-only'
    ])
    await peer.event('model')
    if (name !== 'swarm stop') peer.command.signal(name)
    else t.is((await lab.run(['stop', '--data-dir', peer.dataDir])).status, 0)
    const ended = await peer.command.ended
    t.is(ended.status, status, ended.stderr)
    t.is(sockets(lab).length, 0)
  })
}

test('lifecycle - a peer ends with the program that started it', REAL, async (t) => {
  const lab = Lab.open(t)
  const peer = lab.join('peer', lab.topic('orphan'), [
    '--model',
    await smallModel(lab),
    '--lan-only'
  ])
  await peer.event('layers')
  peer.command.child.stdin.destroy()
  t.is((await peer.command.ended).status, 0)
  t.is(sockets(lab).length, 0)
})

test('lifecycle - a model file that cannot be used is refused in one sentence', REAL, async (t) => {
  const lab = Lab.open(t)
  const model = await smallModel(lab)
  const bytes = readFileSync(model)
  const file = (name: string, content: Uint8Array | string): string => {
    writeFileSync(join(lab.folder, name), content)
    return join(lab.folder, name)
  }
  const damaged = Buffer.from(bytes)
  damaged.fill(0xff, 40, 80)
  const cases: [string, number, string, string][] = [
    [join(lab.folder, 'none.gguf'), 5, 'MODEL_NOT_FOUND', 'there is no file'],
    [lab.folder, 5, 'MODEL_NOT_FOUND', 'is a directory'],
    [file('text.gguf', 'hello'), 5, 'MODEL_BAD_MAGIC', 'does not start with GGUF'],
    [file('head.gguf', bytes.subarray(0, 3000)), 5, 'MODEL_TRUNCATED', 'cut off or damaged'],
    [file('half.gguf', bytes.subarray(0, -1000)), 5, 'MODEL_TRUNCATED', 'the file ends at byte'],
    [file('damaged.gguf', damaged), 5, 'MODEL_BAD_METADATA', 'the file is damaged']
  ]
  for (const [path, status, code, text] of cases) {
    const argv = ['join', lab.topic('bad'), '--lan-only', '--model', path, '--json']
    const ended = await lab.run([...argv, '--data-dir', join(lab.folder, 'bad')])
    t.is(ended.status, status, path)
    const { error } = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) as string)
    t.is(error.code, code)
    t.ok(error.message.includes(text), error.message)
    t.is(ended.stderr, `swarm: ${error.message} [${code}]\n`)
  }
  t.alike(sockets(lab), [])
})

test(
  'lifecycle - layers that the model does not have are refused with those it has',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const argv = [
      'join',
      lab.topic('bad'),
      '--lan-only',
      '--model',
      await smallModel(lab),
      '--layers',
      '2-4'
    ]
    const { status, stderr } = await lab.run([...argv, '--data-dir', join(lab.folder, 'bad')])
    t.is(status, 2)
    const text = '--layers 2-4 is not in this model, which has layers 0-3'
    t.is(stderr, `swarm: ${text} [USAGE_BAD_VALUE]\n`)
  }
)

test(
  'lifecycle - the model that comes with swarm gives way to another, whoever was first',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const topic = lab.topic('gives way')
    const flags = ['--bootstrap', await lab.bootstrap()]
    const early = lab.join('early', topic, flags)
    await early.event('model', ({ text }) => text.startsWith("'sentinel-"))
    const named = lab.join('named', topic, [...flags, '--model', await smallModel(lab)])
    const late = lab.join('late', topic, flags)
    for (const peer of [early, late])
      await peer.event('model', ({ text }) =>
        text.includes('small model that comes with swarm is dropped')
      )
    t.is(((await lab.json(['status', '--data-dir', early.dataDir])) as NodeStatus).model, null)
    const question = ['-p', 'one', '-n', '2']
    t.is((await lab.generate(named, question)).ids.length, 2)
    const { status, stderr } = await lab.run(['generate', '--data-dir', early.dataDir, ...question])
    t.is(status, 5)
    t.ok(/the topic serves 'small llama' .*; start it with: swarm join/.test(stderr), stderr)
  }
)

test(
  'lifecycle - a second model in a topic is refused by name and the first goes on',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const first = lab.join('first', lab.topic('one model'), [
      '--model',
      await smallModel(lab),
      '--lan-only'
    ])
    await first.event('layers')
    const argv = [
      'join',
      lab.topic('one model'),
      '--lan-only',
      '--model',
      await smallModel(lab, 2),
      '--json'
    ]
    const { status, stdout } = await lab.run([...argv, '--data-dir', join(lab.folder, 'second')])
    t.is(status, 5)
    const { error } = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string)
    t.is(error.code, 'MODEL_SECOND')
    const served =
      /^topic 'one model [0-9a-f]{12}' serves 'small llama' \([0-9a-f]{8}\), this peer has /
    t.ok(served.test(error.message), error.message)
    t.ok(error.message.endsWith('; use the same file, or join another topic'), error.message)
    const { text } = await first.event('refused')
    t.ok(/^[0-9a-f]{8} came with another model \('small llama' \([0-9a-f]{8}\)\)/.test(text), text)
    const { ids } = await lab.generate(first, ['-p', 'one', '-n', '4'])
    t.is(ids.length, 4)
  }
)

test('lifecycle - a peer without a model says what it is, and cannot be asked', REAL, async (t) => {
  const lab = Lab.open(t)
  const peer = lab.join('peer', lab.topic('no model'), ['--lan-only', '--model', 'none'])
  const { text } = await peer.event('model')
  t.ok(text.startsWith('this peer has no model file'), text)
  const argv = ['generate', '--data-dir', peer.dataDir, '-p', 'one']
  const { status, stderr } = await lab.run(argv)
  t.is(status, 5)
  t.ok(stderr.endsWith('start it with: swarm join TOPIC --model FILE [MODEL_NOT_GIVEN]\n'), stderr)
  const { held, model } = await peer.client.status()
  t.alike([held, model], [[], null])
})

test(
  'lifecycle - what happens is told to whoever listens at the control socket',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const flags = ['--model', await smallModel(lab), '--lan-only']
    const peer = lab.join('peer', lab.topic('events'), flags)
    await peer.event('layers')
    const abort = new AbortController()
    const events = peer.client.events(abort.signal)
    const first = events.next()
    const other = lab.join('other', lab.topic('events'), flags)
    const { value } = await first
    t.alike([value?.kind, value?.data?.['peer']], ['peer', await other.key()])
    abort.abort()
    // What had come before the abort is still told.
    const rest = async () => {
      while (!(await events.next()).done);
    }
    await t.exception(rest(), { name: 'AbortError' })
  }
)
