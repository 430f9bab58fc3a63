// The dashboard driven without a terminal: a model, messages to it, and the exact text that it shows.

import { initialModel, type Model } from '../../src/tui/model.ts'
import { textOf } from '../../src/tui/style.ts'
import { update } from '../../src/tui/update.ts'
import { viewFrame } from '../../src/tui/view/frame.ts'

import type { Effect, Key, Message } from '../../src/tui/message.ts'
import type { Hit } from '../../src/wire/knowledge.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { TopSnapshot } from '../../src/wire/top.ts'
import { BORON, WALL_MS } from './top-states.ts'

export interface Run {
  model: Model
  effects: Effect[]
}

export function begin(
  snapshot: TopSnapshot | null,
  [width, height]: readonly [number, number] = [80, 24],
  isOwner = false
): Run {
  const model = initialModel({ width, height }, isOwner)
  const run = { model, effects: [] }
  return snapshot === null ? run : send(run, { type: 'snapshot', snapshot })
}

/** The run after these messages, with all that is to be done so far. */
export function send(run: Run, ...messages: readonly Message[]): Run {
  return messages.reduce<Run>(({ model, effects }, message) => {
    const next = update(model, message)
    return { model: next.model, effects: [...effects, ...next.effects] }
  }, run)
}

/** Presses keys: names as `enter`, `C-c`, `S-tab`; anything else of one character types it. */
export function press(run: Run, ...names: readonly string[]): Run {
  return send(run, ...names.map((name): Message => ({ type: 'key', key: keyOf(name) })))
}

/** Types a text. */
export function type(run: Run, text: string): Run {
  return press(run, ...text)
}

function keyOf(name: string): Key {
  const [, modifier, bare = name] = /^([CS])-(.+)$/.exec(name) ?? []
  const isText = modifier === undefined && bare.length === 1
  return {
    name: bare === ' ' ? 'space' : bare.toLowerCase(),
    text: isText ? bare : '',
    ctrl: modifier === 'C',
    shift: modifier === 'S' || (isText && bare !== bare.toLowerCase())
  }
}

/** What is on the screen, each row with all its cells. */
export function rowsOf({ model }: Run): string[] {
  return viewFrame(model).rows.map(textOf)
}

/** The same for a golden file: no spaces at the ends, one line break at the end. */
export function pageOf(run: Run): string {
  return rowsOf(run)
    .map((row) => row.trimEnd())
    .join('\n')
    .concat('\n')
}

export const HITS: Hit[] = [
  {
    id: '0'.repeat(32),
    kind: 'fix',
    question: 'cc main.o\nundefined reference to `sqrt\u001b[31m',
    answer: 'add -lm behind the objects\nand link again',
    source: 'build.log',
    wallMs: WALL_MS - 86_400_000,
    author: BORON as PeerId,
    authorName: 'bo\u202eron',
    scope: 'swarm',
    score: 0.0328,
    similarity: 0.83
  },
  {
    id: '1'.repeat(32),
    kind: 'text',
    question: '',
    answer: 'the linker \u{1f600} reads libraries from left to right',
    source: '',
    wallMs: 1e300,
    author: BORON as PeerId,
    authorName: null,
    scope: 'local',
    score: 0.0161,
    similarity: null
  }
]
