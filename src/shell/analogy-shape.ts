// What an error text says apart from the names in it, so that two failures of one kind look alike. Pure.

import type { AskedFailure } from './why-question.ts'

/** Words that every error text has. */
const COMMON = new Set(
  'the a an is are was to of in on for and or not no it this that you your see with'.split(' ')
)

/** Words of the error, without those of the command, numbers and quoted names. */
export function errorShape({ command, output }: AskedFailure): Set<string> {
  const own = new Set(command.split(/[\s"'=:/]+/).slice(1))
  const said = output
    .replace(/["'`‘“][^"'`’”\n]{1,100}["'`’”]/g, ' ')
    .toLowerCase()
    .match(/[a-z][a-z-]{1,40}/g)
  return new Set((said ?? []).filter((word) => !own.has(word) && !COMMON.has(word)))
}

/** From 0 to 1: shared words in proportion to those of the shorter text, for outputs are cut. */
export function shapeLikeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return a.size === b.size ? 1 : 0
  let shared = 0
  for (const word of a) if (b.has(word)) shared++
  return shared / Math.min(a.size, b.size)
}
