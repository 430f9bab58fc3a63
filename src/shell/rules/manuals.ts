// Rules for finding help, and for names of programs that differ between systems.

import type { Word } from './command-line.ts'
import { isUnknownProgram } from './generic.ts'
import { rule, type Rule } from './rule.ts'

/** What is called otherwise elsewhere: typed here, meant there. */
const ELSEWHERE: Record<string, readonly string[]> = {
  ifconfig: ['ip address'],
  netstat: ['ss'],
  cls: ['clear'],
  dir: ['ls'],
  md: ['mkdir'],
  del: ['rm'],
  copy: ['cp'],
  move: ['mv'],
  ren: ['mv'],
  type: ['cat'],
  ipconfig: ['ip address'],
  tracert: ['traceroute'],
  where: ['which'],
  sl: ['ls'],
  open: ['xdg-open'],
  pbcopy: ['xclip -selection clipboard'],
  pbpaste: ['xclip -selection clipboard -o'],
  vi: ['vim', 'nvim']
}

const SECTIONS: Record<string, string> = { '2': '3', '3': '2' }

export const MANUALS: readonly Rule[] = [
  rule({
    name: 'man: another section',
    tools: ['man'],
    says: /no (?:manual )?entry/i,
    silent: 'likely',
    when: ({ args }) => args.some(({ text }) => /^(?:-s)?[23]$/.test(text)),
    cause: 'system calls are in section 2, functions of the library in section 3',
    fix(failed) {
      const word = failed.args.find(({ text }) => /^(?:-s)?[23]$/.test(text)) as Word
      const other = SECTIONS[word.text.slice(-1)] as string
      const name = failed.args.at(-1)
      const help = name && name !== word ? `${name.text} --help` : null
      return [failed.replace(word, word.text.slice(0, -1) + other), help]
    }
  }),
  rule({
    name: 'man: no manual',
    tools: ['man'],
    says: /no (?:manual )?entry/i,
    silent: 'guess',
    when: ({ args }) => args.length === 1,
    cause: 'there is no manual page of this name where man looked',
    fix(failed) {
      const [name] = failed.args as [Word]
      const help = `${name.text} --help`
      const sections = ['3', '2'].map((section) => failed.replace(name, `${section} ${name.text}`))
      return failed.isSilent ? [...sections, help] : [help, ...sections]
    }
  }),
  rule({
    name: 'man: no space behind it',
    silent: 'likely',
    says: /not found|unknown command|is not recognized/i,
    when: ({ program, machine, args }) =>
      args.length === 0 && /^man[a-z]+$/.test(program.text) && !machine.commands.has(program.text),
    certainty: 'clear',
    cause: 'a space is missing behind man',
    fix: (failed) => failed.replace(failed.program, `man ${failed.program.text.slice(3)}`)
  }),
  rule({
    name: 'help: the long form',
    says: /(?:try|see|use|run)[^\n]{0,60}(?:--help|\bhelp\b)/i,
    certainty: 'guess',
    when: (failed) =>
      failed.flags.some(({ text }) => text === '-h') || /--help/.test(failed.output),
    cause: ({ tool }) => `${tool} says how it is used with --help`,
    fix(failed) {
      const short = failed.flags.find(({ text }) => text === '-h')
      return short
        ? failed.replace(short, '--help')
        : failed.become(`${failed.program.text} --help`)
    }
  }),
  rule({
    name: 'names: called otherwise here',
    when: (failed) => Object.hasOwn(ELSEWHERE, failed.tool) && isUnknownProgram(failed),
    silent: 'likely',
    certainty: 'likely',
    cause: ({ tool }) => `${tool} is called otherwise on this system`,
    fix: (failed) =>
      (ELSEWHERE[failed.tool] ?? [])
        .filter((name) => failed.machine.commands.has(name.split(' ', 1)[0] as string))
        .map((name) => failed.replace(failed.program, name))
  }),
  rule({
    name: 'names: the keyboard has capitals',
    when: (failed) =>
      isUnknownProgram(failed) &&
      failed.tool !== failed.tool.toLowerCase() &&
      failed.machine.commands.has(failed.tool.toLowerCase()),
    silent: 'likely',
    certainty: 'clear',
    cause: 'names of programs are in small letters',
    fix: (failed) => {
      const small = failed.replace(failed.program, failed.program.text.toLowerCase())
      return failed.line === failed.line.toUpperCase() ? [failed.line.toLowerCase(), small] : small
    }
  }),
  rule({
    name: 'names: another version control',
    tools: ['git', 'hg', 'svn'],
    says: /not a git repository|no repository found|is not a working copy/i,
    when: ({ machine }) =>
      ['.git/', '.hg/', '.svn/'].some((name) => machine.entries('.').includes(name)),
    cause: 'this folder is kept by another version control',
    fix(failed) {
      const kinds = ['git', 'hg', 'svn'].filter((kind) =>
        failed.machine.entries('.').includes(`.${kind}/`)
      )
      return kinds.map((kind) => failed.replace(failed.program, kind))
    }
  })
]
