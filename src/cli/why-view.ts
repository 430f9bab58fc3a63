// An explanation as lines for people and as an object for --json. Pure. Commands and texts of others are
// made printable; every proposal says who it comes from and what it would destroy.

import { clip } from '../base/text.ts'
import type { Failure } from '../shell/failure.ts'
import { quoted } from '../shell/rules/command-line.ts'
import type { Explanation, Proposal, ProposalSource } from '../shell/why.ts'
import { shortId } from '../wire/ids.ts'

/** Proposals with their sources on a screen of 24 lines; --json has the others. */
const SHOWN_MAX = 4
/** A command is shown whole: what is cut off could be what matters. Above this it is not shown. */
const COMMAND_CHARS_SHOWN_MAX = 1000
const CAUSE_CHARS_MAX = 300

export interface WhyLine {
  text: string
  style: 'plain' | 'bold' | 'faint'
}

/** Everything but the model's answer, which comes later. */
export function whyLines(failure: Failure, explanation: Explanation): WhyLine[] {
  const { cause, remarks } = explanation
  const shown = explanation.proposals
    .filter(({ command }) => command.length <= COMMAND_CHARS_SHOWN_MAX)
    .slice(0, SHOWN_MAX)
  return [
    { text: headOf(failure), style: 'faint' },
    { text: `${upperFirst(clip(cause, CAUSE_CHARS_MAX))}.`.replace(/\.\.$/, '.'), style: 'plain' },
    ...shown.flatMap(proposalLines),
    ...remarks.map((text): WhyLine => ({
      text: `(${clip(text, CAUSE_CHARS_MAX)})`,
      style: 'faint'
    }))
  ]
}

/** How what worked is taught, with the first proposal as example. */
export function teachLine({ proposals }: Explanation): string {
  const fix = proposals[0]?.command ?? 'the command that worked'
  return `when you know what works: swarm learn --fix ${quoted(clip(fix, 200))}`
}

export function whyObject(
  failure: Failure,
  { cause, proposals, remarks }: Explanation,
  answer: string | null
): object {
  const { command, status, cwd, wallMs, source } = failure
  return {
    failure: { command, status, cwd, wallMs, source, hasOutput: failure.output !== null },
    cause,
    proposals: proposals.map(({ sources, ...rest }) => ({
      ...rest,
      sources: sources.map(sourceObject)
    })),
    answer,
    remarks
  }
}

function headOf({ command, status, source }: Failure): string {
  const from = {
    spool: 'the hook',
    tmux: 'the hook and tmux',
    watch: 'swarm watch',
    pipe: 'a pipe'
  }
  const what = command === '' ? 'what came through the pipe' : `$ ${clip(command, 200)}`
  return `${what}  (status ${status}, from ${from[source]})`
}

function proposalLines({ command, danger, sources }: Proposal): WhyLine[] {
  const from = sources.slice(0, 3).map(sourceText).join('; ')
  return [
    { text: `  ${clip(command, COMMAND_CHARS_SHOWN_MAX)}`, style: 'bold' },
    ...(danger === null ? [] : [{ text: `      careful: ${danger}`, style: 'plain' as const }]),
    { text: `      ${from}`, style: 'faint' }
  ]
}

function sourceText(source: ProposalSource): string {
  if (source.kind === 'rule') return `shipped rule, ${source.rule}`
  if (source.kind === 'sentinel')
    return `the small model that comes with swarm, ${source.confidence}`
  const { hit } = source
  const author = clip(hit.authorName ?? shortId(hit.author), 40)
  return `learnt by ${author}, ${dayTime(hit.wallMs)}${hit.scope === 'local' ? ', on this machine only' : ''}`
}

function sourceObject(source: ProposalSource): object {
  if (source.kind !== 'knowledge') return source
  const { id, author, authorName, wallMs, scope, question, answer } = source.hit
  return { kind: 'knowledge', id, author, authorName, wallMs, scope, question, answer }
}

/** A sentence of ours begins with a capital; what a tool said of itself (`git: ...`) is left as it is. */
function upperFirst(text: string): string {
  return /^\S+:/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)
}

/** `2026-11-21 14:03` in this machine's time zone; the author's clock may say anything. */
function dayTime(wallMs: number): string {
  const time = new Date(wallMs)
  if (Number.isNaN(time.getTime())) return 'at an unknown time'
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`
}
