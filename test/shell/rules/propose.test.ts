import test from 'brittle'

import { RULES } from '../../../src/shell/rules/all.ts'
import { propose } from '../../../src/shell/rules/propose.ts'

const COMMANDS = new Set(
  (
    'apt-get awk cat cd cargo chmod cp docker gcc git go grep kubectl ls make man mkdir node npm pip ' +
    'pip3 python3 ' +
    'rm rsync sed ssh sudo systemctl tar touch unzip wget which xdg-open yarn'
  ).split(' ')
)

const FILES: Record<string, string[]> = {
  '.': ['README.md', 'notes.txt', 'build/', 'deploy'],
  'build/': ['output.log', 'index.html']
}

const MACHINE = { commands: COMMANDS, entries: (folder: string) => FILES[folder] ?? [] }

const commandsFor = (command: string, output: string | null = null, status = 1): string[] =>
  propose({ command, output, status }, MACHINE).map((one) => one.command)

/** Command, what the terminal said, the fix that comes first. */
const WITH_OUTPUT: [string, string, string][] = [
  [
    'git chekcout dev',
    "git: 'chekcout' is not a git command. See 'git --help'.\n\nThe most similar command is\n\tcheckout\n",
    'git checkout dev'
  ],
  [
    'git push',
    'fatal: The current branch topic-7 has no upstream branch.\nTo set the remote as upstream, use\n\n' +
      '    git push --set-upstream origin topic-7\n',
    'git push --set-upstream origin topic-7'
  ],
  [
    'git branch -d old',
    "error: The branch 'old' is not fully merged.\nIf you are sure, run 'git branch -D old'.",
    'git branch -D old'
  ],
  [
    'git remote add up git@x.org:a/b.git',
    'error: remote up already exists.',
    'git remote set-url up git@x.org:a/b.git'
  ],
  [
    'git add logs/today',
    'The following paths are ignored by one of your .gitignore files:\nlogs',
    'git add --force logs/today'
  ],
  ['git rm -q docs', "fatal: not removing 'docs' recursively without -r", 'git rm -r -q docs'],
  [
    'git rebase main',
    'fatal: It seems that there is already a rebase-merge directory',
    'git rebase --continue'
  ],
  ['cargo biuld', 'error: no such command: `biuld`\n\n\tDid you mean `build`?', 'cargo build'],
  [
    'kubectl gte pods',
    'error: unknown command "gte" for "kubectl"\n\nDid you mean this?\n\tget\n\tset\n',
    'kubectl get pods'
  ],
  [
    'docker contianer ls',
    "docker: 'contianer' is not a docker command.\nSee 'docker --help'",
    'docker container ls'
  ],
  [
    'pip3 install requests2 --usr',
    'no such option: --usr\n(did you mean --user?)',
    'pip3 install requests2 --user'
  ],
  [
    'cp -v photos /mnt/x',
    "cp: -r not specified; omitting directory 'photos'",
    'cp -a -v photos /mnt/x'
  ],
  ['rm build', "rm: cannot remove 'build': Is a directory", 'rm -rf build'],
  [
    'mkdir srv/www/site',
    "mkdir: cannot create directory 'srv/www/site': No such file or directory",
    'mkdir -p srv/www/site'
  ],
  [
    'touch conf/a.ini',
    "touch: cannot touch 'conf/a.ini': No such file or directory",
    'mkdir -p conf && touch conf/a.ini'
  ],
  ['cat build', 'cat: build: Is a directory', 'ls build'],
  ['cat notse.txt', 'cat: notse.txt: No such file or directory', 'cat notes.txt'],
  ['./deploy now', 'bash: ./deploy: Permission denied', 'chmod +x deploy && ./deploy now'],
  [
    'systemctl restart sshd',
    'Failed to restart sshd.service: Access denied',
    'sudo systemctl restart sshd'
  ],
  [
    'sed -e s/foo/bar notes.txt',
    "sed: -e expression #1, char 9: unterminated `s' command",
    'sed -e s/foo/bar/ notes.txt'
  ],
  [
    'python3 app.py',
    "Traceback (most recent call last):\nModuleNotFoundError: No module named 'flask.views'",
    'python3 -m pip install flask && python3 app.py'
  ],
  [
    'node server.js',
    "Error: Cannot find module 'express'\nRequire stack:",
    'npm install express && node server.js'
  ],
  ['gcc sim.c', "sim.c:(.text+0x1f): undefined reference to `sqrt'", 'gcc sim.c -lm'],
  [
    'ssh ann@db.example.org',
    'Host key verification failed.',
    'ssh-keygen -R db.example.org && ssh ann@db.example.org'
  ],
  [
    'ssh -i k.pem h',
    "Permissions 0644 for 'k.pem' are too open.",
    'chmod 600 k.pem && ssh -i k.pem h'
  ],
  [
    'npm dev',
    'Unknown command: "dev"\n\nTo see a list of supported npm commands, run:\n  npm help',
    'npm run dev'
  ],
  ['apt-get uninstall htop', 'E: Invalid operation uninstall', 'apt-get remove htop'],
  [
    'pip install black',
    'error: externally-managed-environment',
    'python3 -m venv .venv && .venv/bin/pip install black'
  ],
  ['tar -xzf a.tar.xz', 'gzip: stdin: not in gzip format', 'tar -xf a.tar.xz'],
  ['wegt http://x.org/f', 'zsh: command not found: wegt', 'wget http://x.org/f'],
  ['rsync2 -a b c', 'bash: rsync2: command not found', 'rsync -a b c']
]

test('rules - the output leads to the fix', (t) => {
  for (const [command, output, fix] of WITH_OUTPUT) t.is(commandsFor(command, output)[0], fix)
})

/** Command alone, and the fix that comes first. */
const ALONE: [string, string][] = [
  ['sytemctl status', 'systemctl status'],
  ['gti log --oneline', 'git log --oneline'],
  ['dokcer ps', 'docker ps'],
  ['git comit --amend', 'git commit --amend'],
  ['npm isntall left-pad', 'npm install left-pad'],
  ['gitstatus', 'git status'],
  ['$ make all', 'make all'],
  ['cd bulid', 'cd build'],
  ['cd /srv/new', 'mkdir -p /srv/new && cd /srv/new'],
  ['mkdir a/b', 'mkdir -p a/b'],
  ["awk '{print $1} notes.txt", "awk '{print $1} notes.txt'"],
  ['systemctl cron restart', 'systemctl restart cron'],
  ['cd..', 'cd ..'],
  ['deploy --fast', './deploy --fast'],
  ['MAKE test', 'make test'],
  ['man 2 printf', 'man 3 printf'],
  ['git clone git clone https://x.org/a.git', 'git clone https://x.org/a.git'],
  ['https://x.org/team/app.git', 'git clone https://x.org/team/app.git'],
  ['sudo yay -S foo', 'yay -S foo']
]

test('rules - a command that is wrong by itself needs no output', (t) => {
  for (const [command, fix] of ALONE) t.is(commandsFor(command)[0], fix)
})

test('rules - the wrong part of a longer line is mended and the rest stays', (t) => {
  t.is(
    commandsFor('cat a.txt | grpe -n x', 'bash: grpe: command not found')[0],
    'cat a.txt | grep -n x'
  )
  t.is(
    commandsFor('sudo systemclt  stop nginx', 'sudo: systemclt: command not found')[0],
    'sudo systemctl  stop nginx'
  )
  t.is(
    commandsFor(
      'LANG=C mkdir a/b && cd a/b',
      "mkdir: cannot create directory 'a/b': No such file or directory"
    )[0],
    'LANG=C mkdir -p a/b && cd a/b'
  )
})

test('rules - rights for a redirection go to the shell that redirects', (t) => {
  const fixes = commandsFor('echo "1" > /proc/sys/x', 'bash: /proc/sys/x: Permission denied')
  t.is(fixes[0], 'sudo sh -c "echo \\"1\\" > /proc/sys/x"')
})

test('rules - a program that is not there is installed by the manager of this machine', (t) => {
  const output = 'bash: htop: command not found'
  t.ok(commandsFor('htop -d 5', output).includes('sudo apt-get install htop && htop -d 5'))
  const arch = { ...MACHINE, commands: new Set(['pacman']) }
  const proposals = propose({ command: 'htop', output, status: 127 }, arch)
  t.ok(proposals.some(({ command }) => command === 'sudo pacman -S htop && htop'))
})

test('rules - nothing is proposed for a failure that no rule knows', (t) => {
  t.alike(commandsFor('make test', 'FAIL 3 of 200 tests'), [])
  t.alike(commandsFor('make test'), [])
})

test('rules - the failed command is never proposed, nor anything twice', (t) => {
  for (const [command, output] of WITH_OUTPUT) {
    const fixes = commandsFor(command, output)
    t.is(new Set(fixes).size, fixes.length)
    t.absent(fixes.includes(command))
  }
})

test('rules - a text that quotes a command with operators is not repeated', (t) => {
  const output =
    'error: use "git push; rm -rf ~" instead\n    git push origin x && rm -rf ~\n    git push `id`\n'
  t.absent(
    commandsFor('git push', output).some((fix) => fix.includes('rm -rf') || fix.includes('`'))
  )
})

test('rules - names that an output gives are quoted', (t) => {
  const output = 'fatal: The current branch a;reboot has no upstream branch.'
  const fixes = commandsFor('git push', output)
  t.is(fixes[0], "git push --set-upstream origin 'a;reboot'")
})

test('rules - each has a name and a cause of its own', (t) => {
  t.ok(RULES.length > 120)
  t.is(new Set(RULES.map(({ name }) => name)).size, RULES.length)
})

test('rules - a hostile output takes bounded time', (t) => {
  const pieces = [
    'did you mean ',
    '"a',
    'is one of ',
    'a|',
    '  x\n',
    "'",
    'commands:\n  ',
    'a, ',
    '[a|',
    'use `git a'
  ]
  for (const piece of pieces) {
    const output = piece.repeat(Math.ceil(2 ** 20 / piece.length))
    const start = process.cpuUsage().user
    commandsFor('git psuh origin', output)
    const cpuMs = (process.cpuUsage().user - start) / 1000
    t.ok(cpuMs < 1500, `${JSON.stringify(piece)}: ${cpuMs} ms`)
  }
})

test('rules - a long line and a full folder take bounded time', (t) => {
  const names = Array.from({ length: 8192 }, (_, i) => `file-number-${i}.txt`)
  const machine = { commands: new Set(names), entries: () => names }
  const command = `lss ${'file-nubmer-x.txt '.repeat(200)}`
  const output = `No such file or directory, is one of: ${names.join(', ')}`
  const start = process.cpuUsage().user
  propose({ command, output, status: 1 }, machine)
  const cpuMs = (process.cpuUsage().user - start) / 1000
  t.ok(cpuMs < 3000, `${cpuMs} ms`)
})

test('rules - a line that is a program is left alone', (t) => {
  t.alike(commandsFor(`cd ${'a/'.repeat(4000)}`), [])
})
