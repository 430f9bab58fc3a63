// The keys, on one page. Pure.

import { heading, row, span, type Row } from '../style.ts'

const KEYS: readonly [string, string][] = [
  ['1 2 3 4, Tab', 'screens; so do left and right, h'],
  ['j k, up down', 'choose a peer or an answer, scroll'],
  ['Enter', 'the whole of what is chosen; on 3 and 4 type, then send'],
  ['esc', 'back; stops an answer that comes; from an input to these keys'],
  ['Ctrl-C', 'stops an answer that comes, else quits'],
  ['/', 'filter peers by name or key, on 4 search'],
  [':', 'overview, pipeline, chat, knowledge, help, leave, quit;'],
  ['', 'filter TEXT, sort layers|name|speed|rtt, rate 1|2|4|10'],
  ['s  l  g', 'sort peers, events alone, graph from 0 or from the least'],
  ['p  + -', 'pause, faster or slower frames'],
  ['y', 'copy the key or the answer, where the terminal allows it'],
  ['Ctrl-R', 'on 3 ask the last question once more'],
  ['D', 'this peer leaves the topic, after a question'],
  ['q', 'quit']
]

export function helpView(_: unknown, width: number): Row[] {
  return [
    heading('HELP', width),
    ...KEYS.map(([keys, text]): Row => [span(` ${keys.padEnd(14)}`, 'strong'), span(text)]),
    row(''),
    row(' est. predicted by the plan, not measured yet     - not known     * this peer'),
    row(' THRPT bytes of weights consumed per second, GB/s'),
    row(' VoC share of the tokens/s that the plan would lose without this peer'),
    row(' any key goes back', 'faint')
  ]
}
