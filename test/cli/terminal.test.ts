import { PassThrough } from 'node:stream'
import test from 'brittle'
import { systemClock } from '../../src/base/clock.ts'
import type { SwarmError } from '../../src/base/errors.ts'
import { Terminal } from '../../src/cli/terminal.ts'

function open(options: { live?: boolean; json?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const { live = false, json = false, env = { TERM: 'xterm' } } = options
  const stdout = Object.assign(new PassThrough(), { isTTY: live, columns: 0 })
  const stderr = Object.assign(new PassThrough(), { isTTY: live })
  const terminal = new Terminal({ stdout, stderr, env, clock: systemClock, json })
  const read = (stream: PassThrough) => String(stream.read() ?? '')
  return { terminal, stdout, out: () => read(stdout), err: () => read(stderr) }
}

test('terminal - an answer ends with one line break', (t) => {
  const { terminal, out } = open()
  terminal.answer('one')
  terminal.endAnswer()
  terminal.endAnswer()
  terminal.answer('two\n')
  terminal.endAnswer()
  t.is(out(), 'one\ntwo\n')
})

test('terminal - a remark in the middle of an answer stands above its row', (t) => {
  const { terminal, out, err } = open({ live: true })
  terminal.answer('one\nha')
  terminal.answer('lf')
  terminal.note('lost a peer')
  terminal.answer(' more')
  t.is(out(), 'one\nhalf\r\u001b[Khalf more')
  t.is(err(), 'lost a peer\n')
})

test('terminal - a remark starts a line of its own where the row cannot be redrawn', (t) => {
  const cases: [string, NodeJS.ProcessEnv][] = [
    ['half', { TERM: 'dumb' }],
    ['halb\u{1f600}', { TERM: 'xterm' }]
  ]
  for (const [text, env] of cases) {
    const { terminal, out, err } = open({ live: true, env })
    terminal.answer(text)
    terminal.note('lost a peer')
    terminal.answer(' more')
    t.is(out(), `${text}\n more`)
    t.is(err(), 'lost a peer\n')
  }
})

test('terminal - of a long line its last row is redrawn', (t) => {
  const { terminal, out } = open({ live: true })
  for (const [length, row] of [
    [80, 80],
    [81, 1],
    [200, 40]
  ] as const) {
    terminal.answer('x'.repeat(length - 1))
    terminal.answer('x')
    terminal.note('lost a peer')
    t.is(out().length, length + '\r\u001b[K'.length + row)
    terminal.endAnswer()
    out()
  }
})

test('terminal - a remark in the middle of a piped answer does not change it', (t) => {
  const { terminal, out } = open()
  terminal.answer('half')
  terminal.note('lost a peer')
  terminal.answer(' more')
  t.is(out(), 'half more')
})

test('terminal - remarks are one line and cannot send sequences', (t) => {
  const { terminal, err } = open({ live: true })
  terminal.note('a\nb\u001b[31mc', 'faint')
  t.is(err(), '\u001b[2ma b [31mc\u001b[22m\n')
})

test('terminal - colours only where a person sees them', (t) => {
  t.is(open({ live: true }).terminal.bold('x'), '\u001b[1mx\u001b[22m')
  t.is(open({ live: false }).terminal.bold('x'), 'x')
  t.is(open({ live: true, env: { TERM: 'dumb' } }).terminal.bold('x'), 'x')
  t.is(open({ live: true, env: { TERM: 'xterm', NO_COLOR: '1' } }).terminal.bold('x'), 'x')
  t.is(
    open({ live: true, env: { TERM: 'xterm', NO_COLOR: '' } }).terminal.dim('x'),
    '\u001b[2mx\u001b[22m'
  )
})

test('terminal - while something else draws on it, lines and remarks go elsewhere, plain', (t) => {
  const { terminal, out, err } = open({ live: true })
  const lines: string[] = []
  terminal.divert((line) => lines.push(line))
  terminal.line(terminal.bold('one'))
  terminal.note('two', 'faint')
  terminal.divert(null)
  terminal.line('three')
  t.alike(lines, ['one', 'two'])
  t.alike([out(), err()], ['three\n', ''])
})

test('terminal - can be drawn on when it is one, says what it is, and is not dumb', (t) => {
  const canDraw = (live: boolean, env: NodeJS.ProcessEnv) => open({ live, env }).terminal.canDraw
  t.ok(canDraw(true, { TERM: 'xterm' }))
  t.ok(canDraw(true, { TERM: 'xterm', NO_COLOR: '1' }))
  t.absent(canDraw(true, { TERM: 'dumb' }))
  t.absent(canDraw(true, {}))
  t.absent(canDraw(false, { TERM: 'xterm' }))
})

test('terminal - a width of 0 counts as unknown', (t) => {
  t.is(open().terminal.width, 80)
})

test('terminal - the end of the reader is an abort, a full disk is an error', (t) => {
  const left = open()
  left.stdout.emit('error', Object.assign(new Error('x'), { code: 'EPIPE' }))
  t.is((left.terminal.broken.reason as Error).name, 'AbortError')
  const full = open()
  full.stdout.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))
  t.is((full.terminal.broken.reason as SwarmError).code, 'STORE_FULL')
})

test('terminal - progress gives way to text', (t) => {
  const { terminal, err } = open({ live: true })
  terminal.progress.update('loading')
  terminal.answer('x')
  t.is(err(), '\r\u001b[Kloading ...\r\u001b[K')
})
