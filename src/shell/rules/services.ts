// Rules for services, containers, machines and the network. Facts of their tools' messages and flags.

import { quoted, type Word } from './command-line.ts'
import { rule, type Rule } from './rule.ts'
import { mostSimilar } from './similar.ts'
import { commandRules } from './subcommands.ts'

export const SERVICES: readonly Rule[] = [
  rule({
    name: 'systemctl: the verb comes first',
    tools: ['systemctl'],
    says: /unknown (?:operation|command verb)/i,
    silent: 'likely',
    when: ({ operands, sub }) =>
      operands.length === 2 &&
      !commandRules('systemctl').subcommands.includes(sub) &&
      commandRules('systemctl').subcommands.includes(operands[1]?.text ?? ''),
    cause: 'the operation comes first, then the name of the service',
    fix(failed) {
      const [unit, verb] = failed.operands as [Word, Word]
      return failed.replaceAll([
        [unit, failed.raw(verb)],
        [verb, failed.raw(unit)]
      ])
    }
  }),
  rule({
    name: 'service: systemctl has it otherwise round',
    tools: ['service'],
    says: /unrecognized service|not found/i,
    when: ({ operands }) => operands.length === 2,
    certainty: 'guess',
    cause: 'no service of this name is known to service',
    fix(failed) {
      const [unit, verb] = failed.operands as [Word, Word]
      return failed.become(`systemctl ${verb.text} ${quoted(unit.text)}`)
    }
  }),
  rule({
    name: 'docker: the daemon is not there',
    tools: ['docker', 'docker-compose'],
    says: /cannot connect to the docker daemon|is the docker daemon running/i,
    cause: 'the service of docker does not run',
    certainty: 'likely',
    fix: (failed) => failed.first('sudo systemctl start docker')
  }),
  rule({
    name: 'docker: nobody is logged in',
    tools: ['docker'],
    says: /access denied|may require 'docker login'|unauthorized|denied: requested access/i,
    subs: ['push', 'pull', 'run'],
    cause: 'the registry wants to know who asks',
    fix: (failed) => failed.first('docker login')
  }),
  rule({
    name: 'docker: a container uses the image',
    tools: ['docker'],
    says: /image is being used by (?:running|stopped) container ([0-9a-f]{6,64})/i,
    cause: (_, [, id = '']) => `the container ${id} uses the image`,
    fix: (failed, [, id = '']) => failed.first(`docker container rm -f ${id}`)
  }),
  rule({
    name: 'docker: the container runs',
    tools: ['docker'],
    subs: ['rm'],
    says: /(?:cannot remove a running container|container is running)/i,
    cause: 'the container is running',
    fix: (failed) => [
      failed.first(`docker stop ${failed.rest.map((word) => failed.raw(word)).join(' ')}`),
      failed.withFlag('-f')
    ]
  }),
  rule({
    name: 'docker: the name is taken',
    tools: ['docker'],
    says: /container name "\/?([^"]+)" is already in use/i,
    cause: (_, [, name = '']) => `a container is named ${name} already`,
    fix: (failed, [, name = '']) => failed.first(`docker rm ${quoted(name)}`)
  }),
  rule({
    name: 'docker: a subcommand of a group',
    tools: ['docker', 'podman'],
    says: /^\s*Usage:\s+\S+ (\S+) COMMAND/im,
    when: ({ rest }) => rest.length > 0,
    cause: (failed) => `docker ${failed.sub} has no ${failed.rest[0]?.text}`,
    fix(failed) {
      const [word] = failed.rest
      const names = [...failed.output.matchAll(/^ {2}([a-z][\w-]*)\*? {2,}/gm)].map(
        (match) => match[1] as string
      )
      return word
        ? mostSimilar(word.text, names, 0.4).map((name) => failed.replace(word, name))
        : null
    }
  }),
  rule({
    name: 'ssh: the key of the host has changed',
    tools: ['ssh', 'scp', 'rsync', 'sftp', 'git'],
    says: /host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/i,
    cause: 'the host shows another key than before: reinstalled, or somebody else answers',
    certainty: 'likely',
    fix(failed) {
      const said = /ssh-keygen -f "([^"]+)" -R "?\[?([\w.:-]+)\]?/.exec(failed.output)
      if (said) return failed.first(`ssh-keygen -f "${said[1]}" -R ${said[2]}`)
      const target = failed.operands.map(
        ({ text }) => /^(?:\w+@)?([\w-]+(?:\.[\w-]+)+)(?::.*)?$/.exec(text)?.[1]
      )
      const host = target.find((one) => one !== undefined)
      return host === undefined ? null : failed.first(`ssh-keygen -R ${host}`)
    }
  }),
  rule({
    name: 'ssh: others can read the key',
    tools: ['ssh', 'scp', 'rsync', 'sftp'],
    says: /permissions \d+ for '([^']+)' are too open/i,
    cause: 'others can read the private key',
    fix: (failed, [, path = '']) => failed.first(`chmod 600 ${quoted(path)}`)
  }),
  rule({
    name: 'vagrant: the machine is off',
    tools: ['vagrant'],
    says: /run [`'"]vagrant up|must be running|not running|VM must be (?:created|running)/i,
    cause: 'the machine has not been started',
    certainty: 'clear',
    fix(failed) {
      const [name] = failed.rest
      const own = name ? [failed.first(`vagrant up ${failed.raw(name)}`)] : []
      return [...own, failed.first('vagrant up')]
    }
  }),
  rule({
    name: 'whois: a host, not an address',
    tools: ['whois'],
    silent: 'likely',
    says: /no match|no whois server|not found|invalid|unable/i,
    when: ({ operands }) => /:\/\/|\//.test(operands[0]?.text ?? ''),
    cause: 'whois takes the name of a host, without scheme and path',
    fix(failed) {
      const [word] = failed.operands
      return word
        ? failed.replace(word, word.text.replace(/^\w+:\/\//, '').replace(/\/.*$/, ''))
        : null
    }
  }),
  rule({
    name: 'whois: the domain above',
    tools: ['whois'],
    silent: 'likely',
    says: /no match|not found|no entries|no data/i,
    when: ({ operands }) => /^[\w-]+(?:\.[\w-]+){2,}$/.test(operands[0]?.text ?? ''),
    cause: 'names below a registered domain have no entry of their own',
    fix(failed) {
      const [word] = failed.operands
      const parts = word?.text.split('.') ?? []
      return parts
        .slice(1, -1)
        .map((_, index) => failed.replace(word as Word, parts.slice(index + 1).join('.')))
    }
  }),
  rule({
    name: 'network: an address where a name belongs',
    tools: ['ping', 'ping6', 'traceroute', 'host', 'dig', 'nslookup', 'ssh', 'telnet'],
    says: /unknown host|name or service not known|not known|could not resolve|cannot resolve/i,
    silent: 'guess',
    when: ({ operands }) => operands.some(({ text }) => /^\w+:\/\//.test(text)),
    cause: 'the tool takes the name of a host, without scheme and path',
    fix(failed) {
      const word = failed.operands.find(({ text }) => /^\w+:\/\//.test(text))
      return word
        ? failed.replace(word, word.text.replace(/^\w+:\/\//, '').replace(/[/:].*$/, ''))
        : null
    }
  }),
  rule({
    name: 'network: no such interface',
    tools: ['ifconfig', 'iwconfig', 'ip', 'ethtool'],
    says: /error fetching interface|device not found|does not exist|no such device/i,
    cause: 'there is no interface of this name',
    certainty: 'guess',
    fix: () => 'ip link'
  }),
  rule({
    name: 'curl: a certificate that nobody vouches for',
    tools: ['curl'],
    says: /certificate (?:problem|verify failed)|self[- ]signed/i,
    cause: 'nobody that this machine trusts vouches for the certificate of the server',
    certainty: 'guess',
    fix: (failed) => failed.withFlag('--insecure')
  }),
  rule({
    name: 'kubectl: nothing answers',
    tools: ['kubectl', 'helm'],
    says: /connection to the server \S+ was refused|current-context is not set/i,
    certainty: 'guess',
    cause: 'no cluster answers where kubectl looks for one',
    fix: () => ['kubectl config get-contexts', 'minikube start']
  }),
  rule({
    name: 'aws: no region or key',
    tools: ['aws'],
    says: /unable to locate credentials|must specify a region/i,
    certainty: 'named',
    cause: 'aws has neither keys nor a region',
    fix: (failed) => failed.first('aws configure')
  }),
  rule({
    name: 'heroku: which application',
    tools: ['heroku'],
    says: /multiple apps in git remotes|--app \S+/i,
    certainty: 'named',
    cause: 'several applications belong to this folder',
    fix: (failed) =>
      [...failed.output.matchAll(/^\s+([\w-]+) \(heroku|--app (\w[\w-]*)/gm)].map((match) =>
        failed.append(`--app ${match[1] ?? match[2]}`)
      )
  }),
  rule({
    name: 'tmux: the command is ambiguous',
    tools: ['tmux'],
    says: /ambiguous command: \S+, could be: ([^\n]+)/i,
    certainty: 'named',
    cause: 'several commands of tmux begin so',
    fix: (failed, [, names = '']) => {
      const [word] = failed.operands
      const known = names.split(/,\s*/).map((name) => name.trim())
      return word
        ? mostSimilar(word.text, known, 0).map((name) => failed.replace(word, name))
        : null
    }
  })
]
