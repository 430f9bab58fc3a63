// Screen 3: the conversation, what the answer costs, and the line that is typed. Pure. Rows are made of the
// newest turns first, so that a long conversation costs no more than what is seen of it.

import { foreign, foreignRows } from '../foreign.ts'
import { bar, formatCount, UNKNOWN } from '../format.ts'
import { isAnswering, type ChatTurn } from '../chat.ts'
import { heading, row, span, type Row, type Style } from '../style.ts'
import { routeText } from './overview-view.ts'

import type { Model } from '../model.ts'
import type { TopSnapshot } from '../../wire/top.ts'

const METER_CELLS_MAX = 20

export function chatView(model: Model, width: number, height: number): Row[] {
  const snapshot = model.snapshot as TopSnapshot
  const { chat } = model
  const name = snapshot.model === null ? 'no model' : foreign(snapshot.model.name)
  const kind = snapshot.model?.canChat === false ? 'CONTINUE A TEXT (no chat template)' : 'CHAT'
  const foot = [...meterRows(model, snapshot, width), inputRow(model, width)]
  const room = height - 1 - foot.length
  const rows = transcript(chat.turns, width, room + chat.scroll)
  const end = Math.max(Math.min(rows.length, room), rows.length - chat.scroll)
  const shown = rows.slice(Math.max(0, end - room), end)
  const blank = Array.from({ length: room - shown.length }, () => row(''))
  return [heading(`${kind}, ${name}`, width), ...shown, ...blank, ...foot]
}

/** The last rows of the conversation, at least `rowsMin` where there are so many. */
function transcript(turns: readonly ChatTurn[], width: number, rowsMin: number): Row[] {
  const rows: Row[] = []
  for (const turn of turns.toReversed()) {
    rows.unshift(...turnRows(shortened(turn, rowsMin * width), width))
    if (rows.length >= rowsMin) break
  }
  return rows.length > 0 ? rows : [row(' type a question and press Enter', 'faint')]
}

/**
 * Without the beginning of a long answer that nobody sees: a frame costs what it shows. What is left out
 * grows in steps, so that lines do not break elsewhere with every token.
 */
function shortened(turn: ChatTurn, charsMin: number): ChatTurn {
  const { answer } = turn
  const out = Math.floor((answer.length - 2 * charsMin) / charsMin) * charsMin
  if (out <= 0) return turn
  const lineEnd = answer.indexOf('\n', out)
  const from = lineEnd !== -1 && lineEnd < out + charsMin / 2 ? lineEnd + 1 : out
  return { ...turn, answer: answer.slice(from) }
}

function turnRows({ question, answer, state, note }: ChatTurn, width: number): Row[] {
  const noteStyle: Style = state === 'failed' ? 'bad' : 'faint'
  return [
    ...said(' you> ', question, 'strong', width),
    ...(answer === '' ? [] : said(' ai > ', answer, 'plain', width)),
    ...(note === ''
      ? []
      : foreignRows(note, width - 6).map((text) => row(`      ${text}`, noteStyle)))
  ]
}

function said(head: string, text: string, style: Style, width: number): Row[] {
  const rows = foreignRows(text, width - head.length - 1)
  return rows.map((line, index) => [
    span(index === 0 ? head : ' '.repeat(head.length), 'faint'),
    span(line, style)
  ])
}

function meterRows({ chat }: Model, snapshot: TopSnapshot, width: number): Row[] {
  const { promptTokens, prefillDone, nTokens, tokensPerSecond, firstMs, route } = chat.meter
  const used = promptTokens + nTokens
  const context = snapshot.model?.contextTokens ?? null
  const text = [
    ` prefill ${prefillDone}/${promptTokens}`,
    `gen ${nTokens} tok`,
    `${tokensPerSecond === null ? UNKNOWN : formatCount(tokensPerSecond)} tok/s`,
    `TTFT ${firstMs === null ? UNKNOWN : `${(firstMs / 1000).toFixed(2)} s`}`,
    `ctx ${used}/${context ?? UNKNOWN} `
  ].join('  ')
  const cells = Math.min(METER_CELLS_MAX, width - text.length - 3)
  const meter = context === null || cells < 1 ? '' : `[${bar(used / context, cells)}]`
  return [
    heading(route.length === 0 ? 'no route yet' : `path ${routeText(snapshot, route)}`, width),
    row(`${text}${meter}`)
  ]
}

function inputRow(model: Model, width: number): Row {
  const { chat } = model
  const keys = isAnswering(chat)
    ? ' esc stops the answer'
    : chat.isTyping
      ? ' Enter sends'
      : ' Enter or i to type, j k scroll, Ctrl-R asks again'
  if (!chat.isTyping)
    return [span(' you> ', 'faint'), span(foreign(chat.input)), span(keys, 'faint')]
  // The end of a long line is what is being typed.
  const room = Math.max(8, width - 8 - keys.length)
  const shown = foreign(chat.input).slice(-room)
  return [span(' you> ', 'strong'), span(`${shown}_`), span(`  ${keys}`, 'faint')]
}
