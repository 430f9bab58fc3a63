// Rules for packages: installing what is missing, and the slips of the package managers themselves.
// Which package brings a program is known for the few that are named otherwise.

import { quoted, type Word } from './command-line.ts'
import type { Failed } from './failed.ts'
import { isUnknownProgram } from './generic.ts'
import { rule, type Rule } from './rule.ts'
import { mostSimilar } from './similar.ts'

/** How a system installs a package, by the program that does; the first that is there is asked. */
const MANAGERS: readonly (readonly [string, string])[] = [
  ['apt-get', 'sudo apt-get install'],
  ['dnf', 'sudo dnf install'],
  ['yum', 'sudo yum install'],
  ['pacman', 'sudo pacman -S'],
  ['zypper', 'sudo zypper install'],
  ['apk', 'sudo apk add'],
  ['brew', 'brew install']
]

/** Programs whose package has another name (Debian's names; the other systems' are mostly the same). */
const PACKAGES: Record<string, string> = {
  convert: 'imagemagick',
  identify: 'imagemagick',
  ifconfig: 'net-tools',
  netstat: 'net-tools',
  route: 'net-tools',
  dig: 'dnsutils',
  nslookup: 'dnsutils',
  ag: 'silversearcher-ag',
  rg: 'ripgrep',
  fd: 'fd-find',
  pip: 'python3-pip',
  pip3: 'python3-pip',
  python: 'python3',
  node: 'nodejs',
  java: 'default-jre',
  javac: 'default-jdk',
  'g++': 'g++',
  make: 'make',
  killall: 'psmisc',
  fuser: 'psmisc',
  ps: 'procps',
  docker: 'docker.io',
  nvim: 'neovim',
  http: 'httpie',
  mkpasswd: 'whois',
  ssh: 'openssh-client',
  lsb_release: 'lsb-release',
  ping: 'iputils-ping',
  telnet: 'telnet',
  nc: 'netcat-openbsd',
  '7z': 'p7zip-full'
}

/** Likeness of names that a slip of the keyboard explains. */
const SLIP_MIN = 0.7

function install(failed: Failed): string | null {
  const { tool, machine } = failed
  const manager = MANAGERS.find(([name]) => machine.commands.has(name))
  if (!manager || !/^[\w.+-]+$/.test(tool)) return null
  return failed.first(`${manager[1]} ${PACKAGES[tool] ?? tool}`)
}

const missingWord = (failed: Failed): Word | undefined => failed.rest[0] ?? failed.operands[0]

export const PACKAGES_RULES: readonly Rule[] = [
  rule({
    name: 'packages: the program is not installed',
    when: (failed) => isUnknownProgram(failed) && failed.tool.length > 1,
    silent: 'guess',
    // A slip in the name of a program that is here is likelier than one that never was.
    certainty: ({ tool, machine }) =>
      mostSimilar(tool, machine.commands, SLIP_MIN).length > 0 ? 'guess' : 'likely',
    cause: (failed) => `the program ${failed.tool} is not installed`,
    fix: install
  }),
  rule({
    name: 'apt: the list of packages is old',
    tools: ['apt', 'apt-get', 'aptitude'],
    subs: ['install'],
    says: /unable to (?:locate|find) package|has no installation candidate|404 +not found/i,
    cause: 'no list of packages that is here has this one',
    certainty: 'likely',
    fix: (failed) => [
      failed.first(`${failed.hasSudo ? 'sudo ' : ''}${failed.tool} update`),
      failed.becomeWhole(`apt search ${missingWord(failed)?.text ?? ''}`)
    ]
  }),
  rule({
    name: 'apt: another tool of apt does it',
    tools: ['apt-get', 'apt-cache'],
    silent: 'likely',
    subs: ['search', 'show', 'list', 'policy', 'install', 'update', 'upgrade', 'remove'],
    says: /invalid operation/i,
    when: ({ tool, sub }) =>
      (tool === 'apt-get') === ['search', 'show', 'list', 'policy'].includes(sub),
    cause: ({ tool, sub }) => `${tool} has no ${sub}`,
    fix: (failed) => [
      failed.replace(failed.program, failed.tool === 'apt-get' ? 'apt-cache' : 'apt-get'),
      failed.replace(failed.program, 'apt')
    ]
  }),
  rule({
    name: 'apt: uninstall is remove',
    tools: ['apt', 'apt-get', 'dnf', 'yum', 'zypper', 'snap', 'apk', 'pkg', 'conda'],
    subs: ['uninstall', 'delete', 'rm', 'del'],
    silent: 'likely',
    says: /./,
    certainty: 'clear',
    cause: ({ tool, sub }) => `${tool} has no ${sub}; it is called remove`,
    fix: (failed) => failed.replace(failed.operands[0] as Word, 'remove')
  }),
  rule({
    name: 'apt: a lock is held',
    tools: ['apt', 'apt-get', 'dpkg', 'aptitude'],
    says: /could not get lock|unable to acquire the dpkg|is another process using it/i,
    when: ({ hasSudo }) => hasSudo,
    cause: 'another package manager is at work',
    certainty: 'guess',
    fix: () => 'sudo fuser -v /var/lib/dpkg/lock-frontend'
  }),
  rule({
    name: 'apt: interrupted',
    tools: ['apt', 'apt-get', 'dpkg'],
    says: /dpkg was interrupted/i,
    cause: 'an installation was interrupted',
    certainty: 'named',
    fix: (failed) => failed.first('sudo dpkg --configure -a')
  }),
  rule({
    name: 'apt: packages can be upgraded',
    tools: ['apt'],
    says: /\[upgradable from|can be upgraded|apt list --upgradable/i,
    subs: ['list', 'update'],
    certainty: 'clear',
    cause: 'packages can be upgraded',
    fix: ({ hasSudo, sub }) =>
      `${hasSudo ? 'sudo ' : ''}apt ${sub === 'update' ? 'list --upgradable' : 'upgrade'}`
  }),
  rule({
    name: 'pacman: no such package',
    tools: ['pacman', 'yay', 'paru', 'pikaur', 'yaourt'],
    says: /target not found: (\S+)/i,
    cause: (_, [, name = '']) => `there is no package ${name}`,
    certainty: 'guess',
    fix: (failed, [, name = '']) => [
      `${failed.tool} -Ss ${quoted(name)}`,
      `${failed.tool} -Sy ${quoted(name)}`
    ]
  }),
  rule({
    name: 'pacman: flags are capital letters',
    tools: ['pacman', 'yay', 'paru', 'pikaur'],
    silent: 'guess',
    says: /invalid option|only one operation|no operation specified/i,
    when: ({ args }) => /^-[surqfdvt]/.test(args[0]?.text ?? ''),
    cause: 'the operations of pacman are capital letters',
    fix(failed) {
      const [word] = failed.args
      return word
        ? failed.replace(word, `-${word.text.slice(1, 2).toUpperCase()}${word.text.slice(2)}`)
        : null
    }
  }),
  rule({
    name: 'pip: the system manages its own packages',
    tools: ['pip', 'pip3'],
    subs: ['install'],
    says: /externally-managed-environment/i,
    cause: 'this Python belongs to the system; packages go into an environment of their own',
    fix: (failed) => [
      `python3 -m venv .venv && .venv/bin/pip ${failed.args.map((word) => failed.raw(word)).join(' ')}`,
      failed.append('--break-system-packages')
    ]
  }),
  rule({
    name: 'pip: no rights for the system',
    tools: ['pip', 'pip2', 'pip3', 'pip2.7', 'pip3.11'],
    subs: ['install'],
    says: /permission denied|EnvironmentError|could not install packages/i,
    when: (failed) => !failed.hasFlag('--user') && !failed.hasSudo,
    cause: 'the folder of packages of the system cannot be written',
    fix: (failed) => [failed.withFlag('--user'), `sudo ${failed.line}`]
  }),
  rule({
    name: 'pip: a file of requirements',
    tools: ['pip', 'pip3'],
    subs: ['install'],
    says: /hint:.*-r|no matching distribution/i,
    when: ({ rest }) => rest[0]?.text.endsWith('.txt') ?? false,
    cause: 'a file of requirements is given with -r',
    fix: (failed) => failed.withFlag('-r')
  }),
  rule({
    name: 'npm: run a script',
    tools: ['npm', 'pnpm'],
    says: /^\s*npm run(?:-script)?\b|unknown command|where <command> is one of|missing script/im,
    certainty: 'likely',
    when: (failed) => {
      const scripts = [
        'build',
        'dev',
        'lint',
        'serve',
        'watch',
        'format',
        'develop',
        'deploy',
        'coverage',
        'e2e'
      ]
      return failed.sub !== 'run' && scripts.includes(failed.sub.split(':', 1)[0] as string)
    },
    cause: (failed) => `${failed.sub} is a script of the project, not a command of ${failed.tool}`,
    fix: (failed) => failed.replace(failed.operands[0] as Word, `run ${failed.sub}`)
  }),
  rule({
    name: 'npm: a program is missing',
    tools: ['npm', 'yarn', 'pnpm'],
    says: /sh: (?:\d+: )?\S+: not found|cannot find module|node_modules missing/i,
    certainty: 'likely',
    cause: 'the packages of the project are not installed',
    fix: (failed) => failed.first(`${failed.tool} install`)
  }),
  rule({
    name: 'npm: versions do not fit',
    tools: ['npm'],
    says: /ERESOLVE/,
    cause: 'packages ask for versions of others that do not fit together',
    fix: (failed) => failed.append('--legacy-peer-deps')
  }),
  rule({
    name: 'npm: nothing describes the project',
    tools: ['npm', 'yarn', 'pnpm'],
    says: /ENOENT[^\n]*package\.json|no package\.json|couldn't find a package\.json/i,
    cause: 'there is no package.json here',
    certainty: 'likely',
    fix: (failed) => failed.first(`${failed.tool} init -y`)
  }),
  rule({
    name: 'yarn: install takes no names',
    tools: ['yarn'],
    subs: ['install'],
    says: /[`'"]install[`'"] has been replaced with [`'"]add/i,
    cause: 'yarn install takes no names; packages are added with yarn add',
    certainty: 'named',
    fix: (failed) => failed.replace(failed.operands[0] as Word, 'add')
  }),
  rule({
    name: 'brew: installed already',
    tools: ['brew'],
    subs: ['install'],
    says: /already installed/i,
    cause: 'the formula is installed already',
    fix: (failed) =>
      ['reinstall', 'upgrade'].map((word) => failed.replace(failed.operands[0] as Word, word))
  }),
  rule({
    name: 'brew: nothing is linked',
    tools: ['brew'],
    subs: ['link', 'ln'],
    says: /already linked|would overwrite|--overwrite/i,
    cause: 'files of the same name are in the way',
    certainty: 'clear',
    fix: (failed) => failed.withFlag('--overwrite --dry-run')
  }),
  rule({
    name: 'brew: several versions',
    tools: ['brew'],
    subs: ['uninstall', 'remove', 'rm'],
    says: /--force/,
    cause: 'several versions are installed',
    certainty: 'named',
    fix: (failed) => failed.withFlag('--force')
  }),
  rule({
    name: 'brew: a cask',
    tools: ['brew'],
    subs: ['install'],
    says: /--cask|is a cask|homebrew\/cask/i,
    cause: 'it is a cask, not a formula',
    certainty: 'clear',
    fix: (failed) => failed.withFlag('--cask')
  }),
  rule({
    name: 'brew: update takes no formula',
    tools: ['brew'],
    subs: ['update'],
    says: /takes no formula|does not take|this command updates brew itself|upgrade/i,
    silent: 'likely',
    when: ({ rest }) => rest.length > 0,
    cause: 'brew update fetches brew itself; formulae are upgraded',
    fix: (failed) => failed.replace(failed.operands[0] as Word, 'upgrade')
  }),
  rule({
    name: 'gem: no rights for the system',
    tools: ['gem'],
    says: /Gem::FilePermissionError|don't have write permissions/i,
    cause: 'the folder of gems of the system cannot be written',
    fix: (failed) => [`sudo ${failed.line}`, failed.withFlag('--user-install')]
  }),
  rule({
    name: 'cargo: nothing is said to do',
    tools: ['cargo'],
    silent: 'likely',
    says: /usage:/i,
    when: ({ args }) => args.length === 0,
    cause: 'cargo is not told what to do',
    fix: (failed) => failed.append('build')
  }),
  rule({
    name: 'choco: no such package',
    tools: ['choco', 'cinst'],
    says: /not found with the source|unable to find package/i,
    certainty: 'guess',
    cause: 'there is no package of this name',
    fix(failed) {
      const name = failed.operands.at(-1)
      return name ? failed.replace(name, `${name.text}.install`) : null
    }
  })
]
