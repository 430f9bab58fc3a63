// The table as completion scripts. Each script holds the table itself, so that pressing Tab starts no
// process. Words come from our own table only, never from a peer.

import type { Positional } from './command-spec.ts'
import { COMMAND_NAMES, commandSpec, SHELLS, type CommandName } from './commands.ts'
import { flagSpec, type FlagName } from './flags.ts'

export type Shell = (typeof SHELLS)[number]

export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash()
    case 'zsh':
      return zsh()
    case 'fish':
      return fish()
  }
}

function bash(): string {
  const flagCases = COMMAND_NAMES.map(
    (name) => `    ${name}) words='${flagWords(name).join(' ')}' ;;`
  )
  const values = choiceFlags().map(
    ([flag, choices]) =>
      `    --${flag}) COMPREPLY=($(compgen -W '${choices}' -- "$word")); return ;;`
  )
  return `# bash completion for swarm; source this file.
_swarm() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=''
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${COMMAND_NAMES.join(' ')}' -- "$word"))
    return
  fi
  case $before in
${values.join('\n')}
    ${pathFlags().join(' | ')}) compopt -o default; return ;;
  esac
  case \${COMP_WORDS[1]} in
${flagCases.join('\n')}
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${positionalCases().join('\n')}
  esac
}
complete -F _swarm swarm
`
}

function zsh(): string {
  const commands = COMMAND_NAMES.map(
    (name) => `    '${name}:${quoteZsh(commandSpec(name).summary)}'`
  )
  const cases = COMMAND_NAMES.map((name) => {
    const specs = commandSpec(name).flags.flatMap(zshFlag)
    return `    ${name}) _arguments ${[...specs, ...zshPositionals(name)].join(' ')} ;;`
  })
  return `#compdef swarm
# zsh completion for swarm; save it as _swarm in a folder of $fpath.
_swarm() {
  local -a commands=(
${commands.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
_swarm "$@"
`
}

function fish(): string {
  const lines = COMMAND_NAMES.flatMap((name) => {
    const spec = commandSpec(name)
    const own = `complete -c swarm -n '__fish_seen_subcommand_from ${name}'`
    const offers = spec.positionals.map((one) => {
      if (one.offers === 'files') return `${own} -F`
      const words = offered(one.offers)
      return words.length > 0 ? `${own} -a '${words.join(' ')}'` : ''
    })
    return [
      `complete -c swarm -n __fish_use_subcommand -a ${name} -d '${quoteFish(spec.summary)}'`,
      ...spec.flags.map((flag) => `${own} ${fishFlag(flag)}`),
      ...offers.filter(Boolean)
    ]
  })
  return `# fish completion for swarm; save it as swarm.fish in fish's completions folder.
complete -c swarm -f
${lines.join('\n')}
`
}

function flagWords(name: CommandName): string[] {
  return commandSpec(name).flags.map((flag) => `--${flag}`)
}

function choiceFlags(): [FlagName, string][] {
  return allFlags().flatMap((name): [FlagName, string][] => {
    const flag = flagSpec(name)
    return flag.kind === 'choice' ? [[name, flag.choices.join(' ')]] : []
  })
}

function pathFlags(): string[] {
  return allFlags()
    .filter((name) => flagSpec(name).kind === 'path')
    .map((name) => `--${name}`)
}

function allFlags(): FlagName[] {
  return [...new Set(COMMAND_NAMES.flatMap((name) => commandSpec(name).flags))]
}

function positionalCases(): string[] {
  return COMMAND_NAMES.flatMap((name) =>
    commandSpec(name).positionals.map(({ offers }) => {
      if (offers === 'files') return `    ${name}) compopt -o default ;;`
      return `    ${name}) COMPREPLY=($(compgen -W '${offered(offers).join(' ')}' -- "$word")) ;;`
    })
  )
}

/** Words that stand in a positional's place; none where files or nothing do. */
function offered(offers: Positional['offers']): readonly string[] {
  if (offers === 'shells') return SHELLS
  if (offers === 'commands') return COMMAND_NAMES
  return typeof offers === 'string' ? [] : offers
}

function zshFlag(name: FlagName): string[] {
  const flag = flagSpec(name)
  const help = `[${quoteZsh(flag.help)}]`
  const action =
    flag.kind === 'path' ? '_files' : flag.kind === 'choice' ? `(${flag.choices.join(' ')})` : ' '
  const value =
    flag.kind === 'switch' ? '' : `:${flag.placeholder.replaceAll(':', '\\:')}:${action}`
  const star = flag.many ? '*' : ''
  const names = flag.short === undefined ? [`--${name}`] : [`-${flag.short}`, `--${name}`]
  return names.map((one) => `'${star}${one}${help}${value}'`)
}

function zshPositionals(name: CommandName): string[] {
  return commandSpec(name).positionals.map(({ name: shown, offers }) => {
    const words = offered(offers)
    const action = offers === 'files' ? '_files' : words.length > 0 ? `(${words.join(' ')})` : ' '
    return `':${shown}:${action}'`
  })
}

function fishFlag(name: FlagName): string {
  const flag = flagSpec(name)
  const short = flag.short === undefined ? '' : `-s ${flag.short} `
  const value =
    flag.kind === 'switch'
      ? ''
      : flag.kind === 'path'
        ? ' -r -F'
        : flag.kind === 'choice'
          ? ` -x -a '${flag.choices.join(' ')}'`
          : ' -x'
  return `${short}-l ${name}${value} -d '${quoteFish(flag.help)}'`
}

/** Inside single quotes and a bracket of an _arguments spec. */
function quoteZsh(text: string): string {
  return text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&')
}

function quoteFish(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
