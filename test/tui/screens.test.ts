// Exact text of every screen from recorded states, at the sizes that are promised, beside golden files
// (written anew with SWARM_GOLDENS=write, and read before they are committed); and mutations of a state
// that must change what is shown.

import { readFileSync, writeFileSync } from 'node:fs'
import test from 'brittle'

import {
  begin,
  HITS,
  pageOf,
  press,
  rowsOf,
  send,
  type,
  type Run
} from '../helpers/dash-screens.ts'
import { beforeFirstAnswer, justStarted, threePeers, troubled } from '../helpers/top-states.ts'

import type { GenerateEvent } from '../../src/wire/generation.ts'

process.env['TZ'] = 'UTC'

const SMALL = [80, 24] as const
const MIDDLE = [120, 40] as const
const LARGE = [200, 60] as const

function golden(name: string): { path: string; text: string } {
  const path = `test/tui/goldens/${name}.txt`
  try {
    return { path, text: readFileSync(path, 'utf8') }
  } catch {
    return { path, text: '' }
  }
}

/** A conversation: one turn answered, one that comes. */
export function talk(run: Run): Run {
  const asked = press(type(press(run, '3'), 'why does the build fail?'), 'enter')
  const turn = asked.model.chat.turn
  const answer = (event: GenerateEvent, nowMs: number) =>
    ({ type: 'answer', turn, event, nowMs }) as const
  const stages =
    threePeers().plan?.stages.map(({ peer, start, end }) => ({ peer, start, end })) ?? []
  const route = { type: 'route', stages, promptTokens: 812, cachedTokens: 0, seed: 1 } as unknown
  return send(
    asked,
    { type: 'asked', turn, nowMs: 1000 },
    answer(route as GenerateEvent, 1010),
    answer({ type: 'prefill', done: 812, total: 812 }, 1400),
    answer({ type: 'text', text: 'The header is missing \u001b[2J because ', ids: [1] }, 1410),
    answer({ type: 'text', text: 'nobody installed it.', ids: [2, 3] }, 1530)
  )
}

const found = (run: Run) => {
  const searched = press(type(press(run, '4'), 'linker'), 'enter')
  return send(searched, { type: 'found', search: searched.model.search.search, hits: HITS })
}

const PAGES: Record<string, (size: readonly [number, number]) => Run> = {
  overview: (size) => begin(threePeers(), size),
  pipeline: (size) => press(begin(threePeers(), size), '2'),
  chat: (size) => talk(begin(threePeers(), size)),
  knowledge: (size) => found(begin(threePeers(), size))
}

const SMALL_PAGES: Record<string, Run> = {
  'overview-started': begin(justStarted()),
  'overview-estimates': begin(beforeFirstAnswer()),
  'overview-troubled': begin(troubled()),
  'overview-log': press(begin(threePeers()), 'l'),
  'overview-lost': send(begin(threePeers()), { type: 'lost', text: 'no peer is running' }),
  'overview-filter': type(press(begin(threePeers()), '/'), 'bor'),
  'overview-quit': press(begin(threePeers(), SMALL, true), 'q'),
  'peer-left-out': press(begin(troubled()), 'j', 'j', 'j', 'enter'),
  'pipeline-estimates': press(begin(beforeFirstAnswer()), '2'),
  'pipeline-started': press(begin(justStarted()), '2'),
  'knowledge-none': send(press(type(press(begin(threePeers()), '4'), 'x'), 'enter'), {
    type: 'search-failed',
    search: 1,
    text: 'this peer keeps no shared memory'
  }),
  'knowledge-whole': press(found(begin(threePeers())), 'enter'),
  help: press(begin(threePeers()), '?'),
  asking: begin(null)
}

const all: [string, Run][] = [
  ...Object.entries(PAGES).flatMap(([name, page]): [string, Run][] =>
    [SMALL, MIDDLE, LARGE].map((size) => [`${name}-${size.join('x')}`, page(size)])
  ),
  ...Object.entries(SMALL_PAGES)
]

for (const [name, run] of all) {
  test(`screens - ${name} is its golden page`, (t) => {
    const { path, text } = golden(name)
    const page = pageOf(run)
    if (process.env['SWARM_GOLDENS'] === 'write') writeFileSync(path, page)
    else t.is(page, text, path)
    t.ok(page.length > 100, 'there is something on it')
  })
}

test('screens - at every size each row has exactly the cells of the terminal', (t) => {
  const wrong: string[] = []
  for (const [width, height] of [
    [80, 24],
    [81, 25],
    [100, 30],
    [119, 39],
    [160, 50],
    [200, 60]
  ] as const) {
    for (const [name, page] of Object.entries(PAGES)) {
      const rows = rowsOf(page([width, height]))
      if (rows.length !== height || rows.some((row) => row.length !== width))
        wrong.push(`${name} ${width}`)
    }
    for (const state of [justStarted(), troubled(), beforeFirstAnswer()]) {
      for (const key of ['1', '2', '3', '4', '?']) {
        const rows = rowsOf(press(begin(state, [width, height]), key))
        if (rows.length !== height || rows.some((row) => row.length !== width))
          wrong.push(`${key} ${width}`)
      }
    }
  }
  t.alike(wrong, [])
})

test('screens - a smaller terminal gets one line that says what is needed', (t) => {
  for (const size of [
    [79, 24],
    [80, 23],
    [20, 5],
    [1, 1]
  ] as const) {
    const [line = '', ...rest] = rowsOf(begin(threePeers(), size))
    const text = `swarm: this terminal is ${size.join('x')}, the dashboard needs 80x24`
    t.ok(text.startsWith(line.replace('\u2026', '').trimEnd()), line)
    t.is(rest.join('').trim(), '')
  }
})

test('screens - a figure that changes changes the page, on the screen that shows it', (t) => {
  const before = threePeers()
  const [atlas, ...others] = before.peers
  const changed = {
    overview: {
      ...before,
      peers: [{ ...atlas, thrptBytesPerSecond: { value: 31e9, isEstimate: false } }, ...others]
    },
    pipeline: {
      ...before,
      generation: before.generation && {
        ...before.generation,
        hops: before.generation.hops.map((hop) => ({ ...hop, queueMs: hop.queueMs + 0.11 }))
      }
    }
  }
  for (const [key, state] of [
    ['1', changed.overview],
    ['2', changed.pipeline]
  ] as const) {
    const now = begin(state as typeof before)
    t.unlike(rowsOf(press(now, key)), rowsOf(press(begin(before), key)))
  }
})

test('screens - an estimate that is measured loses its mark, and only that changes', (t) => {
  const before = threePeers()
  const [atlas, boron, cesium] = before.peers
  const voc = { value: 0.19, isEstimate: false }
  const after = { ...before, peers: [atlas, boron, { ...cesium, voc }] }
  const wasRows = rowsOf(begin(before))
  const isRows = rowsOf(begin(after as typeof before))
  const different = wasRows.filter((row, index) => row !== isRows[index])
  t.is(different.length, 1)
  t.ok(different[0]?.includes('0.19 est.'))
  t.absent(isRows.some((row) => row.includes('0.19 est.')))
})

test('screens - names and texts of others reach no page unmade', (t) => {
  for (const run of [begin(troubled()), talk(begin(troubled())), found(begin(troubled()))]) {
    for (const row of [rowsOf(run), rowsOf(press(run, 'enter'))].flat()) {
      t.absent(/[\p{Cc}\p{Cf}\p{M}]/u.test(row), row)
    }
  }
})

test('screens - many peers scroll with the choice and are counted', (t) => {
  const state = threePeers()
  const [atlas] = state.peers
  const peers = Array.from({ length: 40 }, (_, index) => ({
    ...atlas,
    key: String(index).padStart(64, '0'),
    name: `peer-${index}`,
    isSelf: index === 0,
    planned: []
  }))
  const many = begin({ ...state, peers } as typeof state)
  t.ok(pageOf(many).includes('peer-0*'))
  t.ok(/\.\.\. and \d+ more/.test(pageOf(many)))
  const last = press(many, ...Array.from({ length: 39 }, () => 'j'))
  t.ok(pageOf(last).includes('> peer-39'))
  t.is(rowsOf(last).length, 24)
})
