// The rules applied to one failure: which command lines are worth proposing, best first. Owns the order
// (how much a rule knows, then the order of the rules) and what may be proposed at all; deliberately
// knows no tool. Pure.

import { normalised } from './command-line.ts'
import { RULES } from './all.ts'
import { Failed, type Machine } from './failed.ts'
import { CERTAINTIES, type Certainty, type Rule } from './rule.ts'

/** Lines beyond this are programs, not commands: no rule is about them. */
const COMMAND_CHARS_MAX = 4096
/** Parts of a pipeline that are looked at: the one that failed is among the first or named in the text. */
const SEGMENTS_MAX = 8

export interface RuleProposal {
  command: string
  rule: string
  /** One sentence without its full stop. */
  cause: string
  certainty: Certainty
}

/**
 * Proposals of the shipped rules, best first, each command once and never the failed one.
 * @param failure texts as they are; the output may be missing.
 */
export function propose(
  failure: { command: string; output: string | null; status: number },
  machine: Machine,
  rules: readonly Rule[] = RULES
): RuleProposal[] {
  if (failure.command.length > COMMAND_CHARS_MAX || failure.command.trim() === '') return []
  const proposals: RuleProposal[] = []
  for (const failed of Failed.of(failure, machine).slice(0, SEGMENTS_MAX)) {
    for (const rule of rules) {
      if (!rule.match(failed)) continue
      const [cause, certainty] = [rule.cause(failed), rule.certainty(failed)]
      for (const command of rule.fixes(failed))
        proposals.push({ command: command.trim(), rule: rule.name, cause, certainty })
    }
  }
  const rank = ({ certainty }: RuleProposal): number => CERTAINTIES.indexOf(certainty)
  const seen = new Set([normalised(failure.command), ''])
  return proposals
    .toSorted((a, b) => rank(a) - rank(b))
    .filter(({ command }) => {
      const key = normalised(command)
      return !seen.has(key) && seen.add(key)
    })
}
