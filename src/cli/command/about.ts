// The commands that only read the table: help, version, completion scripts and the manual page.

import { SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import { COMMAND_NAMES, COMMANDS, isCommand, SHELLS } from '../commands.ts'
import { completionScript, type Shell } from '../completion.ts'
import type { CommandHandler } from '../context.ts'
import { FLAGS } from '../flags.ts'
import { commandHelp, generalHelp } from '../help.ts'
import { manPage } from '../man-page.ts'
import { nearest } from '../../base/nearest.ts'

export const help: CommandHandler = async ({ positionals, terminal }) => {
  const [name] = positionals
  if (name !== undefined && !isCommand(name)) {
    const meant = nearest(name, COMMAND_NAMES)
    throw new SwarmError(
      'USAGE_UNKNOWN_COMMAND',
      `there is no command '${clip(name, 40)}'; ${meant ? `did you mean '${meant}'?` : 'see: swarm help'}`
    )
  }
  if (terminal.json) return terminal.object({ commands: COMMANDS, flags: FLAGS })
  terminal.line(
    name === undefined ? generalHelp(terminal.width) : commandHelp(name, terminal.width)
  )
}

export const version: CommandHandler = async ({ version, terminal }) => {
  if (terminal.json) terminal.object({ version })
  else terminal.line(`swarm ${version}`)
}

export const completion: CommandHandler = async ({ positionals, terminal }) => {
  const shell = SHELLS.find((known) => known === positionals[0])
  if (shell === undefined) {
    throw new SwarmError(
      'USAGE_BAD_VALUE',
      `there are completions for ${SHELLS.join(', ')}, not for '${clip(positionals[0] ?? '', 40)}'`
    )
  }
  terminal.line(completionScript(shell satisfies Shell).trimEnd())
}

export const man: CommandHandler = async ({ terminal, version }) => {
  terminal.line(manPage(version).trimEnd())
}
