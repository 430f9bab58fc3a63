// Rules for compilers, interpreters and the tools of their projects. Facts of their messages and flags.

import type { Word } from './command-line.ts'
import type { Failed } from './failed.ts'
import { isUnknownProgram } from './generic.ts'
import { anyOf, rule, type Rule } from './rule.ts'

const PYTHONS = ['python', 'python2', 'python3', 'ipython', 'pypy']

/** The one file that is given, without an ending. */
const bare = (failed: Failed): Word | null => {
  const [file, ...more] = failed.operands
  const isBare =
    file && more.length === 0 && /^[\w./-]+$/.test(file.text) && !/\.\w+$/.test(file.text)
  return isBare && !failed.args.some(({ text }) => text === '-c' || text === '-m') ? file : null
}

const withEnding = (tools: string[], sub: string | null, ending: string): Rule =>
  rule({
    name: `${tools[0]}: a file without its ending`,
    tools,
    ...(sub === null ? {} : { subs: [sub] }),
    says: /no such file|can't open|cannot find|not found|is not in|no required module|could not find|error:/i,
    silent: 'likely',
    certainty: 'likely',
    when: (failed) => (sub === null ? bare(failed) !== null : isBareRest(failed)),
    cause: `the ending ${ending} of the file is missing`,
    fix(failed) {
      const file = sub === null ? failed.operands[0] : failed.rest[0]
      return file ? failed.replace(file, `${failed.raw(file)}${ending}`) : null
    }
  })

const isBareRest = ({ rest }: Failed): boolean =>
  rest.length >= 1 && /^[\w/-]+$/.test(rest[0]?.text ?? '') && rest[0]?.text !== '.'

export const LANGUAGES: readonly Rule[] = [
  withEnding(PYTHONS, null, '.py'),
  withEnding(['javac'], null, '.java'),
  withEnding(['go'], 'run', '.go'),
  withEnding(['ruby'], null, '.rb'),
  withEnding(['rustc'], null, '.rs'),
  rule({
    name: 'java: a class, not a file',
    tools: ['java'],
    says: /could not find or load main class|ClassNotFound/i,
    silent: 'likely',
    when: ({ operands }) => /\.(?:java|class)$/.test(operands.at(-1)?.text ?? ''),
    cause: 'java is given the name of a class, without an ending',
    fix(failed) {
      const file = failed.operands.at(-1) as Word
      return [
        failed.replace(file, failed.raw(file).replace(/\.(?:java|class)(?=["']?$)/, '')),
        failed.first(`javac ${failed.raw(file)}`)
      ]
    }
  }),
  rule({
    name: 'python: a module is missing',
    tools: [...PYTHONS, 'pytest'],
    says: /(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?/,
    cause: (_, [, name = '']) => `the module ${name} is not installed`,
    certainty: 'clear',
    fix: (failed, [, name = '']) => {
      const pip = failed.tool === 'python3' ? 'python3 -m pip' : 'pip'
      return failed.first(`${pip} install ${name.split('.', 1)[0]}`)
    }
  }),
  rule({
    name: 'python: a script given to the shell',
    says: anyOf(
      'import: (?:command )?not found',
      'permission denied',
      'syntax error near unexpected token',
      'exec format error'
    ),
    silent: 'guess',
    when: ({ program }) => program.text.endsWith('.py'),
    cause: 'a Python script is run by python',
    fix: ({ line, program }) => `python3 ${line.slice(program.start)}`
  }),
  rule({
    name: 'python: the other Python',
    tools: ['python'],
    when: isUnknownProgram,
    silent: 'guess',
    certainty: 'likely',
    cause: 'there is no python here, but a python3',
    fix: (failed) =>
      failed.machine.commands.has('python3') ? failed.replace(failed.program, 'python3') : null
  }),
  rule({
    name: 'python: print is a function',
    tools: PYTHONS,
    says: /Missing parentheses in call to 'print'/,
    cause: 'the script is for Python 2',
    certainty: 'likely',
    fix: (failed) => failed.replace(failed.program, 'python2')
  }),
  rule({
    name: 'django: migrations are to be merged',
    tools: ['python', 'python3', 'manage.py', 'django-admin'],
    says: /--merge\b/,
    certainty: 'named',
    cause: 'there are several last migrations',
    fix: (failed) => failed.append('--merge')
  }),
  rule({
    name: 'django: old migrations are gone',
    tools: ['python', 'python3', 'manage.py', 'django-admin'],
    says: /--delete-ghost-migrations/,
    certainty: 'named',
    cause: 'the database knows migrations that the project has not',
    fix: (failed) => failed.append('--delete-ghost-migrations')
  }),
  rule({
    name: 'c++: a newer standard',
    tools: ['g++', 'clang++', 'c++'],
    says: anyOf(
      '-std=(?:c|gnu)\\+\\+\\d\\w',
      'C\\+\\+(?:0x|11|14|17|20) (?:features?|extension|standard)',
      'requires? (?:compiler|C\\+\\+)'
    ),
    when: ({ flags }) => !flags.some(({ text }) => text.startsWith('-std=')),
    cause: 'the source needs a newer standard of C++',
    fix: (failed) => failed.append('-std=c++11')
  }),
  rule({
    name: 'c: the library is not linked',
    tools: ['gcc', 'cc', 'clang', 'g++', 'clang++'],
    says: /undefined reference to [`'](\w+)/,
    cause: (_, [, name = '']) => `${name} is in a library that is not linked`,
    certainty: 'likely',
    fix(failed, [, name = '']) {
      if (/^(?:sqrt|pow|sin|cos|tan|exp|log|floor|ceil|fabs|round|fmod|atan2?)f?l?$/.test(name))
        return failed.append('-lm')
      if (name.startsWith('pthread_')) return failed.append('-pthread')
      return null
    }
  }),
  rule({
    name: 'c: C++ given to a C compiler',
    tools: ['gcc', 'cc', 'clang'],
    says: /undefined reference to [`']std::|libstdc\+\+/,
    cause: 'the source is C++',
    fix: (failed) => failed.replace(failed.program, failed.tool === 'clang' ? 'clang++' : 'g++')
  }),
  rule({
    name: 'c: the program is in this folder',
    when: ({ tool }) => tool === 'a.out',
    silent: 'likely',
    says: /not found/,
    cause: 'a program of this folder is called with ./ before it',
    fix: (failed) => failed.replace(failed.program, './a.out')
  }),
  rule({
    name: 'gradle: the wrapper of the project',
    tools: ['gradle'],
    says: /not found|is not recognized/i,
    silent: 'likely',
    when: ({ machine }) =>
      !machine.commands.has('gradle') || machine.entries('.').includes('gradlew'),
    cause: 'the project brings a gradle of its own',
    fix: (failed) => failed.replace(failed.program, './gradlew')
  }),
  rule({
    name: 'mvn: nothing is said to do',
    tools: ['mvn', 'mvnw'],
    says: /no goals have been specified/i,
    silent: 'likely',
    when: ({ operands, output }) => operands.length === 0 || /no goals/i.test(output),
    cause: 'maven is not told what to do',
    fix: (failed) => [failed.append('clean package'), failed.append('clean install')]
  }),
  rule({
    name: 'prove: folders below',
    tools: ['prove'],
    says: /NOTESTS/,
    when: (failed) => !failed.hasFlag('-r', '--recurse'),
    cause: 'tests in folders below are found with -r',
    fix: (failed) => failed.withFlag('-r')
  }),
  rule({
    name: 'php: the server takes a small letter',
    tools: ['php'],
    says: /usage|-s/i,
    silent: 'likely',
    when: ({ args }) =>
      args.some(({ text }) => text === '-s') && args.some(({ text }) => /:\d+$/.test(text)),
    cause: 'the server of php is started with -S; -s prints a source',
    fix: (failed) => failed.replace(failed.args.find(({ text }) => text === '-s') as Word, '-S')
  }),
  rule({
    name: 'rails: migrations are pending',
    tools: ['rails', 'rake', 'bundle', 'rspec', 'ruby'],
    says: /migrations are pending[^]{0,2000}?((?:bin\/)?(?:rails|rake) db:migrate[^\n'"]*)/i,
    certainty: 'named',
    cause: 'migrations of the database are pending',
    fix: (failed, [, command = '']) => failed.first(command.replace(/[.;:]*$/, '').trim())
  }),
  rule({
    name: 'react-native: called through npx',
    tools: ['react-native'],
    says: /unrecognized command/i,
    certainty: 'guess',
    cause: 'react-native does not know this command',
    fix: (failed) => failed.replace(failed.program, 'npx react-native')
  }),
  rule({
    name: 'node: a module is missing',
    tools: ['node'],
    says: /Cannot find (?:module|package) '([^'./][^']*)'/,
    cause: (_, [, name = '']) => `the package ${name} is not installed`,
    fix: (failed, [, name = '']) =>
      failed.first(`npm install ${/^@?[\w./-]+$/.test(name) ? name : ''}`.trim())
  }),
  rule({
    name: 'node: modules of the new kind',
    tools: ['node'],
    says: /Cannot use import statement outside a module/,
    cause: 'the file is an ES module and node takes it for CommonJS',
    certainty: 'likely',
    fix: (failed) => failed.withFlag('--experimental-default-type=module')
  })
]
