// The one shape of every shipped rule, and the short way to write one. A rule knows a tool and the shape
// of its error, never a case; it is pure and proposes whole command lines. What may be proposed at all
// and in which order is in propose.ts.

import type { Failed } from './failed.ts'

/**
 * How much a rule knows: `named`: the output names the fix itself; `clear`: the output says what is
 * wrong and one remedy is usual; `likely`: the command is wrong in a way that can be seen; `guess`: it
 * helps more often than not doing it.
 */
export const CERTAINTIES = ['named', 'clear', 'likely', 'guess'] as const
export type Certainty = (typeof CERTAINTIES)[number]

export interface Rule {
  /** `git: no upstream`: the tool family, then the error shape. */
  readonly name: string
  /** One sentence without its full stop. */
  cause(failed: Failed): string
  certainty(failed: Failed): Certainty
  match(failed: Failed): boolean
  /** Whole command lines, best first. */
  fixes(failed: Failed): string[]
}

/** One of several things that tools say, in any case of letters. */
export function anyOf(...texts: string[]): RegExp {
  return new RegExp(texts.join('|'), 'i')
}

export interface RuleText {
  name: string
  /** Programs that it is about; absent: any. */
  tools?: readonly string[]
  /** Their subcommands; absent: any. */
  subs?: readonly string[]
  /** What the output must say. */
  says?: RegExp
  /** What the command itself must be like. */
  when?: (failed: Failed) => boolean
  /** Sound also where nothing captured the output: then it is at most this certain. */
  silent?: Certainty
  certainty?: Certainty | ((failed: Failed) => Certainty)
  cause: string | ((failed: Failed, said: readonly string[]) => string)
  /** @param said groups of `says`; empty where the output is silent. */
  fix: (failed: Failed, said: readonly string[]) => string | readonly (string | null)[] | null
}

export function rule(text: RuleText): Rule {
  const { name, says, when, silent, cause, fix } = text
  const [tools, subs] = [text.tools && new Set(text.tools), text.subs && new Set(text.subs)]
  const heard = (failed: Failed): readonly string[] => (says && failed.says(says)) ?? []
  return {
    name,
    cause: (failed) => (typeof cause === 'string' ? cause : cause(failed, heard(failed))),
    certainty(failed) {
      if (failed.isSilent && silent) return silent
      if (typeof text.certainty === 'function') return text.certainty(failed)
      return text.certainty ?? (says ? 'clear' : 'likely')
    },
    match(failed) {
      if (tools && !tools.has(failed.tool)) return false
      if (subs && !subs.has(failed.sub)) return false
      if (when && !when(failed)) return false
      if (failed.isSilent) return silent !== undefined || !says
      return !says || says.test(failed.output)
    },
    fixes(failed) {
      const found = fix(failed, heard(failed)) ?? []
      return (typeof found === 'string' ? [found] : found).filter((one) => one !== null)
    }
  }
}
