// What each key and each news does to the dashboard, without a terminal: tables of presses with what is
// shown and what is to be done.

import test from 'brittle'

import { DASH_INPUT_CHARS_MAX } from '../../src/base/limits.ts'
import { begin, HITS, press, rowsOf, send, type, type Run } from '../helpers/dash-screens.ts'
import { ATLAS, BORON, CESIUM, justStarted, threePeers } from '../helpers/top-states.ts'

import type { GenerateEvent, GenerateResult } from '../../src/wire/generation.ts'

const start = (isOwner = false) => begin(threePeers(), [80, 24], isOwner)

const SCREEN_KEYS: [keys: string[], screen: string][] = [
  [[], 'overview'],
  [['2'], 'pipeline'],
  [['3'], 'chat'],
  [['4'], 'knowledge'],
  [['tab'], 'pipeline'],
  [['tab', 'tab', 'tab', 'tab'], 'overview'],
  [['S-tab'], 'knowledge'],
  [['right'], 'pipeline'],
  [['left'], 'knowledge'],
  [['2', 'h'], 'overview'],
  // In an input digits are typed and Tab still leaves.
  [['3', '1'], 'chat'],
  [['3', 'tab'], 'knowledge'],
  [['3', 'escape', '1'], 'overview'],
  [['4', 'escape', '2'], 'pipeline'],
  [['5'], 'overview'],
  [[':', 'c', 'h', 'a', 't', 'enter'], 'chat'],
  [['2', 'l'], 'overview']
]

for (const [keys, screen] of SCREEN_KEYS) {
  test(`update - ${keys.join(' ') || 'no key'} shows ${screen}`, (t) => {
    t.is(press(start(), ...keys).model.screen, screen)
  })
}

const ENDS: [name: string, isOwner: boolean, keys: string[], effects: object[]][] = [
  ['q quits', false, ['q'], [{ type: 'quit', status: 0 }]],
  ['Ctrl-C quits', false, ['C-c'], [{ type: 'quit', status: 130 }]],
  ['Ctrl-C quits out of an input', false, ['3', 'a', 'C-c'], [{ type: 'quit', status: 130 }]],
  [':q quits', false, [':', 'q', 'enter'], [{ type: 'quit', status: 0 }]],
  ["q of join's asks", true, ['q'], []],
  ["q d of join's ends the dashboard only", true, ['q', 'd'], [{ type: 'quit', status: 0 }]],
  [
    "q l of join's leaves the topic",
    true,
    ['q', 'l'],
    [{ type: 'leave' }, { type: 'quit', status: 0 }]
  ],
  ["q x of join's stays", true, ['q', 'x'], []],
  ["Ctrl-C of join's leaves", true, ['C-c'], [{ type: 'leave' }, { type: 'quit', status: 130 }]],
  ['D asks', false, ['D'], []],
  ['D y leaves the topic', false, ['D', 'y'], [{ type: 'leave' }, { type: 'quit', status: 0 }]],
  ['D n stays', false, ['D', 'n'], []],
  ['y copies the key of the chosen peer', false, ['j', 'y'], [{ type: 'copy', text: BORON }]]
]

for (const [name, isOwner, keys, effects] of ENDS) {
  test(`update - ${name}`, (t) => t.alike(press(start(isOwner), ...keys).effects, effects))
}

test('update - the choice moves along the list, stops at its ends and follows its peer', (t) => {
  const chosen = (...keys: string[]) => press(start(), ...keys).model.selected
  t.is(chosen('j'), BORON)
  t.is(chosen('j', 'j', 'j', 'j'), CESIUM)
  t.is(chosen('j', 'k', 'up'), ATLAS)
  t.is(chosen('j', 's', 's'), BORON, 'another order keeps the peer')
  const opened = press(start(), 'j', 'enter')
  t.is(opened.model.overlay, 'peer')
  t.ok(rowsOf(opened).some((row) => row.includes(BORON)))
  t.is(press(opened, 'x').model.overlay, 'none')
})

test('update - a filter narrows while it is typed, enter keeps it, escape drops it', (t) => {
  const typing = type(press(start(), '/'), 'CES')
  t.is(typing.model.filter, 'CES')
  t.is(press(typing, 'backspace').model.filter, 'CE')
  const kept = press(typing, 'enter')
  t.alike([kept.model.filter, kept.model.prompt], ['CES', null])
  t.is(press(kept, 'escape').model.filter, '')
  t.is(press(typing, 'escape').model.filter, '')
})

test('update - commands set what they name, and say what is wrong with others', (t) => {
  const run = (line: string) => press(type(press(start(), ':'), line), 'enter').model
  t.is(run('sort rtt').sort, 'rtt')
  t.is(run('sort size').notice, 'sort by one of layers, name, speed, rtt')
  t.is(run('rate 10').rateFps, 10)
  t.is(run('rate 60').notice, 'rate is one of 1, 2, 4, 10')
  t.is(run('filter atlas').filter, 'atlas')
  t.is(run('leave').overlay, 'ask-leave')
  t.is(run('').notice, '')
  const unknown = run('dance\u001b[2J')
  t.ok(unknown.notice.startsWith('there is no :dance [2J; there are :overview'))
  t.is(press({ model: unknown, effects: [] }, 'j').model.notice, '', 'gone with the next key')
})

test('update - pause, rate, graph and events are switched', (t) => {
  t.is(press(start(), 'p').model.isPaused, true)
  t.is(press(start(), 'p', 'p').model.isPaused, false)
  t.is(press(start(), '+').model.rateFps, 10)
  t.is(press(start(), '-', '-', '-', '-').model.rateFps, 1)
  t.is(press(start(), 'g').model.graphFromZero, false)
  t.is(press(start(), 'l').model.isLogOpen, true)
  t.is(press(start(), 'l', 'escape').model.isLogOpen, false)
})

test('update - help lies over everything until a key', (t) => {
  const help = press(start(), '?')
  t.ok(rowsOf(help).some((row) => row.includes('── HELP')))
  t.alike(press(help, 'q').effects, [])
  t.is(press(help, 'q').model.overlay, 'none')
})

test('update - the peer that does not answer is said until it does', (t) => {
  const lost = send(start(), { type: 'lost', text: 'no peer is running' })
  t.ok(rowsOf(lost)[0]?.includes('the peer does not answer'))
  t.ok(rowsOf(lost)[3]?.includes('atlas'), 'what was known stays in sight')
  const back = send(lost, { type: 'snapshot', snapshot: threePeers() })
  t.absent(rowsOf(back)[0]?.includes('does not answer'))
})

function asked(text: string, run = start()): { run: Run; turn: number } {
  const open = run.model.screen === 'chat' ? run : press(run, '3')
  const next = press(type(open, text), 'enter')
  return { run: next, turn: next.model.chat.turn }
}

const words = (text: string, ids: number[]): GenerateEvent => ({ type: 'text', text, ids })

function done(text: string): GenerateEvent {
  const timing = { prefillMs: 1, decodeMs: 1, tokensPerSecond: 9, perHop: [] }
  const result = { text, finishReason: 'stop', session: 'f'.repeat(32), timing }
  return { type: 'done', result: result as unknown as GenerateResult }
}

test('update - a question is asked with the conversation before it', (t) => {
  const first = asked('why?')
  const question = { messages: [{ role: 'user', content: 'why?' }], session: null }
  t.alike(first.run.effects, [{ type: 'ask', turn: 1, question }])
  t.is(first.run.model.chat.input, '')
  const answered = send(first.run, { type: 'answer', turn: 1, event: done('because'), nowMs: 5 })
  const second = asked('really?', answered)
  t.alike(second.run.effects.at(-1), {
    type: 'ask',
    turn: 2,
    question: {
      messages: [
        { role: 'user', content: 'why?' },
        { role: 'assistant', content: 'because' },
        { role: 'user', content: 'really?' }
      ],
      session: 'f'.repeat(32)
    }
  })
})

test('update - a model without a template is given a text to continue', (t) => {
  const state = threePeers()
  const plain = begin({ ...state, model: state.model && { ...state.model, canChat: false } })
  const { run } = asked('Once', plain)
  t.alike(run.effects, [{ type: 'ask', turn: 1, question: { prompt: 'Once', session: null } }])
})

test('update - nothing is asked twice at once, and nothing that is empty', (t) => {
  const { run } = asked('why?')
  const again = press(type(run, 'more'), 'enter')
  t.is(again.effects.length, 1)
  t.is(again.model.notice, 'esc stops the answer that comes')
  t.is(again.model.chat.input, 'more', 'it stays typed')
  t.alike(press(start(), '3', ' ', 'enter').effects, [])
})

test('update - escape and Ctrl-C stop an answer, and what still comes of it is dropped', (t) => {
  for (const key of ['escape', 'C-c']) {
    const { run, turn } = asked('why?')
    const partly = send(run, { type: 'answer', turn, event: words('be', [1]), nowMs: 5 })
    const stopped = press(partly, key)
    t.alike(stopped.effects.at(-1), { type: 'stop-answer' })
    t.is(stopped.model.chat.turns[0]?.state, 'stopped')
    const late = send(stopped, { type: 'answer', turn, event: words('cause', [2]), nowMs: 6 })
    t.is(late.model.chat.turns[0]?.answer, 'be')
    const [, next] = press(type(late, 'and?'), 'enter').effects.filter(({ type }) => type === 'ask')
    const question = next?.type === 'ask' ? next.question : null
    t.alike(question && 'messages' in question && question.messages[1], {
      role: 'assistant',
      content: 'be'
    })
  }
})

test('update - an answer that fails says why, leaves no trace, and can be asked once more', (t) => {
  const { run, turn } = asked('why?')
  const failed = send(run, { type: 'answer-failed', turn, text: 'a stage is gone [PEER_GONE]' })
  t.ok(rowsOf(failed).some((row) => row.includes('a stage is gone [PEER_GONE]')))
  const again = press(failed, 'escape', 'C-r')
  t.alike(again.effects.at(-1), {
    type: 'ask',
    turn: 2,
    question: { messages: [{ role: 'user', content: 'why?' }], session: null }
  })
  t.is(again.model.chat.turns.length, 1)
})

test('update - the meter counts what was read, generated, and how fast', (t) => {
  const { run, turn } = asked('why?')
  const at = (event: GenerateEvent, nowMs: number) =>
    ({ type: 'answer', turn, event, nowMs }) as const
  const counts = { promptTokens: 40, cachedTokens: 8, seed: 1 }
  const route: GenerateEvent = { type: 'route', session: '', stages: [], ...counts }
  const begun = send(run, { type: 'asked', turn, nowMs: 1000 }, at(route, 1010))
  t.alike([begun.model.chat.meter.prefillDone, begun.model.chat.meter.promptTokens], [8, 40])
  const read = send(begun, at({ type: 'prefill', done: 24, total: 40 }, 1100))
  t.is(read.model.chat.meter.prefillDone, 24)
  const told = send(read, at(words('a', [1]), 1250), at(words('bc', [2, 3]), 1350))
  const { nTokens, firstMs, tokensPerSecond, prefillDone } = told.model.chat.meter
  t.alike([nTokens, firstMs, tokensPerSecond, prefillDone], [3, 250, 20, 40])
  const waits = send(run, at({ type: 'queued', reason: 'layers 3-4 are loading' }, 1010))
  t.ok(rowsOf(waits).some((row) => row.includes('waiting: layers 3-4 are loading')))
  const inLine = send(run, at({ type: 'queued', reason: 'no room', before: 2 }, 1020))
  t.ok(rowsOf(inLine).some((row) => row.includes('queued: 2 before you')))
})

test('update - a search is done once, and answers of an earlier one are late', (t) => {
  const first = press(type(press(start(), '4'), 'ld'), 'enter')
  t.alike(first.effects, [{ type: 'search', search: 1, text: 'ld' }])
  const second = press(type(press(first, '/'), '.so'), 'enter')
  t.alike(second.effects.at(-1), { type: 'search', search: 2, text: 'ld.so' })
  t.is(send(second, { type: 'found', search: 1, hits: HITS }).model.search.state, 'running')
  const found = send(second, { type: 'found', search: 2, hits: HITS })
  t.is(press(found, 'j', 'j').model.search.selected, 1)
  t.alike(press(found, 'j', 'y').effects.at(-1), { type: 'copy', text: HITS[1]?.answer })
  const open = press(found, 'enter')
  t.is(open.model.search.isOpen, true)
  t.is(press(open, 'escape').model.search.isOpen, false)
})

const TYPING: [keys: string[], input: string][] = [
  [['a', 'b', 'backspace'], 'a'],
  [['a', ' ', 'b', 'C-w'], 'a '],
  [['a', 'b', 'C-u', 'c'], 'c'],
  [['\u{1f600}', 'backspace'], ''],
  [['C-a', 'up', 'x'], 'x']
]

for (const [keys, input] of TYPING) {
  test(`update - typing ${keys.join(' ')} leaves '${input}'`, (t) => {
    const sent = keys.map((name) =>
      name.length === 2 && name > '\u{1f000}'
        ? ({ type: 'key', key: { name, text: name, ctrl: false, shift: false } } as const)
        : null
    )
    let run = press(start(), '3')
    for (const [index, name] of keys.entries()) {
      const message = sent[index]
      run = message ? send(run, message) : press(run, name)
    }
    t.is(run.model.chat.input, input)
  })
}

test('update - an input is bounded', (t) => {
  const key = { name: 'a', text: 'a'.repeat(DASH_INPUT_CHARS_MAX), ctrl: false, shift: false }
  const full = send(press(start(), '3'), { type: 'key', key })
  t.is(full.model.chat.input.length, DASH_INPUT_CHARS_MAX)
  t.is(press(full, 'b').model.chat.input.length, DASH_INPUT_CHARS_MAX)
})

test('update - without a peer or a model nothing breaks', (t) => {
  for (const run of [begin(null), begin(justStarted())]) {
    for (const key of [
      '1',
      '2',
      '3',
      '4',
      'tab',
      'j',
      'k',
      'enter',
      'escape',
      'y',
      '/',
      ':',
      's',
      'l'
    ]) {
      t.is(rowsOf(press(run, key, 'down', 'enter', 'escape')).length, 24, key)
    }
  }
})
