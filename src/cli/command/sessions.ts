// `swarm sessions`: which answers the swarm holds; `swarm attach`: goes on with one whose machine is gone.

import { SwarmError } from '../../base/errors.ts'
import { clientOf, type CommandHandler } from '../context.ts'
import { showGeneration } from '../generation-view.ts'
import { renderTable, type Column } from '../table.ts'

import type { SessionStatus } from '../../api/service.ts'
import type { Terminal } from '../terminal.ts'

const COLUMNS: Column[] = [
  { title: 'session' },
  { title: 'asked by' },
  { title: 'state' },
  { title: 'prompt', align: 'right' },
  { title: 'answer', align: 'right' },
  { title: 'age', align: 'right' },
  { title: 'model' }
]

export const sessions: CommandHandler = async (context) => {
  const { terminal, signal } = context
  const list = await clientOf(context).sessions(signal)
  if (terminal.json) return terminal.object({ sessions: list })
  if (list.length === 0) return terminal.line('no session')
  showSessions(list, terminal, (line) => terminal.line(line))
}

export const attach: CommandHandler = async (context) => {
  const { flags, positionals, terminal, signal } = context
  const client = clientOf(context)
  const list = await client.sessions(signal)
  const choice = chooseSession(list, positionals[0])
  if (typeof choice !== 'string') {
    if (choice.candidates.length > 0) {
      showSessions(choice.candidates, terminal, (line) => terminal.note(line))
    }
    throw choice.error
  }
  const view = { stream: flags.stream ?? false, summary: true }
  await showGeneration(terminal, client.attach(choice, signal), view)
}

/**
 * Which session is meant: one that begins with `given`, else the only orphan. Pure.
 * @returns its id, or why none, with those to choose from.
 */
export function chooseSession(
  list: readonly SessionStatus[],
  given: string | undefined
): string | { error: SwarmError; candidates: SessionStatus[] } {
  const matching = list.filter(({ id, state }) =>
    given === undefined ? state === 'orphan' : id.startsWith(given.toLowerCase())
  )
  const [only, ...others] = matching
  if (only !== undefined && others.length === 0) return only.id
  if (only !== undefined) {
    const text = `${matching.length} sessions fit: name one, as in: swarm attach ${only.id.slice(0, 8)}`
    return { error: new SwarmError('USAGE_MISSING', text), candidates: matching }
  }
  if (given !== undefined) {
    const text = `no session begins with '${given}': see swarm sessions`
    return { error: new SwarmError('USAGE_BAD_VALUE', text), candidates: [] }
  }
  const text = 'no answer has lost its machine: see swarm sessions'
  return { error: new SwarmError('STAGE_UNKNOWN_SESSION', text), candidates: [...list] }
}

function showSessions(
  list: readonly SessionStatus[],
  terminal: Terminal,
  show: (line: string) => void
): void {
  const [head, ...rows] = renderTable(COLUMNS, list.map(sessionRow), terminal.width)
  show(terminal.bold(head ?? ''))
  for (const row of rows) show(row)
}

/** Pure: one row, foreign text not yet cut. */
export function sessionRow(session: SessionStatus): string[] {
  const { id, originName, self, state, promptTokens, tokens, ageMs, model } = session
  return [
    id.slice(0, 8),
    self ? `${originName} (this)` : originName,
    state,
    String(promptTokens),
    String(tokens),
    formatAge(ageMs),
    model
  ]
}

function formatAge(ageMs: number): string {
  const seconds = Math.floor(ageMs / 1000)
  if (seconds < 60) return `${seconds} s`
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`
}
