// What a row of the table of commands says (commands.ts): the shape that help, completions, the man page
// and the parser share.

import type { FlagName } from './flags.ts'

/** Flags of every command. */
export const ALWAYS = ['json', 'log-level', 'help'] as const satisfies FlagName[]

export interface Positional {
  readonly name: string
  readonly required: boolean
  /** What completions offer in its place; a list: these words. */
  readonly offers: 'files' | 'commands' | 'shells' | 'nothing' | readonly string[]
  /** Takes every word from here on, also what looks like a flag: it is another program's. */
  readonly rest?: true
}

export interface CommandSpec {
  readonly summary: string
  /** Sentences for the command's own help and the man page. */
  readonly about: string
  readonly positionals: readonly Positional[]
  readonly flags: readonly FlagName[]
  readonly required?: readonly FlagName[]
  /** Where this command means another default than the flag does elsewhere. */
  readonly defaults?: Readonly<Partial<Record<FlagName, string | number>>>
  /** Pairs of flags that contradict each other. */
  readonly conflicts?: readonly (readonly [FlagName, FlagName])[]
  /** Runs another program: Ctrl-C and its kin are that program's business, so is the exit status. */
  readonly ownsSignals?: true
  /** Command lines as a user types them; a test parses each. */
  readonly examples: readonly string[]
}
