// Screen 4: a search in the shared memory, its answers with their authors, one of them whole. Pure.

import { foreign, foreignRows } from '../foreign.ts'
import { formatDay, formatTime, UNKNOWN } from '../format.ts'
import { fit, heading, row, span, type Row } from '../style.ts'

import type { Hit } from '../../wire/knowledge.ts'
import type { Model } from '../model.ts'

const AUTHOR_WIDTH = 12
const SOURCE_WIDTH = 16

export function knowledgeView(model: Model, width: number, height: number): Row[] {
  const { search } = model
  const hit = search.hits[search.selected]
  const head = [heading('KNOWLEDGE', width), inputRow(model), row('')]
  if (search.isOpen && hit !== undefined) return [...head, ...wholeHit(hit, width)]
  return [...head, ...answers(model, width, height - head.length)]
}

function inputRow({ search }: Model): Row {
  const cursor = search.isTyping ? '_' : ''
  const keys = search.isTyping ? '  Enter searches' : '  / to search, Enter shows the whole'
  return [
    span(' search> ', search.isTyping ? 'strong' : 'faint'),
    span(`${foreign(search.input)}${cursor}`),
    span(keys, 'faint')
  ]
}

function answers({ search }: Model, width: number, height: number): Row[] {
  const { state, hits, text, reason, selected } = search
  if (state === 'idle')
    return [row(' what the peers of this topic have learnt, found by its words', 'faint')]
  if (state === 'running') return [row(` searching for '${foreign(text)}' ...`, 'faint')]
  if (state === 'failed')
    return foreignRows(reason, width - 2).map((line) => row(` ${line}`, 'bad'))
  if (hits.length === 0) return [row(` nothing is known of '${foreign(text)}'`)]
  const room = Math.max(1, height - 2)
  const first = Math.max(0, selected - room + 1)
  const titles = `  ${fit('score', 6)} ${fit('author', AUTHOR_WIDTH)} ${fit('from', SOURCE_WIDTH)} answer`
  return [
    row(titles, 'faint'),
    ...hits.slice(first, first + room).map((hit, index) => {
      return hitRow(hit, first + index === selected, width)
    }),
    row(` ${hits.length} ${hits.length === 1 ? 'answer' : 'answers'}`, 'faint')
  ]
}

function hitRow(hit: Hit, isChosen: boolean, width: number): Row {
  const { score, source, kind, question, answer } = hit
  const text = kind === 'fix' ? `${question.split('\n')[0]} -> ${answer}` : answer
  const line =
    `${isChosen ? '>' : ' '} ${fit(score.toFixed(3), 6)} ${fit(authorOf(hit), AUTHOR_WIDTH)} ` +
    `${fit(foreign(source) || UNKNOWN, SOURCE_WIDTH)} `
  return [span(line + fit(foreign(text), width - line.length), isChosen ? 'selected' : 'plain')]
}

function wholeHit(hit: Hit, width: number): Row[] {
  const { question, answer, source, wallMs, kind, scope, id } = hit
  const parts: [string, string][] = [
    ['author', `${authorOf(hit)} (${hit.author.slice(0, 8)})`],
    ['learnt', `${formatDay(wallMs)} ${formatTime(wallMs)}, by the author's clock`],
    ['from', source || UNKNOWN],
    ['kind', `${kind}, ${scope === 'local' ? 'on this machine only' : 'shared with the topic'}`],
    ...(question === '' ? [] : [['question', question] as [string, string]]),
    ['answer', answer],
    ['id', id]
  ]
  return [
    ...parts.flatMap(([name, text]) =>
      foreignRows(text, width - 12).map((line, index): Row => [
        span(` ${(index === 0 ? name : '').padEnd(10)}`, 'faint'),
        span(line)
      ])
    ),
    row(''),
    row(' Enter or esc goes back, y copies the answer', 'faint')
  ]
}

function authorOf({ author, authorName }: Hit): string {
  return foreign(authorName ?? '').trim() || foreign(author.slice(0, 8))
}
