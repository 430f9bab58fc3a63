// The table as help text: general, and per command. Pure; wraps to a width.

import { COMMAND_NAMES, commandSpec, type CommandName } from './commands.ts'
import { EXIT_CODES } from './environment.ts'
import type { CommandSpec } from './command-spec.ts'
import { flagSpec, type FlagName, type FlagSpec } from './flags.ts'

/** Below this a two-column list is unreadable, above it lines are. */
const WIDTH_MIN = 60
const WIDTH_MAX = 100

const INDENT = 2
const GAP = 2

export function generalHelp(width: number): string {
  const columns = fit(width)
  const rows = COMMAND_NAMES.map((name): [string, string] => [name, commandSpec(name).summary])
  const codes = EXIT_CODES.map(([code, text]): [string, string] => [String(code), text])
  return [
    wrap(
      'swarm: the machines you own as one LLM inference engine, with nobody in charge.',
      columns
    ),
    'usage: swarm <command> [flags]',
    section('commands', twoColumns(rows, columns)),
    section('exit status', twoColumns(codes, columns)),
    wrap('Flags of a command: swarm help <command>. A first look: swarm demo', columns)
  ].join('\n\n')
}

export function commandHelp(name: CommandName, width: number): string {
  const columns = fit(width)
  const spec = commandSpec(name)
  const flags = spec.flags.map((flag): [string, string] => [flagHead(flag), flagText(flag, spec)])
  return [
    wrap(`swarm ${name}: ${spec.summary}`, columns),
    `usage: ${usageLine(name)}`,
    wrap(spec.about, columns),
    ...(flags.length > 0 ? [section('flags', twoColumns(flags, columns))] : []),
    section('examples', spec.examples.map((line) => ' '.repeat(INDENT) + line).join('\n'))
  ].join('\n\n')
}

/** `swarm run <file.gguf> -p TEXT [flags]` */
export function usageLine(name: CommandName): string {
  const spec = commandSpec(name)
  const positionals = spec.positionals.map(
    (one) => (one.required ? `<${one.name}>` : `[${one.name}]`) + (one.rest ? '...' : '')
  )
  const required = (spec.required ?? []).map((flag) => flagHead(flag).trim().split(', ')[0])
  const placeholders = required.map((head, index) => {
    const flag = flagSpec((spec.required ?? [])[index] as FlagName)
    return head?.includes(' ') ? head : `${head} ${'placeholder' in flag ? flag.placeholder : ''}`
  })
  // What another program gets comes last.
  return spec.positionals.at(-1)?.rest
    ? ['swarm', name, '[flags]', ...placeholders, '--', ...positionals].join(' ')
    : ['swarm', name, ...positionals, ...placeholders, '[flags]'].join(' ')
}

/** `-n, --max-tokens N` */
export function flagHead(name: FlagName): string {
  const flag = flagSpec(name)
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `
  return `${short}--${name}${'placeholder' in flag ? ` ${flag.placeholder}` : ''}`
}

/** The line of help with choices, default (a command may have its own) and variable. */
export function flagText(name: FlagName, spec?: CommandSpec): string {
  const flag = flagSpec(name)
  const fallback = spec?.defaults?.[name] ?? ('default' in flag ? flag.default : undefined)
  const notes = [
    choicesOf(flag),
    fallback !== undefined && `(default ${fallback})`,
    flag.env && `[${flag.env}]`
  ].filter(Boolean)
  return [flag.help, ...notes].join(' ')
}

function choicesOf(flag: FlagSpec): string {
  return flag.kind === 'choice' ? `(${flag.choices.join(', ')})` : ''
}

function fit(width: number): number {
  return Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, width))
}

function section(title: string, body: string): string {
  return `${title}:\n${body}`
}

function twoColumns(rows: readonly (readonly [string, string])[], width: number): string {
  const left = Math.max(...rows.map(([head]) => head.length))
  const column = INDENT + left + GAP
  return rows
    .map(([head, text]) => {
      const lines = wrap(text, width - column).split('\n')
      const first = ' '.repeat(INDENT) + head.padEnd(left + GAP) + lines[0]
      return [first, ...lines.slice(1).map((line) => ' '.repeat(column) + line)].join('\n')
    })
    .join('\n')
}

/** Breaks between words; a word that is longer than the width stays whole. */
export function wrap(text: string, width: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}
