// Rules for git: changes, the index, commits, the stash, history. Facts of git's own messages and flags.

import { quoted } from './command-line.ts'
import { anyOf, rule, type Rule } from './rule.ts'

const GIT = ['git']

export const GIT_CHANGES: readonly Rule[] = [
  rule({
    name: 'git: not a repository',
    tools: GIT,
    says: /not a git repository/i,
    cause: 'this folder is in no git repository',
    certainty: 'likely',
    fix: (failed) => failed.first('git init')
  }),
  rule({
    name: 'git: nothing is staged',
    tools: GIT,
    subs: ['commit'],
    says: /no changes added to commit|nothing added to commit|changes not staged/i,
    silent: 'guess',
    when: (failed) => !failed.hasFlag('-a', '--all', '--amend', '-p'),
    cause: 'nothing is staged for the commit',
    fix: (failed) => [failed.withFlag('-a'), failed.withFlag('-p'), failed.first('git add -A')]
  }),
  rule({
    name: 'git: unknown file',
    tools: GIT,
    says: /pathspec '([^']+)' did not match any file/i,
    subs: ['commit', 'rm', 'mv', 'stash', 'diff', 'log'],
    cause: (_, [, path = 'the file']) => `git does not know ${path} yet`,
    fix: (failed, [, path = '']) => failed.first(`git add -- ${quoted(path)}`)
  }),
  rule({
    name: 'git: the file is ignored',
    tools: GIT,
    subs: ['add', 'stage'],
    says: /ignored by one of your \.gitignore/i,
    cause: 'a .gitignore leaves the file out',
    fix: (failed) => failed.withFlag('--force')
  }),
  rule({
    name: 'git: the index is empty',
    tools: GIT,
    subs: ['diff'],
    silent: 'guess',
    when: (failed) => failed.isSilent && !failed.hasFlag('--staged', '--cached'),
    cause: 'what is staged is not shown without --staged',
    fix: (failed) => failed.withFlag('--staged')
  }),
  rule({
    name: 'git: two files outside',
    tools: GIT,
    subs: ['diff'],
    when: ({ rest }) => rest.length === 2,
    says: /usage: git diff --no-index|not a git repository/i,
    cause: 'files outside a repository are compared with --no-index',
    fix: (failed) => failed.withFlag('--no-index')
  }),
  rule({
    name: 'git: a flag behind a file name',
    tools: GIT,
    says: /(?:bad flag|option) '(-[^']+)' (?:used after filename|must come before)/i,
    cause: (_, [, flag = 'the flag']) => `${flag} has to stand before the file names`,
    fix(failed, [, flag = '']) {
      const index = failed.args.findIndex(({ text }) => text === flag)
      // The first file name is the first operand that only operands and this flag follow.
      let first = index
      while (first > 1 && !failed.args[first - 1]?.text.startsWith('-')) first--
      const [word, file] = [failed.args[index], failed.args[first]]
      if (!word || !file || first === index) return null
      const flags = failed.raw(word)
      const without = failed.remove(word)
      return `${without.slice(0, file.start)}${flags} ${without.slice(file.start)}`
    }
  }),
  rule({
    name: 'git: two hyphens',
    tools: GIT,
    says: /did you mean [`'"]?(--[\w-]+)|with two dashes/i,
    certainty: 'named',
    cause: 'a long flag takes two hyphens',
    fix(failed, [, flag]) {
      const wrong = failed.flags.find(({ text }) => flag?.endsWith(text) && text !== flag)
      return wrong && flag ? failed.replace(wrong, flag) : null
    }
  }),
  rule({
    name: 'git: local changes are in the way of the stash',
    tools: GIT,
    subs: ['stash'],
    says: /local changes to the following files would be overwritten/i,
    when: ({ rest }) => rest[0]?.text === 'pop' || rest[0]?.text === 'apply',
    cause: 'files that the stash would change have changes of their own',
    fix: ({ line }) => `git add --update && ${line} && git reset .`
  }),
  rule({
    name: 'git: local changes are in the way',
    tools: GIT,
    says: anyOf(
      'would be overwritten by',
      'commit your changes or stash',
      '(?:contains?|have|are) (?:un)?(?:staged|committed) changes',
      'index contains uncommitted'
    ),
    when: ({ sub }) => sub !== 'stash',
    cause: 'uncommitted changes would be overwritten',
    fix: ({ line }) => [`git stash && ${line} && git stash pop`, `git stash && ${line}`]
  }),
  rule({
    name: 'git: a stash without its verb',
    tools: GIT,
    subs: ['stash'],
    says: /unknown (?:option|subcommand)|usage:.*git stash|is not a valid reference|not a stash/is,
    when: ({ rest }) => rest.length > 0,
    certainty: 'likely',
    cause: 'git stash does not know this word; a message is given to git stash push',
    fix(failed) {
      const [first] = failed.rest
      if (!first) return null
      const verbs = ['apply', 'branch', 'clear', 'create', 'drop', 'list', 'pop', 'push', 'show']
      const close = verbs.filter((verb) => verb[0] === first.text[0] && verb !== first.text)
      const typo = close.find((verb) => Math.abs(verb.length - first.text.length) <= 1)
      const push = failed.replace(first, `push -m ${failed.raw(first)}`)
      return typo ? [failed.replace(first, typo), push] : push
    }
  }),
  rule({
    name: 'git: changed files are not removed',
    tools: GIT,
    subs: ['rm'],
    says: /(?:has local modifications|has changes staged|staged content different)/i,
    cause: 'the file has changes that removing it would lose',
    fix: (failed) => [failed.withFlag('--cached'), failed.withFlag('-f')]
  }),
  rule({
    name: 'git: a folder is not removed',
    tools: GIT,
    subs: ['rm'],
    says: /not removing '[^']*' recursively without -r/i,
    cause: 'a folder is removed with -r only',
    fix: (failed) => failed.withFlag('-r')
  }),
  rule({
    name: 'git: a rebase is under way',
    tools: GIT,
    subs: ['rebase'],
    says: /rebase-(?:merge|apply) directory|middle of another rebase/i,
    cause: 'a rebase has begun and is not finished',
    fix: () => ['git rebase --continue', 'git rebase --skip', 'git rebase --abort']
  }),
  rule({
    name: 'git: nothing is left of this commit',
    tools: GIT,
    subs: ['rebase', 'am', 'cherry-pick'],
    says: /no changes - did you forget to use 'git add'|previous cherry-pick is now empty/i,
    cause: 'the changes of this commit are there already',
    fix: ({ sub }) => `git ${sub} --skip`
  }),
  rule({
    name: 'git: an operation is not concluded',
    tools: GIT,
    says: /(?:have not concluded your merge|MERGE_HEAD exists)/i,
    cause: 'a merge has begun and is not committed',
    fix: (failed) => [failed.first('git commit --no-edit'), 'git merge --abort']
  }),
  rule({
    name: 'git: the tag exists',
    tools: GIT,
    subs: ['tag'],
    says: /tag '?[^']*'? already exists/i,
    cause: 'a tag of this name exists',
    fix: (failed) => failed.withFlag('--force')
  }),
  rule({
    name: 'git: nobody is named as author',
    tools: GIT,
    says: /please tell me who you are|unable to auto-detect email|empty ident name/i,
    cause: 'git does not know name and address of the author',
    fix: ({ line }) => `git config user.email "you@example.com" && ${line}`
  }),
  rule({
    name: 'git: a lock is left',
    tools: GIT,
    says: /unable to create '([^']*\.lock)': file exists/i,
    cause: 'another git is running here, or one that died left its lock',
    fix: (failed, [, lock = '']) => failed.first(`rm ${quoted(lock)}`)
  }),
  rule({
    name: 'git: another owner',
    tools: GIT,
    says: /detected dubious ownership in repository at '([^']+)'/i,
    cause: 'the repository belongs to another user',
    certainty: 'named',
    fix: (failed, [, path = '']) =>
      failed.first(`git config --global --add safe.directory ${quoted(path)}`)
  }),
  rule({
    name: 'git: a hook refuses',
    tools: GIT,
    subs: ['commit', 'push', 'am', 'merge'],
    says: /hook (?:declined|failed|exited)|pre-(?:commit|push)|husky|lint-staged/i,
    silent: 'guess',
    when: (failed) => !failed.hasFlag('--no-verify'),
    certainty: 'likely',
    cause: 'a hook of the repository may have refused',
    fix: (failed) => failed.withFlag('--no-verify')
  }),
  rule({
    name: 'git: a bisection has not begun',
    tools: GIT,
    subs: ['bisect'],
    says: /you need to start by "git bisect start"/i,
    cause: 'the bisection has to be started first',
    certainty: 'named',
    fix: (failed) => failed.first('git bisect start')
  }),
  rule({
    name: 'git: help of an alias',
    tools: GIT,
    subs: ['help'],
    says: /'([^']+)' is aliased to '([^']+)'/i,
    certainty: 'named',
    cause: (_, [, alias = '', target = '']) => `${alias} is an alias of ${target}`,
    fix: (_, [, , target = '']) => `git help ${target.split(' ', 1)[0]}`
  })
]
