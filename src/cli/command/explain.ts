// `swarm explain`: where the time of the last answers went, from the running peer, or from what an earlier
// one of this data directory wrote.

import { SwarmError } from '../../base/errors.ts'
import { SESSION_HISTORY_MAX } from '../../base/limits.ts'
import { clip } from '../../base/text.ts'
import { dataDirOf, type CommandContext, type CommandHandler } from '../context.ts'
import { explainLines } from '../explain-view.ts'
import { ask } from '../running-peer.ts'

import type { SessionReport } from '../../api/service.ts'

/** Tables that fit a screen. */
const SHOWN = 3

export const explain: CommandHandler = async (context) => {
  const { terminal, positionals } = context
  const sessions = chosenReports(await readReports(context), positionals[0])
  if (terminal.json) return terminal.object({ sessions })
  if (sessions.length === 0) {
    return terminal.note('nothing was asked here yet; ask with: swarm generate -p TEXT')
  }
  for (const [index, report] of sessions.entries()) {
    if (index > 0) terminal.line()
    const [head = '', ...lines] = explainLines(report, terminal.width)
    terminal.line(terminal.bold(head))
    for (const line of lines) terminal.line(line)
  }
}

async function readReports(context: CommandContext): Promise<readonly SessionReport[]> {
  const { signal, terminal, loadPorts } = context
  const told = await ask(context, (client) => client.explain(signal))
  if (told !== null) return told
  const { reports, damage } = await (await loadPorts()).readHistory(dataDirOf(context))
  if (damage !== null) terminal.note(damage)
  return reports
}

/**
 * @param which how many of the last ones, or the first digits of a session; absent: the last three.
 * @throws USAGE_BAD_VALUE when it is neither, or no answer has this session.
 */
export function chosenReports(
  reports: readonly SessionReport[],
  which: string | undefined
): readonly SessionReport[] {
  if (which === undefined) return reports.slice(-SHOWN)
  const count = Number(which)
  if (/^\d{1,2}$/.test(which) && count >= 1 && count <= SESSION_HISTORY_MAX) {
    return reports.slice(-count)
  }
  const found = reports.filter(({ session }) => session.startsWith(which))
  if (/^[0-9a-f]{4,32}$/.test(which) && found.length > 0) return found
  const text = `'${clip(which, 40)}' is no session of the last ${reports.length} answers`
  const next = `give a number from 1 to ${SESSION_HISTORY_MAX}, or the first digits of a session`
  throw new SwarmError('USAGE_BAD_VALUE', `${text}; ${next}`, { param: 'session' })
}
