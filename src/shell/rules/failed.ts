// A failure as rules see it: one simple command of the line with its tool and words, what the terminal
// said, and edits that give the whole line back. Owns what stands before a tool (sudo, variables, time)
// and which word is the subcommand. Pure; nothing is run.

import { commandRules } from './subcommands.ts'
import type { CommandLine, Segment, Word } from './command-line.ts'
import { parseCommandLine } from './command-line.ts'

/** What a rule may know of this machine. */
export interface Machine {
  /** Names of programs, functions and aliases that can be run here. */
  readonly commands: ReadonlySet<string>
  /** Names in a folder, of files and (ending in '/') of folders; empty where it cannot be read. */
  entries(folder: string): readonly string[]
}

/** Output beyond this is not looked at: what failed is said at its start or its end. */
const OUTPUT_CHARS_MAX = 64 * 1024
/** `rm *` has thousands of words, of which a slip is among the first or hardly one at all. */
const COMPARED_ARGS_MAX = 12
const WRAPPERS = new Set(['sudo', 'doas', 'env', 'time', 'nohup', 'command', 'exec', 'nice'])
const WRAPPER_VALUE_FLAGS = new Set(['-u', '-g', '-n', '-p'])

export class Failed {
  readonly line: string
  readonly parsed: CommandLine
  readonly output: string
  readonly status: number
  readonly machine: Machine
  readonly hasSudo: boolean
  readonly program: Word
  /** Words behind the program. */
  readonly args: readonly Word[]
  readonly #segment: Segment

  constructor(
    line: string,
    parsed: CommandLine,
    segment: Segment,
    said: { output: string; status: number },
    machine: Machine
  ) {
    this.line = line
    this.parsed = parsed
    this.output = said.output
    this.status = said.status
    this.machine = machine
    this.#segment = segment
    const at = programAt(segment.words)
    this.program = segment.words[at] as Word
    this.args = segment.words.slice(at + 1)
    this.hasSudo = segment.words.slice(0, at).some(({ text }) => text === 'sudo' || text === 'doas')
  }

  /** Each simple command of a line, first the ones that the output names. */
  static of(
    failure: { command: string; output: string | null; status: number },
    machine: Machine
  ): Failed[] {
    const line = failure.command.trim()
    const parsed = parseCommandLine(line)
    const said = { output: clipOutput(failure.output ?? ''), status: failure.status }
    const all = parsed.segments.map((one) => new Failed(line, parsed, one, said, machine))
    const named = (one: Failed): number => (one.output.includes(one.tool) ? 0 : 1)
    return all.toSorted((a, b) => named(a) - named(b))
  }

  /** Name of the program without its folder. */
  get tool(): string {
    return this.program.text.replace(/^.*\//, '')
  }

  get isSilent(): boolean {
    return this.output.trim() === ''
  }

  /** Words behind the program that are neither flags nor the values of known global flags. */
  get operands(): readonly Word[] {
    const withValue = commandRules(this.tool).valueFlags
    return this.args.filter(({ text }, index) => {
      if (text.startsWith('-') && text.length > 1) return false
      const before = this.args[index - 1]?.text
      return before === undefined || !withValue.has(before)
    })
  }

  /** Those of a long line that are compared with every known name. */
  get firstArgs(): readonly Word[] {
    return this.args.slice(0, COMPARED_ARGS_MAX)
  }

  /** The first operand: what a tool with subcommands is told to do. */
  get sub(): string {
    return this.operands[0]?.text ?? ''
  }

  /** Operands behind the subcommand. */
  get rest(): readonly Word[] {
    return this.operands.slice(1)
  }

  get flags(): readonly Word[] {
    return this.args.filter(({ text }) => text.startsWith('-') && text.length > 1)
  }

  hasFlag(...names: string[]): boolean {
    return this.flags.some(({ text }) =>
      names.some((name) => text === name || (/^-\w$/.test(name) && hasShort(text, name[1] ?? '')))
    )
  }

  says(pattern: RegExp): RegExpExecArray | null {
    return pattern.exec(this.output)
  }

  // Edits. Each gives the whole line.

  replace(word: Word, text: string): string {
    return this.line.slice(0, word.start) + text + this.line.slice(word.end)
  }

  replaceAll(edits: readonly (readonly [Word, string])[]): string {
    let line = this.line
    for (const [word, text] of edits.toSorted(([a], [b]) => b.start - a.start))
      line = line.slice(0, word.start) + text + line.slice(word.end)
    return line
  }

  after(word: Word, text: string): string {
    return `${this.line.slice(0, word.end)} ${text}${this.line.slice(word.end)}`
  }

  remove(word: Word): string {
    return this.line.slice(0, word.start).trimEnd() + this.line.slice(word.end)
  }

  /** A flag behind the subcommand, or behind the program where there is none. */
  withFlag(flag: string): string {
    const sub = commandRules(this.tool).subcommands.length > 0 ? this.operands[0] : undefined
    return this.after(sub ?? this.program, flag)
  }

  append(text: string): string {
    const { end } = this.#segment
    return `${this.line.slice(0, end)} ${text}${this.line.slice(end)}`
  }

  /** Another command first, and this one when that has worked. */
  first(command: string): string {
    return `${command} && ${this.line}`
  }

  /** This simple command as another; what stands before the program (sudo) stays. */
  become(command: string): string {
    const { end } = this.#segment
    return this.line.slice(0, this.program.start) + command + this.line.slice(end)
  }

  /** This simple command as another, with what stands before the program. */
  becomeWhole(command: string): string {
    const { start, end } = this.#segment
    return this.line.slice(0, start) + command + this.line.slice(end)
  }

  /** The text of the line as it was typed. */
  raw(word: Word): string {
    return this.line.slice(word.start, word.end)
  }

  /** Names in the folder of a path, with that folder before them. */
  near(path: string): string[] {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : ''
    return this.machine.entries(folder || '.').map((name) => folder + name)
  }
}

function programAt(words: readonly Word[]): number {
  let at = 0
  let isWrapped = false
  for (; at < words.length - 1; at++) {
    const text = (words[at] as Word).text
    if (/^[A-Za-z_]\w*=/.test(text)) continue
    if (WRAPPERS.has(text)) isWrapped = true
    else if (isWrapped && text.startsWith('-')) {
      if (WRAPPER_VALUE_FLAGS.has(text)) at++
    } else break
  }
  return Math.min(at, words.length - 1)
}

function hasShort(text: string, letter: string): boolean {
  return /^-[A-Za-z]+$/.test(text) && text.includes(letter)
}

function clipOutput(output: string): string {
  // Colours of the terminal are no part of what was said.
  const plain = output.slice(0, OUTPUT_CHARS_MAX).replace(/[^\P{Cc}\n\t]\[[0-9;]*[A-Za-z]/gu, '')
  if (output.length <= OUTPUT_CHARS_MAX) return plain
  return `${plain}\n${output.slice(-OUTPUT_CHARS_MAX)}`
}
