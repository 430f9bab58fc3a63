// Rules for git: branches, remotes, pushing and pulling. Facts of git's own messages and flags.

import { quoted, type Word } from './command-line.ts'
import type { Failed } from './failed.ts'
import { rule, type Rule } from './rule.ts'

const GIT = ['git']

function otherMain(failed: Failed, name: string): string | null {
  const other = { main: 'master', master: 'main' }[name]
  const word = failed.args.find(({ text }) => text === name)
  return other && word ? failed.replace(word, other) : null
}

export const GIT_BRANCHES: readonly Rule[] = [
  rule({
    name: 'git: no upstream',
    tools: GIT,
    subs: ['push'],
    says: /current branch (\S+) has no upstream branch/i,
    cause: (_, [, branch = '']) => `the branch ${branch} has no upstream yet`,
    fix: (failed, [, branch = '']) => failed.withFlag(`--set-upstream origin ${quoted(branch)}`)
  }),
  rule({
    name: 'git: the remote is ahead',
    tools: GIT,
    subs: ['push'],
    says: /(?:non-fast-forward|fetch first|updates were rejected|tip of your current branch is behind)/i,
    cause: 'the remote branch has commits that are not here',
    fix: ({ line }) => [
      `${line.replace(/\bpush\b/, 'pull')} && ${line}`,
      line.replace(/\bpush\b/, 'push --force-with-lease')
    ]
  }),
  rule({
    name: 'git: nothing to push',
    tools: GIT,
    subs: ['push'],
    says: /src refspec (\S+) does not match any/i,
    cause: (_, [, branch = '']) => `there is no branch ${branch} here, or it has no commit yet`,
    fix: (failed, [, branch = '']) => [
      otherMain(failed, branch),
      failed.first('git commit -m "Initial commit"')
    ]
  }),
  rule({
    name: 'git: no tracking',
    tools: GIT,
    subs: ['pull'],
    says: /no tracking information|--set-upstream-to=(?:\S+?)\/\S+ (\S+)/i,
    cause: 'the branch follows no branch of a remote',
    fix(failed) {
      const branch = /--set-upstream-to=\S+ (\S+)/.exec(failed.output)?.[1]
      if (branch === undefined) return null
      return failed.first(
        `git branch --set-upstream-to=${quoted(`origin/${branch}`)} ${quoted(branch)}`
      )
    }
  }),
  rule({
    name: 'git: how to join',
    tools: GIT,
    subs: ['pull'],
    says: /divergent branches|not possible to fast-forward/i,
    cause: 'both sides have commits of their own and git is not told how to join them',
    fix: (failed) => [failed.withFlag('--rebase'), failed.withFlag('--no-rebase')]
  }),
  rule({
    name: 'git: unrelated histories',
    tools: GIT,
    says: /refusing to merge unrelated histories/i,
    cause: 'the two histories have no commit in common',
    fix: (failed) => failed.append('--allow-unrelated-histories')
  }),
  rule({
    name: 'git: no such branch',
    tools: GIT,
    subs: ['checkout', 'switch'],
    says: /(?:pathspec '([^']+)' did not match|invalid reference: (\S+))/i,
    cause: (_, said) => `there is no branch ${said[1] ?? said[2] ?? ''}`,
    certainty: 'likely',
    fix(failed, said) {
      const name = said[1] ?? said[2] ?? ''
      const create = failed.sub === 'switch' ? '-c' : '-b'
      return [
        otherMain(failed, name),
        failed.hasFlag(create) ? null : failed.withFlag(create),
        failed.first(`git branch ${quoted(name)}`),
        failed.first('git fetch')
      ]
    }
  }),
  rule({
    name: 'git: main or master',
    tools: GIT,
    says: /(?:main|master)/,
    when: ({ output }) =>
      /(?:did not match|couldn't find remote ref|invalid|unknown revision|not a commit|not something)/i.test(
        output
      ),
    certainty: 'likely',
    cause: 'the branch has the other of the two usual names',
    fix: (failed) => [otherMain(failed, 'master'), otherMain(failed, 'main')]
  }),
  rule({
    name: 'git: the branch exists',
    tools: GIT,
    says: /branch named '([^']+)' already exists/i,
    cause: (_, [, name = '']) => `a branch ${name} exists`,
    fix(failed, [, name = '']) {
      const branch = quoted(name)
      const again = failed.line
      return failed.sub === 'checkout' || failed.sub === 'switch'
        ? [failed.become(`git ${failed.sub} ${branch}`), failed.first(`git branch -D ${branch}`)]
        : [
            `git checkout ${branch}`,
            `git branch -d ${branch} && ${again}`,
            `git branch -D ${branch} && ${again}`
          ]
    }
  }),
  rule({
    name: 'git: the branch is not merged',
    tools: GIT,
    subs: ['branch'],
    says: /(?:branch '[^']+' )?is not fully merged/i,
    certainty: 'clear',
    cause: 'the branch has commits that no other has',
    fix(failed) {
      const flag = failed.flags.find(({ text }) => text === '-d' || text === '--delete')
      return flag ? failed.replace(flag, '-D') : null
    }
  }),
  rule({
    name: 'git: the branch is checked out',
    tools: GIT,
    subs: ['branch'],
    says: /cannot delete (?:the )?branch '([^']+)'(?: which you are currently on| checked out| used by)/i,
    cause: 'the branch is the one that is checked out',
    fix: (failed, [, name = '']) => [
      failed.first(`git checkout ${name === 'master' ? 'main' : 'master'}`),
      failed.first('git checkout -')
    ]
  }),
  rule({
    name: 'git: branch has flags, not words',
    tools: GIT,
    subs: ['branch'],
    silent: 'likely',
    certainty: 'likely',
    when: ({ rest }) => ['list', 'delete', 'remove', 'rename'].includes(rest[0]?.text ?? ''),
    cause: 'git branch is told by flags what to do; a word is the name of a new branch',
    fix(failed) {
      const [word] = failed.rest
      const flag = { list: '--list', delete: '-d', remove: '-d', rename: '-m' }[word?.text ?? '']
      if (!word || flag === undefined) return null
      const fixed = failed.replace(word, flag)
      return failed.rest.length === 1 && flag === '--list'
        ? [`git branch --delete ${word.text} && git branch`, fixed]
        : fixed
    }
  }),
  rule({
    name: 'git: a digit for a letter',
    tools: GIT,
    subs: ['branch'],
    silent: 'likely',
    says: /./,
    when: ({ rest }) => /^0[a-zA-Z]$|^0$/.test(rest[0]?.text ?? ''),
    cause: 'a zero was typed for a hyphen',
    fix(failed) {
      const [word] = failed.rest
      return word ? failed.replace(word, `-${word.text.slice(1)}`) : null
    }
  }),
  rule({
    name: 'git: remote has other words',
    tools: GIT,
    subs: ['remote'],
    silent: 'likely',
    certainty: 'likely',
    when: ({ rest }) =>
      ['delete', 'del', 'list', 'ls', 'create', 'new'].includes(rest[0]?.text ?? ''),
    cause: (failed) => `git remote has no ${failed.rest[0]?.text}`,
    fix(failed) {
      const [word] = failed.rest
      const text = word?.text ?? ''
      if (!word) return null
      if (text === 'list' || text === 'ls') return failed.replace(word, '-v')
      return failed.replace(word, text.startsWith('del') ? 'remove' : 'add')
    }
  }),
  rule({
    name: 'git: the remote is not there yet',
    tools: GIT,
    subs: ['remote'],
    says: /no such remote/i,
    cause: 'there is no remote of this name',
    fix(failed) {
      const [verb] = failed.rest
      return verb?.text === 'set-url' ? failed.replace(verb, 'add') : null
    }
  }),
  rule({
    name: 'git: the remote is there already',
    tools: GIT,
    subs: ['remote'],
    says: /remote \S+ already exists/i,
    cause: 'there is a remote of this name',
    fix(failed) {
      const [verb] = failed.rest
      return verb?.text === 'add' ? failed.replace(verb, 'set-url') : null
    }
  }),
  rule({
    name: 'git: another name at the remote',
    tools: GIT,
    subs: ['push'],
    says: /upstream branch of your current branch does not match/i,
    cause: 'the branch and its upstream have different names',
    certainty: 'named',
    fix: (failed) =>
      [...failed.output.matchAll(/^\s+(git push [\w./-]+ [\w.:/-]+)\s*$/gm)].map((match) =>
        failed.become(match[1] as string)
      )
  }),
  rule({
    name: 'git: clone is written twice',
    tools: GIT,
    subs: ['clone'],
    silent: 'likely',
    when: ({ rest }) => rest[0]?.text === 'git' && rest[1]?.text === 'clone',
    says: /./,
    cause: 'git clone is written twice',
    fix: (failed) => failed.line.replace(/\bgit\s+clone\s+(?=git\s+clone\b)/, '')
  }),
  rule({
    name: 'git: a URL alone',
    silent: 'likely',
    says: /not found|no such file|is not recognized|permission denied/i,
    when: ({ program, args }) =>
      args.length === 0 &&
      /^(?:https?:\/\/|git@|ssh:\/\/|git:\/\/)\S+?(?:\.git|\/[\w.-]+\/[\w.-]+|:[\w.-]+\/[\w.-]+)\/?$/.test(
        program.text
      ),
    certainty: 'likely',
    cause: 'an address is no command; a repository is copied with git clone',
    fix: ({ line }) => `git clone ${line}`
  }),
  rule({
    name: 'git: the folder is there',
    tools: GIT,
    subs: ['clone'],
    says: /destination path '([^']+)' already exists and is not an empty/i,
    cause: 'a folder of the name of the repository is there already',
    fix: (_, [, path = '']) => [`cd ${quoted(path)} && git pull`]
  }),
  rule({
    name: 'git: no rights with this key',
    tools: GIT,
    says: /Permission denied \(publickey\)/i,
    cause: 'the server accepts none of the keys of this machine',
    certainty: 'guess',
    fix: (failed) => [failed.first('ssh-add'), 'ssh -T git@github.com']
  }),
  rule({
    name: 'git: pull is no clone',
    tools: GIT,
    subs: ['pull'],
    says: /not a git repository/i,
    when: ({ rest }) => /^(?:https?:|git@|ssh:)/.test(rest[0]?.text ?? ''),
    cause: 'there is no repository here to pull into',
    fix: (failed) => failed.replace(failed.operands[0] as Word, 'clone')
  })
]
