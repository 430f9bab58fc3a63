// Rules for files and folders: the tools of every system that make, copy, move, list, search, unpack and
// remove them. Facts of their messages and flags.

import { quoted, type Word } from './command-line.ts'
import type { Failed } from './failed.ts'
import { rule, type Rule } from './rule.ts'
import { mostSimilar } from './similar.ts'

const NO_FILE =
  /no such file or directory|does not exist|cannot find|not found|can't open|can't cd/i
const parent = (path: string): string => path.replace(/\/+$/, '').replace(/\/?[^/]*$/, '')
const lastOf = (words: readonly Word[]): Word | undefined => words.at(-1)

/** Makes the folder of a path first. */
function makeFolder(failed: Failed, folder: string): string | null {
  return folder === '' || folder === '.' ? null : failed.first(`mkdir -p ${quoted(folder)}`)
}

/** Operands that are alike to a name in their folder. */
function nearFiles(failed: Failed): string[] {
  return failed.firstArgs.flatMap((word) => {
    const path = word.text.replace(/\/+$/, '')
    const names = failed.near(path).map((name) => name.replace(/\/$/, ''))
    if (path === '' || word.text.startsWith('-') || names.includes(path)) return []
    return mostSimilar(path, names, 0.7)
      .slice(0, 2)
      .map((name) => failed.replace(word, quoted(name)))
  })
}

const ARCHIVE = /\.(?:tar(?:\.\w+)?|t[gbx]z|tbz2|zip)$/i

export const FILES: readonly Rule[] = [
  rule({
    name: 'files: a name close to this one is there',
    says: NO_FILE,
    silent: 'likely',
    certainty: 'clear',
    when: ({ args }) => args.length > 0,
    cause: 'there is no file of this name, but one of a close name',
    fix: nearFiles
  }),
  rule({
    name: 'cd: no such folder',
    tools: ['cd', 'pushd', 'chdir'],
    says: NO_FILE,
    silent: 'likely',
    when: ({ args }) => args.length === 1,
    cause: (failed) => `there is no folder ${failed.args[0]?.text}`,
    fix: (failed) => failed.first(`mkdir -p ${failed.raw(failed.args[0] as Word)}`)
  }),
  rule({
    name: 'cd: up without a space',
    silent: 'likely',
    says: /not found|unknown command|is not recognized/i,
    when: ({ program }) => /^cd(?:\.\.|~|\/)/.test(program.text),
    cause: 'a space is missing behind cd',
    fix: (failed) => failed.replace(failed.program, `cd ${failed.program.text.slice(2)}`)
  }),
  rule({
    name: 'mkdir: no folder above',
    tools: ['mkdir'],
    says: NO_FILE,
    silent: 'likely',
    when: (failed) =>
      !failed.hasFlag('-p', '--parents') && failed.args.some(({ text }) => text.includes('/')),
    cause: 'a folder above does not exist',
    fix: (failed) => failed.withFlag('-p')
  }),
  rule({
    name: 'hdfs: no folder above',
    tools: ['hdfs', 'hadoop'],
    says: NO_FILE,
    silent: 'likely',
    when: ({ args }) =>
      args.some(({ text }) => text === '-mkdir') && !args.some(({ text }) => text === '-p'),
    cause: 'a folder above does not exist',
    fix: (failed) => failed.after(failed.args.find(({ text }) => text === '-mkdir') as Word, '-p')
  }),
  rule({
    name: 'touch: no such folder',
    tools: ['touch', 'tee', 'vim', 'vi', 'nano'],
    says: NO_FILE,
    cause: 'the folder of the file does not exist',
    fix: (failed) => makeFolder(failed, parent(lastOf(failed.operands)?.text ?? ''))
  }),
  rule({
    name: 'cp: no such destination',
    tools: ['cp', 'mv', 'rsync', 'install'],
    says: NO_FILE,
    silent: 'guess',
    when: ({ operands }) => operands.length >= 2 && (lastOf(operands)?.text.includes('/') ?? false),
    certainty: 'likely',
    cause: 'the folder to put it into does not exist',
    fix(failed) {
      const to = lastOf(failed.operands)?.text ?? ''
      return makeFolder(failed, to.endsWith('/') ? to : parent(to))
    }
  }),
  rule({
    name: 'cp: no folder of this name',
    tools: ['cp', 'mv'],
    says: /(?:directory|folder) \S+ does not exist|is not a directory|no such file or directory/i,
    silent: 'guess',
    when: ({ operands }) => operands.length >= 2,
    certainty: 'guess',
    cause: 'the folder to put it into does not exist',
    fix: (failed) => makeFolder(failed, lastOf(failed.operands)?.text ?? '')
  }),
  rule({
    name: 'cp: a folder',
    tools: ['cp'],
    says: /omitting directory|is a directory/i,
    cause: 'a folder is copied with -r only',
    when: (failed) => !failed.hasFlag('-r', '-R', '-a'),
    fix: (failed) => failed.withFlag('-a')
  }),
  rule({
    name: 'scp: a folder',
    tools: ['scp'],
    says: /not a regular file|is a directory/i,
    cause: 'a folder is copied with -r only',
    fix: (failed) => failed.withFlag('-r')
  }),
  rule({
    name: 'rm: a folder',
    tools: ['rm', 'unlink'],
    says: /is a directory/i,
    silent: 'guess',
    when: (failed) => !failed.hasFlag('-r', '-R', '--recursive') && failed.operands.length > 0,
    cause: 'a folder is removed with -r only',
    fix: (failed) => [failed.withFlag('-rf'), failed.withFlag('-r')]
  }),
  rule({
    name: 'hdfs: a folder',
    tools: ['hdfs', 'hadoop'],
    says: /is a directory/i,
    silent: 'likely',
    when: ({ args }) => args.some(({ text }) => text === '-rm'),
    cause: 'a folder is removed with -r only',
    fix: (failed) => failed.after(failed.args.find(({ text }) => text === '-rm') as Word, '-r')
  }),
  rule({
    name: 'rmdir: not empty',
    tools: ['rmdir'],
    says: /not empty/i,
    cause: 'the folder is not empty',
    fix: (failed) => failed.replace(failed.program, 'rm -r')
  }),
  rule({
    name: 'rm: write protected or missing',
    tools: ['rm'],
    says: /write-protected|no such file/i,
    certainty: 'guess',
    when: (failed) => !failed.hasFlag('-f', '--force'),
    cause: 'the file is not there or is write-protected',
    fix: (failed) => failed.withFlag('-f')
  }),
  rule({
    name: 'cat: a folder',
    tools: ['cat', 'less', 'more', 'head', 'tail'],
    says: /is a directory/i,
    cause: 'this is a folder; ls shows what is in it',
    fix: (failed) => failed.replace(failed.program, 'ls')
  }),
  rule({
    name: 'ls: hidden files',
    tools: ['ls'],
    when: (failed) => failed.isSilent && !failed.hasFlag('-a', '-A'),
    silent: 'guess',
    cause: 'names that begin with a dot are not shown without -A',
    fix: (failed) => [failed.withFlag('-A'), failed.withFlag('-lah')]
  }),
  rule({
    name: 'ls: long',
    tools: ['ls'],
    when: ({ flags, output }) => flags.length === 0 && output !== '',
    says: /./,
    certainty: 'guess',
    cause: 'ls shows names alone',
    fix: (failed) => failed.withFlag('-lah')
  }),
  rule({
    name: 'ln: source and name',
    tools: ['ln'],
    says: /file exists/i,
    when: (failed) => failed.hasFlag('-s', '--symbolic') && failed.operands.length === 2,
    certainty: 'likely',
    cause: 'the target comes first, then the name of the link',
    fix(failed) {
      const [a, b] = failed.operands as [Word, Word]
      return [
        failed.replaceAll([
          [a, failed.raw(b)],
          [b, failed.raw(a)]
        ]),
        failed.withFlag('-f')
      ]
    }
  }),
  rule({
    name: 'ln: a folder',
    tools: ['ln'],
    says: /hard link not allowed for directory|cross-device link/i,
    cause: 'a folder, or a file of another disk, can have symbolic links only',
    fix: (failed) => failed.withFlag('-s')
  }),
  rule({
    name: 'files: not executable',
    says: /permission denied/i,
    when: ({ program }) => program.text.includes('/'),
    cause: (failed) => `${failed.program.text} may not be executed`,
    fix: (failed) => failed.first(`chmod +x ${quoted(failed.program.text.replace(/^\.\//, ''))}`)
  }),
  rule({
    name: 'files: a program of this folder',
    silent: 'likely',
    says: /not found|is not recognized/i,
    certainty: 'clear',
    when: ({ program, machine, tool }) =>
      !program.text.includes('/') &&
      !machine.commands.has(tool) &&
      machine.entries('.').includes(tool),
    cause: 'a program of this folder is called with ./ before it',
    fix: (failed) => failed.replace(failed.program, `./${failed.program.text}`)
  }),
  rule({
    name: 'grep: a folder',
    tools: ['grep', 'egrep', 'fgrep', 'zgrep'],
    says: /is a directory/i,
    silent: 'guess',
    when: (failed) => !failed.hasFlag('-r', '-R') && failed.operands.length >= 2,
    cause: 'a folder is searched with -r only',
    fix: (failed) => failed.withFlag('-r')
  }),
  rule({
    name: 'grep: pattern and file',
    tools: ['grep', 'egrep', 'fgrep'],
    says: /no such file or directory/i,
    when: ({ operands }) => operands.length >= 2,
    certainty: 'likely',
    cause: 'the pattern comes first, then the files',
    fix(failed) {
      const [file, pattern] = [failed.operands[0] as Word, lastOf(failed.operands) as Word]
      const isFile = /[./]/.test(file.text) || failed.machine.entries('.').includes(file.text)
      if (!isFile || file === pattern) return null
      return failed.replaceAll([
        [file, failed.raw(pattern)],
        [pattern, failed.raw(file)]
      ])
    }
  }),
  rule({
    name: 'ag: a pattern that is none',
    tools: ['ag'],
    says: /bad regex|pass -Q/i,
    cause: 'the text is no regular expression; -Q takes it literally',
    certainty: 'named',
    fix: (failed) => failed.withFlag('-Q')
  }),
  rule({
    name: 'sed: a slash is missing',
    tools: ['sed'],
    says: /unterminated [`'"]?s/i,
    cause: 'the expression s/// ends without its last slash',
    certainty: 'clear',
    fix(failed) {
      const word = failed.args.find(
        ({ text }) => /^s\/.*[^/]$/.test(text) || /^-?e?s\/[^/]*\/[^/]*$/.test(text)
      )
      if (!word) return null
      const raw = failed.raw(word)
      return failed.replace(
        word,
        raw.replace(/(["']?)$/, (end) => `/${end}`)
      )
    }
  }),
  rule({
    name: 'tar: many files at once',
    tools: ['tar'],
    silent: 'guess',
    when: (failed) =>
      failed.isSilent &&
      /^-{0,2}\w*x|^--extract/.test(failed.args[0]?.text ?? '') &&
      !failed.hasFlag('-C'),
    cause: 'the archive may unpack many files into this folder',
    fix(failed) {
      const archive = failed.args.find(({ text }) => ARCHIVE.test(text))
      if (!archive) return null
      const folder = quoted(archive.text.replace(ARCHIVE, '').replace(/^.*\//, ''))
      return `mkdir -p ${folder} && ${failed.append(`-C ${folder}`)}`
    }
  }),
  rule({
    name: 'tar: not in this format',
    tools: ['tar'],
    says: /not in gzip format|does not look like a tar archive/i,
    cause: 'the archive is packed otherwise; tar finds out by itself with xf',
    fix(failed) {
      const [mode] = failed.args
      return mode ? failed.replace(mode, mode.text.replace(/[zjJ]/g, '')) : null
    }
  }),
  rule({
    name: 'unzip: into its own folder',
    tools: ['unzip'],
    silent: 'guess',
    when: (failed) =>
      failed.isSilent && failed.operands.length === 1 && !failed.hasFlag('-d', '-l'),
    cause: 'the archive may unpack many files into this folder',
    fix(failed) {
      const folder = (failed.operands[0] as Word).text.replace(/\.zip$/i, '')
      return failed.append(`-d ${/^[\w./-]+$/.test(folder) ? folder : `'${folder}'`}`)
    }
  }),
  rule({
    name: 'unzip: a name without its ending',
    tools: ['unzip'],
    says: /cannot find or open/i,
    when: ({ operands }) => operands.length === 1 && !/\.zip$/i.test(operands[0]?.text ?? ''),
    certainty: 'likely',
    cause: 'there is no archive of this name',
    fix: (failed) => failed.replace(failed.operands[0] as Word, `${failed.operands[0]?.text}.zip`)
  }),
  rule({
    name: 'open: an address without its scheme',
    tools: ['open', 'xdg-open', 'gnome-open', 'kde-open'],
    silent: 'likely',
    says: /does not exist|no such file/i,
    when: ({ args }) =>
      /^(?:www\.|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|edu|info|co|uk|de|me|ly|eu|us|fr|goo)\b)/.test(
        args[0]?.text ?? ''
      ),
    cause: 'without http:// it is taken for a file',
    fix: (failed) => failed.replace(failed.args[0] as Word, `http://${failed.args[0]?.text}`)
  }),
  rule({
    name: 'open: the file is not there',
    tools: ['open', 'xdg-open', 'gnome-open'],
    says: /the file (\S+) does not exist/i,
    cause: 'the file does not exist',
    fix: (failed) => [
      failed.first(`touch ${failed.raw(failed.args[0] as Word)}`),
      failed.first(`mkdir ${failed.raw(failed.args[0] as Word)}`)
    ]
  })
]
