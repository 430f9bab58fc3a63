// The rows of the table of commands (commands.ts) that are about answers which were given.

import { ALWAYS, type CommandSpec } from './command-spec.ts'

export const SESSION_COMMANDS = {
  explain: {
    summary: 'show where the time of the last answers went, predicted beside measured',
    about:
      'Of the last three answers that were asked for on this machine, of the last N, or of one ' +
      'SESSION by its first digits: tokens/s and time to the first token, and per hop what computing, ' +
      'the wire and waiting took of a token, each beside what the plan predicted. The parts add up to the ' +
      'time from token to token; a sentence says what cost most and what it would take. Asks the running ' +
      'peer, or reads what an earlier one left in the data directory.',
    positionals: [{ name: 'N|SESSION', required: false, offers: 'nothing' }],
    flags: ['data-dir', ...ALWAYS],
    examples: ['swarm explain', 'swarm explain 1 --json', 'swarm explain 3f2a9c1b']
  }
} as const satisfies Record<string, CommandSpec>
