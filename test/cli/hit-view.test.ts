// Answers as lines: whose they are, what of foreign text reaches a terminal, what is cut.

import test from 'brittle'
import { parseSince } from '../../src/cli/command/query.ts'
import { dayTime, hitLines } from '../../src/cli/hit-view.ts'
import type { Hit } from '../../src/wire/knowledge.ts'
import { ANNA, factOf } from '../helpers/facts.ts'

const WALL_MS = new Date(2026, 10, 21, 14, 3).getTime()

function hitOf(answer: string, other: Partial<Hit> = {}): Hit {
  const fact = factOf(answer, { wallMs: WALL_MS, ...other })
  const from = {
    author: ANNA,
    authorName: null,
    scope: 'swarm',
    score: 1,
    similarity: null
  } as const
  return { ...from, ...fact, ...other }
}

test('hit view - says who learnt it, when, from where and how near it is', (t) => {
  const hit = hitOf('the text', { source: 'notes.md', similarity: 0.816, authorName: 'atlas' })
  t.alike(hitLines(hit, 80), [
    `  ${hit.id.slice(0, 8)}, atlas, 2026-11-21 14:03, notes.md, similarity 0.82`,
    'the text'
  ])
  t.ok(
    hitLines(hitOf('x', { scope: 'local' }), 80)[0]?.includes(
      'a1a1a1a1, 2026-11-21 14:03, on this machine only'
    )
  )
  t.is(dayTime(Number.MAX_SAFE_INTEGER), 'at an unknown time')
})

test('hit view - a fix shows the failed command and the command that mends it', (t) => {
  const hit = hitOf('git push -u origin main', {
    kind: 'fix',
    question: 'git push\nfatal: no upstream'
  })
  t.alike(hitLines(hit, 80).slice(1), ['git push', '$ git push -u origin main'])
})

test('hit view - control characters and marks of direction do not reach the terminal', (t) => {
  const evil = 'a\u001b]0;title\u0007b\u001b[31mred\u009b2J\rover\u202egnp.exe\u2066'
  const hit = hitOf(evil, { source: evil, authorName: evil })
  for (const line of hitLines(hit, 200)) {
    t.absent(/[\p{Cc}\p{Bidi_Control}]/u.test(line), JSON.stringify(line))
  }
})

test('hit view - long answers and long lines are cut, and it is said', (t) => {
  const lines = hitLines(hitOf(Array.from({ length: 40 }, (_, at) => `line ${at}`).join('\n')), 80)
  t.is(lines.length, 14)
  t.is(lines.at(-1), '  (28 more lines)')
  t.is(hitLines(hitOf('x'.repeat(500)), 80)[1]?.length, 80)
})

test('since - is a time ago or a date, and nothing else', (t) => {
  const now = 1_000_000_000_000
  t.is(parseSince('30m', now), now - 1_800_000)
  t.is(parseSince('2d', now), now - 172_800_000)
  t.is(parseSince('99999w', now), 0)
  t.is(parseSince('2026-11-21', now), new Date(2026, 10, 21).getTime())
  for (const text of ['', '2', 'd', '2y', '-2d', '2026-13-01', '2026-1-1', 'yesterday', '1e3d']) {
    t.exception(() => parseSince(text, now), { code: 'USAGE_BAD_VALUE' }, text)
  }
})
