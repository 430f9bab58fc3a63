import test from 'brittle'
import { FAILURE_OUTPUT_BYTES_MAX } from '../../src/base/shell-limits.ts'
import { pipedFailure, readPiped } from '../../src/shell/piped.ts'
import { Tail } from '../../src/shell/tail.ts'
import { spoolRecord } from '../helpers/spool-records.ts'

const HERE = { cwd: '/here', wallMs: 9 }
const asked = (command: string) => spoolRecord({ kind: 'asked', status: 0, command })

test('piped - the command is the line that this shell runs now', (t) => {
  const lines: [string, string][] = [
    ['make 2>&1 | swarm why', 'make'],
    ['make |& swarm why --json', 'make'],
    ['cd x && make all 2>&1|./bin/swarm why', 'cd x && make all'],
    ['cat log | grep x | swarm why', 'cat log | grep x'],
    ['make \\\n  all 2>&1 | swarm why', 'make \\\n  all']
  ]
  for (const [line, command] of lines) {
    const failure = pipedFailure('error', [asked(line)], 100, HERE)
    t.alike([failure.command, failure.cwd, failure.output], [command, '/work', 'error'], line)
  }
})

test('piped - a line that has ended, or is of another shell, tells nothing', (t) => {
  const line = asked('make | swarm why')
  const unknown = { command: '', status: 1, cwd: '/here', durationMs: null, wallMs: 9 }
  const failure = { ...unknown, output: 'x', source: 'pipe' as const }
  t.alike(pipedFailure('x', [], 100, HERE), failure)
  t.alike(pipedFailure('x', [line], 7, HERE), failure)
  t.alike(pipedFailure('x', [line, spoolRecord({ command: line.command })], 100, HERE), failure)
})

test('piped - the status is that of the same command when it failed before', (t) => {
  const records = [spoolRecord({ command: 'make', status: 2 }), asked('make 2>&1 | swarm why')]
  t.is(pipedFailure('x', records, 100, HERE).status, 2)
})

test('piped - only the end of an endless text is kept', async (t) => {
  const lines = Array.from({ length: 200_000 }, (_, i) => `line ${i}\n`)
  const text = await readPiped(toStream(lines))
  t.ok(text.endsWith('line 199999'))
  t.ok(/^line \d+\n/.test(text), 'it begins with a whole line')
  t.ok(text.length <= FAILURE_OUTPUT_BYTES_MAX && text.length > FAILURE_OUTPUT_BYTES_MAX - 20)
})

async function* toStream(lines: string[]): AsyncIterable<Uint8Array> {
  for (const line of lines) yield Buffer.from(line)
}

test('tail - keeps all that fits, whatever the pieces', (t) => {
  for (const piece of [1, 3, 7, 100]) {
    const tail = new Tail(64)
    const text = Array.from({ length: 9 }, (_, i) => `l${i}`).join('\n')
    for (let at = 0; at < text.length; at += piece)
      tail.push(Buffer.from(text.slice(at, at + piece)))
    t.is(tail.text, text)
    t.is(tail.text, text, 'asked twice')
  }
})

test('tail - of more than fits, the last whole lines', (t) => {
  const tail = new Tail(10)
  for (const text of ['first\n', 'second\n', 'third\n']) tail.push(Buffer.from(text))
  t.is(tail.text, 'third')
  tail.push(Buffer.from('a line that is too long'))
  t.is(tail.text, 's too long', 'a single one is cut')
})
