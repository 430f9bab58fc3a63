// A command line -> one checked invocation, by the table alone. Owns the order flag, variable, default;
// what the values do is the commands' business. Everything after `--` is an argument.

import { SwarmError } from '../base/errors.ts'
import { FLAG_REPEATS_MAX } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { COMMAND_NAMES, commandSpec, isCommand } from './commands.ts'
import type { CommandSpec } from './command-spec.ts'
import type { CommandName } from './commands.ts'
import { parseFlagValue, type FlagValue } from './flag-value.ts'
import { FLAGS, flagSpec, type FlagName, type FlagSpec, type FlagValues } from './flags.ts'
import { nearest } from '../base/nearest.ts'

export interface Invocation {
  command: CommandName
  flags: FlagValues
  positionals: string[]
}

type Given = Map<FlagName, FlagValue[]>

/**
 * @param argv what follows the program's name.
 * @throws USAGE_UNKNOWN_COMMAND, USAGE_UNKNOWN_FLAG, USAGE_MISSING, USAGE_BAD_VALUE
 */
export function parseArgs(argv: readonly string[], env: NodeJS.ProcessEnv): Invocation {
  const [first, ...rest] = argv
  if (first === undefined || first === '--help' || first === '-h') return plain('help')
  if (first === '--version' || first === '-V') return parseCommand('version', rest, env)
  if (!isCommand(first)) throw unknownCommand(first)
  return parseCommand(first, rest, env)
}

function parseCommand(
  command: CommandName,
  argv: readonly string[],
  env: NodeJS.ProcessEnv
): Invocation {
  const spec = commandSpec(command)
  const { given, positionals } = scan(command, spec, argv)
  if (given.has('help')) return { command: 'help', flags: {}, positionals: [command] }
  checkPositionals(command, spec, positionals)
  checkConflicts(spec, given)
  const flags = withDefaults(spec, given, env)
  for (const name of spec.required ?? []) {
    if (flags[name] === undefined) throw missingFlag(command, name)
  }
  return { command, flags, positionals }
}

/** Splits a command line into flags, checked one by one, and arguments. */
function scan(
  command: CommandName,
  spec: CommandSpec,
  argv: readonly string[]
): { given: Given; positionals: string[] } {
  const given: Given = new Map()
  const positionals: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string
    if (word === '--') {
      positionals.push(...argv.slice(i + 1))
      break
    }
    if (!isFlagLike(word)) {
      if (spec.positionals[positionals.length]?.rest) {
        positionals.push(...argv.slice(i))
        break
      }
      positionals.push(word)
      continue
    }
    const { name, shown, attached } = findFlag(command, spec, word)
    const flag = flagSpec(name)
    if (flag.kind === 'switch') {
      if (attached !== undefined) throw usage(`${shown} takes no value`, shown)
      add(given, name, shown, flag, true)
      continue
    }
    const text = attached ?? argv[++i]
    // A change that takes a machine away begins with a dash.
    const mayDash = flag.kind === 'change' && !text?.startsWith('--')
    if (text === undefined || (attached === undefined && isFlagLike(text) && !mayDash)) {
      throw missingValue(shown, flag, text)
    }
    add(given, name, shown, flag, parseFlagValue(shown, flag, text))
  }
  return { given, positionals }
}

/** A lone dash and negative numbers are values, not flags. */
function isFlagLike(word: string): boolean {
  return /^--?[^-\d.]/.test(word)
}

function findFlag(
  command: CommandName,
  spec: CommandSpec,
  word: string
): { name: FlagName; shown: string; attached: string | undefined } {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=')
    const shown = equals === -1 ? word : word.slice(0, equals)
    const name = spec.flags.find((flag) => shown === `--${flag}`)
    if (name === undefined) throw unknownFlag(command, spec, shown)
    return { name, shown, attached: equals === -1 ? undefined : word.slice(equals + 1) }
  }
  const shown = word.slice(0, 2)
  const name = spec.flags.find((flag) => flagSpec(flag).short === shown[1])
  if (name === undefined) throw unknownFlag(command, spec, word)
  const attached = word.length > 2 ? word.slice(2).replace(/^=/, '') : undefined
  return { name, shown, attached }
}

function add(given: Given, name: FlagName, shown: string, flag: FlagSpec, value: FlagValue): void {
  const values = given.get(name) ?? []
  if (values.length > 0 && !flag.many && flag.kind !== 'switch') {
    throw usage(`${shown} is given twice; give it once`, shown)
  }
  if (values.length >= FLAG_REPEATS_MAX && flag.many) {
    throw usage(`${shown} is given more than ${FLAG_REPEATS_MAX} times`, shown)
  }
  given.set(name, [...values, value])
}

function checkPositionals(command: CommandName, spec: CommandSpec, found: string[]): void {
  const wanted = spec.positionals
  const missing = wanted[found.length]
  if (missing?.required) {
    throw new SwarmError(
      'USAGE_MISSING',
      `swarm ${command} needs <${missing.name}>, for example: ${spec.examples[0]}`,
      { param: missing.name }
    )
  }
  const isOpen = wanted.at(-1)?.rest === true
  const extra = found[wanted.length]
  if (extra !== undefined && !isOpen) {
    throw usage(`swarm ${command} does not take the argument '${clip(extra)}'`, command)
  }
  const empty = found.slice(0, wanted.length).indexOf('')
  if (empty !== -1) throw usage(`<${wanted[empty]?.name}> must not be empty`, command)
}

function checkConflicts(spec: CommandSpec, given: Given): void {
  for (const [a, b] of spec.conflicts ?? []) {
    if (given.has(a) && given.has(b)) {
      throw usage(`--${a} and --${b} contradict each other; give one of them`, `--${b}`)
    }
  }
}

function withDefaults(spec: CommandSpec, given: Given, env: NodeJS.ProcessEnv): FlagValues {
  const flags: Record<string, FlagValue | FlagValue[]> = {}
  for (const name of spec.flags) {
    const flag = flagSpec(name)
    const values = given.get(name) ?? fromEnvironment(flag, env)
    if (values !== undefined) flags[name] = flag.many ? values : (values.at(-1) as FlagValue)
    else {
      const fallback = spec.defaults?.[name] ?? ('default' in flag ? flag.default : undefined)
      if (fallback !== undefined) flags[name] = fallback
    }
  }
  return flags as FlagValues
}

/** An empty variable counts as absent, as usual. */
function fromEnvironment(flag: FlagSpec, env: NodeJS.ProcessEnv): FlagValue[] | undefined {
  const text = flag.env === undefined ? undefined : env[flag.env]
  if (flag.env === undefined || text === undefined || text === '') return undefined
  const shown = flag.env
  const texts = flag.many ? text.split(',') : [text]
  if (texts.length > FLAG_REPEATS_MAX)
    throw usage(`${shown} has more than ${FLAG_REPEATS_MAX} values`, shown)
  return texts.map((one) => parseFlagValue(shown, flag, one))
}

function plain(command: CommandName): Invocation {
  return { command, flags: {}, positionals: [] }
}

function usage(message: string, param: string): SwarmError {
  return new SwarmError('USAGE_BAD_VALUE', message, { param })
}

function unknownCommand(word: string): SwarmError {
  const flag = isFlagLike(word)
  const meant = nearest(word, COMMAND_NAMES)
  const hint = meant === null ? '' : `; did you mean '${meant}'?`
  return new SwarmError(
    'USAGE_UNKNOWN_COMMAND',
    flag
      ? `the command comes before its flags, but '${clip(word, 40)}' is first; see: swarm help`
      : `there is no command '${clip(word, 40)}'${hint || '; see: swarm help'}`
  )
}

function unknownFlag(command: CommandName, spec: CommandSpec, shown: string): SwarmError {
  const own = spec.flags.map((flag) => `--${flag}`)
  // Typed with one dash, or a flag of another command: say that rather than guess.
  const dashes = shown.startsWith('--') ? shown : `-${shown}`
  const meant = nearest(dashes, own)
  const elsewhere = Object.hasOwn(FLAGS, dashes.slice(2)) ? takenBy(dashes.slice(2)) : ''
  const hint = meant !== null ? `did you mean ${meant}?` : elsewhere || `see: swarm help ${command}`
  return new SwarmError(
    'USAGE_UNKNOWN_FLAG',
    `swarm ${command} has no flag ${clip(shown, 40)}; ${hint}`,
    { param: shown }
  )
}

function takenBy(name: string): string {
  const owners = COMMAND_NAMES.filter((command) =>
    commandSpec(command).flags.some((flag) => flag === name)
  )
  return `it is a flag of swarm ${owners.join(', swarm ')}`
}

function missingFlag(command: CommandName, name: FlagName): SwarmError {
  const flag = flagSpec(name)
  const shown = flag.short === undefined ? `--${name}` : `-${flag.short}`
  const example = 'example' in flag ? `, for example ${flag.example}` : ''
  return new SwarmError('USAGE_MISSING', `swarm ${command} needs ${shown}${example}`, {
    param: `--${name}`
  })
}

function missingValue(shown: string, flag: FlagSpec, next: string | undefined): SwarmError {
  const example = 'example' in flag ? `, for example ${flag.example}` : ''
  const long = Object.entries(FLAGS).find(([, known]) => known === flag)?.[0]
  const hint =
    next === undefined
      ? ''
      : `; a value that begins with a dash is written --${long}='${clip(next, 40)}'`
  return new SwarmError('USAGE_MISSING', `${shown} needs a value${example}${hint}`, {
    param: shown
  })
}
