// `swarm query`: what the shared memory knows about a question.

import { checkAuthor, checkQuestion } from '../../api/knowledge-request.ts'
import { SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import type { QueryRequest } from '../../wire/knowledge.ts'
import type { CommandContext, CommandHandler } from '../context.ts'
import { hitLines } from '../hit-view.ts'
import { withKnowledge } from '../knowledge-access.ts'

export const query: CommandHandler = async (context) => {
  const { terminal } = context
  const request = requestOf(context)
  const hits = await withKnowledge(context, (knowledge) => knowledge.query(request))
  if (terminal.json) return terminal.object({ hits })
  if (hits.length === 0) return terminal.note('nothing is known about that')
  for (const [at, hit] of hits.entries()) {
    if (at > 0) terminal.line()
    const [head, ...lines] = hitLines(hit, terminal.width)
    for (const line of lines) terminal.line(line)
    terminal.line(terminal.dim(head as string))
  }
}

function requestOf({ flags, positionals, clock }: CommandContext): QueryRequest {
  const { limit, author, source, since } = flags
  return {
    text: checkQuestion(positionals[0] as string),
    ...(limit === undefined ? {} : { limit }),
    ...(author === undefined ? {} : { author: checkAuthor(author) }),
    ...(source === undefined ? {} : { source }),
    ...(since === undefined ? {} : { sinceMs: parseSince(since, clock.wallMs()) })
  }
}

const UNITS_MS: Record<string, number> = { m: 60e3, h: 3600e3, d: 86_400e3, w: 7 * 86_400e3 }

/** Pure: `2d` before now, or a date in this machine's time zone. @throws USAGE_BAD_VALUE */
export function parseSince(text: string, nowMs: number): number {
  const ago = /^(\d{1,5})([mhdw])$/.exec(text)
  if (ago)
    return Math.max(0, Math.floor(nowMs - Number(ago[1]) * (UNITS_MS[ago[2] as string] ?? 0)))
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  const atMs = isDate ? new Date(`${text}T00:00:00`).getTime() : NaN
  if (atMs >= 0) return atMs
  const sentence = `--since must be such as 30m, 12h, 2d, 3w or 2026-11-21, not '${clip(text, 40)}'`
  throw new SwarmError('USAGE_BAD_VALUE', sentence, { param: '--since' })
}
