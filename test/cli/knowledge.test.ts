// `swarm learn`, `query` and `forget` in real processes, with a scripted peer and without one.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { LEARN_FILE_BYTES_MAX } from '../../src/base/limits.ts'
import { lastLine, openShell, SLOW } from '../helpers/swarm-command.ts'

const PORT = 'The staging database listens on port 6432.'

test('knowledge commands - what the peer is told it answers and forgets', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const learnt = await shell.run(['learn', PORT])
  t.is(learnt.status, 0)
  t.is(learnt.stderr, 'learnt 1 passage; shared with the topic\n')
  const id = learnt.stdout.slice(0, 8)
  t.is(learnt.stdout, `${id}  ${PORT}\n`)
  const again = await shell.run(['learn', PORT, '--json'])
  t.alike(lastLine(again.stdout)['entries'][0].isKnown, true)
  const found = await shell.run(['query', 'which port has the staging database'])
  t.is(found.stdout.split('\n')[0], PORT)
  t.ok(found.stdout.includes(`  ${id}, a1a1a1a1, `), found.stdout)
  const json = lastLine((await shell.run(['query', 'staging', '--json', '-k', '1'])).stdout)
  t.alike([json['hits'].length, json['hits'][0].answer], [1, PORT])
  const forgotten = await shell.run(['forget', id])
  t.ok(
    /^[0-9a-f]{32} is forgotten, here and by every peer/.test(forgotten.stdout),
    forgotten.stdout
  )
  const gone = await shell.run(['query', 'staging'])
  t.alike([gone.status, gone.stdout, gone.stderr], [0, '', 'nothing is known about that\n'])
})

test('knowledge commands - without a peer they open the store themselves', SLOW, async (t) => {
  const shell = await openShell(t)
  const learnt = await shell.run(['learn', PORT])
  t.is(learnt.status, 0, learnt.stderr)
  const where = 'on this machine only, because it has not joined a topic yet'
  t.is(learnt.stderr, `learnt 1 passage; ${where}\n`)
  t.ok((await shell.run(['query', 'staging port'])).stdout.startsWith(PORT))
  t.is((await shell.run(['forget', learnt.stdout.slice(0, 8)])).status, 0)
  t.is((await shell.run(['query', 'staging port'])).stdout, '')
})

test('knowledge commands - a file is learnt in passages under its name', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const file = join(shell.folder, 'notes.md')
  const paragraphs = Array.from(
    { length: 60 },
    (_, at) => `Rule ${at}: ${'keep it simple. '.repeat(30)}`
  )
  writeFileSync(file, paragraphs.join('\n\n'))
  const { stdout, stderr } = await shell.run(['learn', file, '--local'])
  t.is(stderr, 'learnt 15 passages; on this machine only\n')
  t.is(stdout.trimEnd().split('\n').length, 15)
  const json = lastLine(
    (await shell.run(['query', 'rule 59', '--source', 'notes', '--json'])).stdout
  )
  t.ok(json['hits'][0].answer.includes('Rule 59:'))
  t.alike([json['hits'][0].source, json['hits'][0].scope], ['notes.md', 'local'])
})

test('knowledge commands - standard input is learnt with a dash', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { stdout } = await shell.run(['learn', '-', '--json'], {}, `${PORT}\n`)
  t.is(lastLine(stdout)['entries'].length, 1)
  t.ok((await shell.run(['query', 'staging'])).stdout.startsWith(PORT))
})

test(
  'knowledge commands - what is no text, or none at all, is refused in a sentence',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.peer()
    const inside = (name: string, bytes: string | Uint8Array) => {
      writeFileSync(join(shell.folder, name), bytes)
      return join(shell.folder, name)
    }
    mkdirSync(join(shell.folder, 'folder'))
    const cases: [string, RegExp, string?][] = [
      [inside('zero', 'a\0b'), /^swarm: the file .*zero is binary; .*USAGE_BAD_VALUE/],
      [
        inside('latin', Uint8Array.of(0x66, 0xfc, 0x72)),
        /latin is not UTF-8 text .*USAGE_BAD_VALUE/
      ],
      [inside('huge', ' '.repeat(LEARN_FILE_BYTES_MAX + 1)), /huge has 4.0 MiB, .*USAGE_TOO_LARGE/],
      [inside('empty', '\n'), /nothing to learn: the text is empty .*USAGE_MISSING/],
      [join(shell.folder, 'folder'), /folder is no file; .*USAGE_BAD_VALUE/],
      ['no/such/file', /there is no file no\/such\/file; .*USAGE_BAD_VALUE/],
      ['typo.txt', /there is no file typo.txt; .*USAGE_BAD_VALUE/],
      ['-', /standard input is binary; .*USAGE_BAD_VALUE/, 'a\0b']
    ]
    for (const [given, sentence, stdin] of cases) {
      const { status, stdout, stderr } = await shell.run(['learn', given], {}, stdin)
      t.is(status, 2)
      t.is(stdout, '')
      t.ok(sentence.test(stderr), stderr)
    }
  }
)

test('knowledge commands - a wrong filter or id is refused in a sentence', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  for (const argv of [
    ['query', 'x', '--author', 'me'],
    ['query', 'x', '--since', 'long ago'],
    ['query', 'x', '-k', '0'],
    ['forget', '3f2a'],
    ['forget', '3f2a9c1b']
  ]) {
    const { status, stderr } = await shell.run(argv)
    t.is(status, 2, argv.join(' '))
    t.ok(/^swarm: .*\[USAGE_BAD_VALUE\]\n$/.test(stderr), stderr)
  }
})
