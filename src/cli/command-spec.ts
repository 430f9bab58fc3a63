// What a row of the table of commands says (commands.ts): the shape that help, completions, the man page
// and the parser share.

import type { FlagName } from './flags.ts'

export interface Positional {
  readonly name: string
  readonly required: boolean
  /** What completions offer in its place. */
  readonly offers: 'files' | 'commands' | 'shells' | 'nothing'
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
  /** Command lines as a user types them; a test parses each. */
  readonly examples: readonly string[]
}
