import test from 'brittle'
import { outputOnScreen } from '../../src/shell/screen-cut.ts'

const screen = (...lines: string[]) => lines.join('\n')

test('screen cut - between the command and the next prompt', (t) => {
  const text = screen(
    '$ ls',
    'a b',
    '$ make',
    'cc -c x.c',
    'x.c:1: error',
    '$ ls',
    'a b',
    '$ swarm why'
  )
  t.is(outputOnScreen(text, 'make'), 'cc -c x.c\nx.c:1: error')
  t.is(outputOnScreen(text, 'cat'), null)
  t.is(outputOnScreen(text, ''), null)
  t.is(outputOnScreen('', 'make'), null)
})

test('screen cut - a line of output that spells the command is output', (t) => {
  const text = screen('$ make', 'running: make', 'make', 'failed', '$ swarm why')
  t.is(outputOnScreen(text, 'make'), 'running: make\nmake\nfailed')
})

test('screen cut - numbers in a prompt may change, a prompt may have lines above', (t) => {
  const text = screen(
    '-- 10:01 --',
    'box [0] > make',
    'error',
    'more',
    '-- 10:02 --',
    'box [2] > swarm why',
    ''
  )
  t.is(outputOnScreen(text, 'make'), 'error\nmore')
})

test('screen cut - a right prompt is no part of the command', (t) => {
  const text = screen('% make        10:01', 'error', '% swarm why     10:02')
  t.is(outputOnScreen(text, 'make'), 'error')
  t.is(outputOnScreen(screen('% make all', 'error', '% swarm why'), 'make'), null)
})

test('screen cut - a wrapped command is put together again', (t) => {
  const text = screen(
    'host:~/folder $ cc -o out one.c',
    'two.c three.c',
    'error',
    'host:~/folder $ swarm why'
  )
  t.is(outputOnScreen(text, 'cc -o out one.c two.c three.c'), 'error')
})

test('screen cut - without the question the rest of the screen counts', (t) => {
  t.is(outputOnScreen(screen('$ make', 'error', ''), 'make'), 'error')
  t.is(outputOnScreen(screen('$ make', '$ '), 'make'), null)
})

test('screen cut - a screen made to be slow is cut at once', (t) => {
  const line = 'a '.repeat(500).trim()
  const text = screen(...Array.from({ length: 300 }, () => line))
  const start = process.cpuUsage().user
  outputOnScreen(text, `${'a '.repeat(2000)}b`)
  t.ok(process.cpuUsage().user - start < 5e6)
})
