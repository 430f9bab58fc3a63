// Rules for any tool: what the error text itself proposes, slips in the name of a program or of a
// subcommand, missing rights. They carry most failures; the families beside know the rest.

import { quoted, type Word } from './command-line.ts'
import type { Failed } from './failed.ts'
import { rule, type Rule } from './rule.ts'
import { mostSimilar, similarity } from './similar.ts'
import { commandRules } from './subcommands.ts'
import { meantNames, possibleNames, quotedCommands } from './suggestions.ts'

/** Shell says that the program itself is unknown. */
export function isUnknownProgram(failed: Failed): boolean {
  const { program, tool, status, machine } = failed
  if (program.text.includes('/')) return false
  if (failed.isSilent) return status === 127 || !machine.commands.has(tool)
  const name = escaped(program.text)
  const says = new RegExp(
    `(?:^|[\\s:'"\`‘])${name}['"\`’]?: (?:command )?not found|not found: ${name}\\b|` +
      `Unknown command:? ['"]?${name}\\b|'${name}' is (?:not recognized|currently not installed)|` +
      `program '${name}'|Command '${name}' not found|${name}: (?:inaccessible or )?not found|` +
      `${name}: No such file or directory`,
    'im'
  )
  return says.test(failed.output)
}

export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** The operand or flag that was probably meant to be one of these names, with the names best first. */
function misspelt(
  failed: Failed,
  names: readonly string[],
  least: number
): [Word, string[]] | null {
  let best: { word: Word; names: string[]; score: number } | null = null
  const isRun = isUnknownProgram(failed)
  for (const word of [failed.program, ...failed.firstArgs]) {
    if (names.includes(word.text) || (word === failed.program) !== isRun) continue
    const text = baseOf(word.text)
    if (text === '') continue
    const isSaid = failed.output.includes(text)
    const alike = mostSimilar(text, names, isSaid ? Math.min(least, 0.1) : least)
    const nearest = alike[0]
    if (nearest === undefined) continue
    // A word that the text repeats is likelier the wrong one than one that is only alike.
    const isCited = new RegExp(`["'\`‘“]${escaped(text)}["'\`’”]`).test(failed.output)
    const score = similarity(text, nearest) + (isSaid ? 0.3 : 0) + (isCited ? 0.5 : 0)
    if (!best || score > best.score) best = { word, names: alike, score }
  }
  return best && [best.word, best.names]
}

/** A task may carry arguments of its own: `deploy:force=1`. */
function baseOf(text: string): string {
  return text.startsWith('-')
    ? text.split('=', 1)[0]!
    : (text.split(/[:=](?=\w+=|\d)/, 1)[0] ?? text)
}

function replaceBase(failed: Failed, word: Word, name: string): string {
  return failed.replace(word, name + failed.raw(word).slice(baseOf(word.text).length))
}

const meant = rule({
  name: 'any: the tool says what was meant',
  says: /mean|similar|closest/i,
  certainty: 'named',
  cause: (failed) => `${failed.tool} does not know a word of the command and names close ones`,
  fix(failed) {
    const typed = new Set(failed.args.map(({ text }) => text))
    const names = meantNames(failed.output, typed)
    const found = misspelt(failed, names, 0.3)
    if (!found) return null
    const [word, alike] = found
    const all = [...alike, ...names.filter((name) => !alike.includes(name))]
    return all.slice(0, 4).map((name) => replaceBase(failed, word, name))
  }
})

const possible = rule({
  name: 'any: the tool lists what is possible',
  says: /\w/,
  cause: (failed) => `${failed.tool} does not know a word of the command and lists those it knows`,
  fix(failed) {
    const found = misspelt(failed, possibleNames(failed.output), 0.5)
    return found && found[1].slice(0, 3).map((name) => replaceBase(failed, found[0], name))
  }
})

const proposed = rule({
  name: 'any: the tool quotes the command to run',
  says: /\w/,
  certainty: 'named',
  cause: (failed) => `${failed.tool} itself says which command to run`,
  fix(failed) {
    const packagers = ['apt', 'apt-get', 'dnf', 'yum', 'brew', 'snap', 'pacman', 'zypper', 'apk']
    const programs = [failed.tool, 'ssh-keygen', ...packagers]
    return quotedCommands(failed.output, programs).map((command) => {
      // An error repeats the start of what was typed: that is no proposal.
      if (failed.line.startsWith(command)) return null
      if (isInstead(failed.output, command)) return failed.become(command)
      const words = command.split(/\s+/)
      if (words[0] !== failed.tool) return failed.first(command)
      if (words[1] === failed.sub || failed.sub === '') return failed.become(command)
      // Other subcommands of the same tool prepare the ground, unless the typed one was the mistake.
      const isKnown = commandRules(failed.tool).subcommands.includes(failed.sub)
      return isKnown ? failed.first(command) : failed.become(command)
    })
  }
})

const subcommand = rule({
  name: 'any: a slip in the subcommand',
  when: (failed) => {
    const { subcommands } = commandRules(failed.tool)
    return failed.sub !== '' && subcommands.length > 0 && !subcommands.includes(failed.sub)
  },
  silent: 'likely',
  cause: (failed) => `${failed.tool} has no subcommand ${failed.sub}`,
  fix(failed) {
    const word = failed.operands[0] as Word
    const names = mostSimilar(word.text, commandRules(failed.tool).subcommands)
    return names.slice(0, 3).map((name) => failed.replace(word, name))
  }
})

const program = rule({
  name: 'any: a slip in the name of the program',
  when: isUnknownProgram,
  silent: 'likely',
  certainty: 'likely',
  cause: (failed) => `there is no program ${failed.program.text} on this machine`,
  fix(failed) {
    const typed = failed.program.text
    // What fits the words behind it is likelier meant: `gti commit` is git, not gtk.
    const fits = (name: string): number =>
      similarity(typed, name) +
      (commandRules(name).subcommands.includes(failed.args[0]?.text ?? '') ? 0.3 : 0)
    const names = mostSimilar(typed, failed.machine.commands).slice(0, 12)
    const best = names.map((name, index) => ({ name, index, score: fits(name) }))
    return best
      .toSorted((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, 3)
      .map(({ name }) => failed.replace(failed.program, name))
  }
})

const joined = rule({
  name: 'any: no space behind the program',
  when: isUnknownProgram,
  silent: 'likely',
  cause: (failed) => `there is no program ${failed.program.text}; a space is missing in it`,
  fix(failed) {
    const { program, machine } = failed
    const heads = [...machine.commands].filter(
      (name) => name.length >= 2 && program.text.startsWith(name) && name !== program.text
    )
    // A subcommand behind the name makes it certain; else the longest name.
    const rank = (name: string): number => {
      const tail = program.text.slice(name.length)
      if (commandRules(name).subcommands.includes(tail)) return 100 + name.length
      return tail.startsWith('-') ? 50 + name.length : name.length
    }
    return heads
      .toSorted((a, b) => rank(b) - rank(a))
      .slice(0, 2)
      .map((name) => failed.replace(program, `${name} ${program.text.slice(name.length)}`))
  }
})

const DENIED = new RegExp(
  [
    'permission denied',
    'operation not permitted',
    'must be (?:run as )?root',
    'need to be root',
    'you must be root',
    'are you root',
    'root privile[dg]e',
    'superuser',
    'requires? (?:root|administrator|superuser|elevated)',
    'unless you are root',
    'only root can',
    'EACCES',
    'you cannot perform this operation',
    'authentication is required',
    'not have (?:the )?(?:sufficient )?permissions?',
    'access denied',
    'insufficient (?:rights|permissions|privileges)',
    'use sudo'
  ].join('|'),
  'i'
)

const rights = rule({
  name: 'any: missing rights',
  says: DENIED,
  when: ({ hasSudo, machine, program, output }) =>
    !hasSudo &&
    machine.commands.has('sudo') &&
    // A script without the x bit, or a remote side that refuses, gains nothing from being root here.
    !program.text.startsWith('./') &&
    !/publickey|not in sudoers|authenticat(?:e|ion) (?:failed|with)/i.test(output),
  certainty: 'likely',
  cause: 'the command needs rights that this user does not have',
  fix({ line, parsed }) {
    const isOne = parsed.segments.length === 1 && !parsed.writesFile
    if (isOne) return `sudo ${line}`
    // sudo reaches neither behind an operator nor to a redirection.
    return `sudo sh -c "${line.replace(/["$`\\]/g, '\\$&')}"`
  }
})

const NO_ROOT = new Set(['yay', 'paru', 'pacaur', 'yaourt', 'pikaur', 'makepkg', 'brew', 'trizen'])

const unsudo = rule({
  name: 'any: not as root',
  when: ({ hasSudo, tool, output }) =>
    hasSudo &&
    (NO_ROOT.has(tool) ||
      /(?:cannot|can't|do not|don't|should not|avoid)[^\n]{0,30}(?:as |with )(?:root|sudo|super)/i.test(
        output
      )),
  silent: 'likely',
  cause: (failed) => `${failed.tool} refuses to run as root`,
  fix: (failed) => failed.line.replace(/\b(?:sudo|doas)\s+(?:-[A-Za-z]+\s+)*/, '')
})

const flag = rule({
  name: 'any: one hyphen for a long flag',
  says: /unknown|invalid|unrecognized|illegal|bad|did you mean .*two dashes|with two dashes/i,
  when: (failed) => failed.flags.some(({ text }) => /^-[a-z]{2,}[a-z-]*$/.test(text)),
  certainty: 'likely',
  cause: 'a long flag takes two hyphens',
  fix(failed) {
    const wrong = failed.flags.find(
      ({ text }) => /^-[a-z]{2,}[a-z-]*$/.test(text) && failed.output.includes(text.slice(1))
    )
    return wrong ? failed.replace(wrong, `-${wrong.text}`) : null
  }
})

const port = rule({
  name: 'any: the port is in use',
  says: /(?:address already in use|EADDRINUSE|port is already allocated|port \d+ is (?:already )?in use)/i,
  cause: (failed) => `another program listens on port ${portOf(failed) ?? 'that it wants'}`,
  fix(failed) {
    const number = portOf(failed)
    if (number === null) return null
    return [failed.first(`fuser -k ${number}/tcp`), `ss -ltnp 'sport = :${number}'`]
  }
})

/** `Use "x" instead`: then x does not prepare the ground, it takes the place. */
function isInstead(output: string, command: string): boolean {
  const at = output.indexOf(command)
  return (
    at >= 0 &&
    /^["'`’]?\)? instead\b/.test(output.slice(at + command.length, at + command.length + 16))
  )
}

function portOf({ output, line }: Failed): string | null {
  const said =
    /(?::::|:|port )(\d{2,5})\b[^\n]{0,40}(?:in use|allocated)/i.exec(output) ??
    /in use[^\n]{0,60}?[:\s(](\d{2,5})\b/i.exec(output) ??
    /(?:--?p(?:ort)?[= ]|:)(\d{2,5})\b/.exec(line)
  return said?.[1] ?? null
}

const space = rule({
  name: 'any: no space behind the subcommand',
  when: ({ tool, sub }) => {
    const { subcommands } = commandRules(tool)
    return subcommands.length > 0 && sub !== '' && !subcommands.includes(sub)
  },
  silent: 'guess',
  certainty: 'likely',
  cause: (failed) => `${failed.tool} has no subcommand ${failed.sub}; a space is missing in it`,
  fix(failed) {
    const word = failed.operands[0] as Word
    const heads = commandRules(failed.tool).subcommands.filter(
      (name) => name.length >= 3 && word.text.startsWith(name)
    )
    const head = heads.toSorted((a, b) => b.length - a.length)[0]
    return head === undefined
      ? null
      : failed.replace(word, `${head} ${quoted(word.text.slice(head.length))}`)
  }
})

const doubled = rule({
  name: 'any: the program is named twice',
  when: ({ tool, args }) => args[0]?.text === tool && commandRules(tool).subcommands.length > 0,
  silent: 'likely',
  cause: ({ tool }) => `${tool} is written twice`,
  fix: (failed) => failed.remove(failed.args[0] as Word)
})

const prompt = rule({
  name: 'any: a prompt was pasted',
  when: ({ line }) => /^[$#%>❯] /.test(line),
  silent: 'likely',
  cause: 'the prompt of the page that it was copied from is part of the command',
  fix: ({ line }) => line.replace(/^(?:[$#%>❯] )+/, '')
})

const unreadable = rule({
  name: 'any: a space that is none',
  when: ({ line }) => /[\u00a0\u2007\u202f\u200b]/.test(line),
  silent: 'likely',
  cause: 'the command has a character that looks like a space and is none',
  fix: ({ line }) => line.replace(/\u200b/g, '').replace(/[\u00a0\u2007\u202f]/g, ' ')
})

const quote = rule({
  name: 'any: a quote is not closed',
  when: ({ parsed }) => parsed.openQuote !== null,
  silent: 'likely',
  cause: 'a quote is opened and never closed',
  fix({ line, parsed }) {
    const open = parsed.openQuote as string
    const isOther = /['"]$/.test(line) && !line.endsWith(open)
    return isOther ? [line.slice(0, -1) + open, line + open] : [line + open]
  }
})

export const GENERIC: readonly Rule[] = [
  prompt,
  unreadable,
  quote,
  doubled,
  proposed,
  meant,
  possible,
  subcommand,
  space,
  program,
  joined,
  flag,
  unsudo,
  rights,
  port
]
