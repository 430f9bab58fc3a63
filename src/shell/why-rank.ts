// One order for what the swarm's memory, the shipped rules and a sentinel propose. Each says how much it
// knows; those that propose the same command are taken as independent witnesses (1 - product of what each
// leaves open). Equal weights: memory before rules, then the text, so that every machine shows the same.
// Pure.

import type { Hit } from '../wire/knowledge.ts'
import { replay } from './analogy.ts'
import { normalised } from './rules/command-line.ts'
import { propose } from './rules/propose.ts'
import type { Machine } from './rules/failed.ts'
import type { Certainty } from './rules/rule.ts'
import { dangerOf } from './why-danger.ts'
import type { Confidence, SentinelAnswer } from './sentinel-question.ts'
import { parseQuestion, questionOf } from './why-question.ts'
import type { Failure } from './failure.ts'

/** Where a proposal comes from. */
export type ProposalSource =
  | { kind: 'knowledge'; hit: Hit; strength: number }
  | { kind: 'rule'; rule: string; cause: string; certainty: Certainty }
  | { kind: 'sentinel'; cause: string; confidence: Confidence }

export interface Proposal {
  /** One line that a terminal can show. Never run by this program. */
  command: string
  /** From 0 to 1, for the order only. */
  weight: number
  sources: ProposalSource[]
  /** What it destroys or forces; null where nothing known is dangerous. */
  danger: string | null
}

/**
 * How often the best proposal of a certainty was accepted on the development half of the accuracy bench
 * (named 16 of 18, clear 9 of 10, likely 59 of 65, guess 15 of 68), rounded so that the order holds.
 */
const WEIGHTS: Record<Certainty, number> = { named: 0.9, clear: 0.88, likely: 0.86, guess: 0.22 }

/**
 * The same of a sentinel, by the word that it ends with (with the output sure 16 of 32 and likely 3 of 14,
 * without it 3 of 17 and 5 of 24, unsure 0 of 2): lower than on the kinds of failure that it was trained on
 * (models/README.md), and of those it got right rules knew nearly all. So it decides among what rules name,
 * and where they only guess. Without the output it is no witness for what they name (right in 8 of 10 where
 * their own first was in 9), only for what they do not.
 */
const SENTINEL_WEIGHTS: Record<Confidence, number> = { sure: 0.5, likely: 0.2, unsure: 0.05 }

/** The best of several learnt fixes counts whole; others of the same command add a little. */
const AGREEMENT = 0.3

export interface RankInput {
  failure: Pick<Failure, 'command' | 'output' | 'status'>
  /** Stored fixes that may fit; of any order. */
  hits: readonly Hit[]
  machine: Machine
  /** What the small model that comes with swarm says; null where it was not asked. */
  sentinel: SentinelAnswer | null
}

/** Best first, each command once. */
export function rankProposals({ failure, hits, machine, sentinel }: RankInput): Proposal[] {
  const proposals = new Map<string, Proposal>()
  const add = (command: string, source: ProposalSource): void => {
    const key = normalised(command)
    if (!isShowable(command.trim()) || key === normalised(failure.command)) return
    const known = proposals.get(key)
    if (known) known.sources.push(source)
    else proposals.set(key, { command: key, weight: 0, sources: [source], danger: dangerOf(key) })
  }
  for (const { hit, command, strength } of replays(failure, hits))
    add(command, { kind: 'knowledge', hit, strength })
  for (const { command, rule, cause, certainty } of propose(failure, machine))
    add(command, { kind: 'rule', rule, cause, certainty })
  const { fix = null, confidence = null, cause = '' } = sentinel ?? {}
  const isHeard = failure.output !== null || !proposals.has(normalised(fix ?? ''))
  if (fix !== null && confidence !== null && isHeard)
    add(fix, { kind: 'sentinel', cause, confidence })
  for (const proposal of proposals.values()) proposal.weight = weightOf(proposal.sources)
  return [...proposals.values()].toSorted(
    (a, b) => b.weight - a.weight || (isKnown(b) ? 1 : 0) - (isKnown(a) ? 1 : 0)
  )
}

const isKnown = ({ sources }: Proposal): boolean => sources.some(({ kind }) => kind === 'knowledge')

function replays(
  failure: RankInput['failure'],
  hits: readonly Hit[]
): { hit: Hit; command: string; strength: number }[] {
  const asked = { ...failure, command: failure.command.trim() }
  // The output as it is stored, so that equal failures look equal; the command as it was typed.
  const output = parseQuestion(questionOf(failure))?.output ?? ''
  return hits
    .flatMap((hit) => {
      const isFix = hit.kind === 'fix' && isShowable(hit.answer.trim())
      const question = isFix ? parseQuestion(hit.question) : null
      const found = question && replay({ ...question, fix: hit.answer }, { ...asked, output })
      return found ? [{ hit, ...found }] : []
    })
    .toSorted((a, b) => b.strength - a.strength || (a.hit.id < b.hit.id ? -1 : 1))
}

function weightOf(sources: readonly ProposalSource[]): number {
  // An author who learns a fix many times is still one witness.
  const byAuthor = new Map<string, number>()
  for (const one of sources) {
    if (one.kind !== 'knowledge') continue
    byAuthor.set(one.hit.author, Math.max(byAuthor.get(one.hit.author) ?? 0, one.strength))
  }
  const learnt = [...byAuthor.values()]
  const shipped = sources.flatMap((one) => (one.kind === 'rule' ? [WEIGHTS[one.certainty]] : []))
  const modelled = sources.flatMap((one) =>
    one.kind === 'sentinel' ? [SENTINEL_WEIGHTS[one.confidence]] : []
  )
  // Several facts are hardly independent: they were learnt of the same mistake.
  const open = (all: number[]): number =>
    all
      .toSorted((a, b) => b - a)
      .reduce((left, one, index) => left * (1 - one * (index ? AGREEMENT : 1)), 1)
  return 1 - open(learnt) * (1 - Math.max(0, ...shipped)) * (1 - Math.max(0, ...modelled))
}

/** A foreign text that is no single line of a terminal is no command that anybody should take over. */
function isShowable(command: string): boolean {
  return command !== '' && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(command)
}
