// Rows of the table of commands that need no peer and no model: what the program says of itself
// (commands.ts has all others).

import type { CommandSpec } from './command-spec.ts'

export const PROGRAM_COMMANDS = {
  completion: {
    summary: 'print a completion script for a shell',
    about: 'For bash and fish: source it. For zsh: write it to a file _swarm in a folder of fpath.',
    positionals: [{ name: 'shell', required: true, offers: 'shells' }],
    flags: ['help'],
    examples: ['swarm completion zsh', 'swarm completion bash', 'swarm completion fish']
  },
  man: {
    summary: 'print the manual page',
    about: 'In roff, for: swarm man | man -l -',
    positionals: [],
    flags: ['help'],
    examples: ['swarm man']
  },
  help: {
    summary: 'show how a command is used',
    about: 'Without a command it lists them all.',
    positionals: [{ name: 'command', required: false, offers: 'commands' }],
    flags: ['json', 'help'],
    examples: ['swarm help', 'swarm help join']
  },
  version: {
    summary: 'show the version of this program',
    about: 'Also as swarm --version.',
    positionals: [],
    flags: ['json', 'help'],
    examples: ['swarm version']
  }
} as const satisfies Record<string, CommandSpec>
