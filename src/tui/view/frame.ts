// The whole screen as exact rows: title, the screen's own part, one row of keys. Pure: a model of a size
// gives that many rows of that many cells. Smaller terminals get one row that says what is needed.

import { COMMAND_HELP } from '../commands.ts'
import { foreign } from '../foreign.ts'
import { formatCount, formatGbps, formatUp } from '../format.ts'
import { HEIGHT_MIN, SCREENS, WIDTH_MIN, type Model, type ScreenName } from '../model.ts'
import { fit, fitRow, fitRows, row, span, type Row } from '../style.ts'
import { chatView } from './chat-view.ts'
import { helpView } from './help-view.ts'
import { knowledgeView } from './knowledge-view.ts'
import { overviewView } from './overview-view.ts'
import { peerView } from './peer-view.ts'
import { pipelineView } from './pipeline-view.ts'

import type { TopSnapshot } from '../../wire/top.ts'

/** A part of a screen: at most so many rows; longer and shorter ones are made to fit. */
export type View = (model: Model, width: number, height: number) => Row[]

/** A figure that screen.ts draws into the rows, which leave room for it. */
export interface Graph {
  top: number
  height: number
  /** One per second, oldest first. */
  values: readonly number[]
  minimum: number
}

export interface Frame {
  rows: Row[]
  graph: Graph | null
}

const VIEWS: Record<ScreenName, View> = {
  overview: overviewView,
  pipeline: pipelineView,
  chat: chatView,
  knowledge: knowledgeView
}

/** Rows of a graph, and from which height on there is room for it below the table of hops. */
const GRAPH_ROWS = 12
const GRAPH_HEIGHT_MIN = 36
/** Cells of a topic or a model in the title. */
const NAME_MAX = 20

export function viewFrame(model: Model): Frame {
  const { width, height } = model
  if (width < WIDTH_MIN || height < HEIGHT_MIN) {
    const text = `swarm: this terminal is ${width}x${height}, the dashboard needs ${WIDTH_MIN}x${HEIGHT_MIN}`
    return { rows: fitRows([row(text)], width, height), graph: null }
  }
  const graph = graphOf(model)
  const bodyHeight = height - 2 - (graph?.height ?? 0)
  const body = fitRows(bodyOf(model)(model, width, bodyHeight), width, bodyHeight)
  const room = fitRows([], width, graph?.height ?? 0)
  return { rows: [titleRow(model), ...body, ...room, keysRow(model)], graph }
}

function bodyOf({ overlay, screen, snapshot }: Model): View {
  if (overlay === 'help') return helpView
  if (overlay === 'peer') return peerView
  if (snapshot === null) return waitingView
  return VIEWS[screen]
}

function waitingView({ lost }: Model): Row[] {
  return [row(''), row(lost === null ? ' asking the peer ...' : ` ${foreign(lost)}`)]
}

/** The graph of tokens/s lies below the pipeline, where the terminal has room for it. */
function graphOf({ screen, overlay, height, snapshot, graphFromZero }: Model): Graph | null {
  const values = snapshot?.history ?? []
  const isShown = screen === 'pipeline' && overlay === 'none' && height >= GRAPH_HEIGHT_MIN
  if (!isShown || !values.some((value) => value > 0)) return null
  const minimum = graphFromZero ? 0 : Math.floor(Math.min(...values))
  return { top: height - 1 - GRAPH_ROWS, height: GRAPH_ROWS, values, minimum }
}

function titleRow({ snapshot, lost, isPaused, width }: Model): Row {
  const [name = ' swarm', ...facts] = snapshot === null ? [] : titleParts(snapshot)
  const state = [
    ...(isPaused ? ['paused'] : []),
    ...(lost === null ? [] : ['the peer does not answer'])
  ]
  return fitRow([span(`${[name, ...state, ...facts].join(' \u00b7 ')} `, 'title')], width)
}

/** The title without a screen around it. */
export function titleText(snapshot: TopSnapshot): string {
  return titleParts(snapshot).join(' \u00b7 ').trim()
}

function titleParts({ topic, peers, model, now, upMs }: TopSnapshot): string[] {
  const alive = peers.filter(({ state }) => state === 'alive').length
  return [
    ` swarm ${short(topic)}`,
    `${alive} ${alive === 1 ? 'peer' : 'peers'}`,
    `${formatCount(now.tokensPerSecond)} tok/s`,
    `THRPT ${formatGbps(now.thrptBytesPerSecond)} GB/s`,
    `up ${formatUp(upMs)}`,
    model === null ? 'no model' : short(model.name)
  ]
}

function short(text: string): string {
  const shown = foreign(text)
  return fit(shown, Math.min(NAME_MAX, shown.length))
}

/** The last row: a question, what is typed, a notice, or the keys. */
function keysRow(model: Model): Row {
  const { width, prompt, notice, overlay, lost } = model
  const strong = (text: string) => fitRow([span(` ${text}`, 'selected')], width)
  if (overlay === 'ask-quit') {
    return strong('quit: d ends the dashboard only, l also leaves the topic, any other key stays')
  }
  if (overlay === 'ask-leave') return strong('this peer leaves the topic: y yes, any other key no')
  if (prompt !== null) {
    const head = prompt.kind === 'command' ? ':' : 'filter '
    const hint = prompt.kind === 'command' && prompt.text === '' ? `   ${COMMAND_HELP}` : ''
    return fitRow([span(` ${head}${foreign(prompt.text)}_`, 'strong'), span(hint, 'faint')], width)
  }
  if (notice !== '') return strong(foreign(notice))
  if (lost !== null) return fitRow([span(` ${foreign(lost)}`, 'bad')], width)
  return fitRow(keysOf(model), width)
}

function keysOf(model: Model): Row {
  const { screen, chat, search } = model
  const tabs = SCREENS.map((name, index) =>
    span(`${index + 1} ${name}`, name === screen ? 'selected' : 'plain')
  )
  const isTyping =
    (screen === 'chat' && chat.isTyping) || (screen === 'knowledge' && search.isTyping)
  const keys = isTyping ? ' Tab screens  esc keys' : ' / filter : command ? help q quit'
  return [...tabs.flatMap((tab) => [span(' '), tab, span(' ')]), span(keys, 'faint')]
}
