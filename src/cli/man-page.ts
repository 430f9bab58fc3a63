// The table as a manual page in roff (man(7) macros), so that it cannot disagree with the help.

import { COMMAND_NAMES, commandSpec } from './commands.ts'
import { EXIT_CODES, VARIABLES } from './environment.ts'
import type { CommandName } from './commands.ts'
import { FLAGS, flagSpec, type FlagName } from './flags.ts'
import { flagHead, flagText, usageLine } from './help.ts'

export function manPage(version: string): string {
  return [
    `.TH SWARM 1 "" "swarm ${version}" "User Commands"`,
    '.SH NAME',
    'swarm \\- the machines you own as one LLM inference engine, with nobody in charge',
    '.SH SYNOPSIS',
    '.B swarm',
    '.I command',
    '[flags]',
    '.SH COMMANDS',
    ...COMMAND_NAMES.flatMap((name) => commandLines(name)),
    '.SH FLAGS',
    ...(Object.keys(FLAGS) as FlagName[]).flatMap((name) => [
      '.TP',
      `.B ${roff(flagHead(name).trim())}`,
      roff(flagText(name))
    ]),
    '.SH ENVIRONMENT',
    'A flag on the command line counts before its variable.',
    ...flagVariables().flatMap(([name, text]) => ['.TP', `.B ${name}`, roff(text)]),
    ...VARIABLES.flatMap(([name, text]) => ['.TP', `.B ${name}`, roff(text)]),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(([code, text]) => ['.TP', `.B ${code}`, roff(text)]),
    ''
  ].join('\n')
}

function commandLines(name: CommandName): string[] {
  const { summary, about, flags, examples } = commandSpec(name)
  const flagList = flags.map((flag) => `--${flag}`).join(', ')
  const exampleLines = examples.map((line) => `    ${roff(line)}`)
  return [
    `.SS ${roff(usageLine(name))}`,
    roff(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`),
    roff(about),
    '.PP',
    roff(`Flags: ${flagList}.`),
    ['.PP', '.nf', ...exampleLines, '.fi'].join('\n')
  ]
}

function flagVariables(): [string, string][] {
  return (Object.keys(FLAGS) as FlagName[]).flatMap((name): [string, string][] => {
    const { env, many } = flagSpec(name)
    return env === undefined ? [] : [[env, `for --${name}${many ? '; several with commas' : ''}`]]
  })
}

/** A line that begins with a dot or a quote would be a request; a dash must stay one for copying. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replace(/^\./, '\\&.')
}
