// `swarm hook`: prints what zsh evaluates, and switches it on and off. Says each time what is noted, where
// it lies and what may leave this machine. Changes no file of the person's: it names the line to add or
// to remove.

import { SwarmError } from '../../base/errors.ts'
import { clip, formatSize } from '../../base/text.ts'
import { HookSetup, type HookStatus } from '../../shell/hook-setup.ts'
import { isHarmless } from '../../shell/redact.ts'
import { linesInZshrc, ZSHRC_LINE, zshrcPath } from '../../shell/zshrc.ts'
import { dataDirOf, type CommandContext, type CommandHandler } from '../context.ts'
import { hookFolderPath, makeDataDir, makeRuntimeDir } from '../paths.ts'

const OTHER_SHELLS = new Set(['bash', 'fish', 'sh', 'ksh', 'tcsh', 'nu', 'pwsh'])

export const hook: CommandHandler = async (context) => {
  const { terminal, host, flags, positionals } = context
  const [action = ''] = positionals
  const share = flags.share ?? []
  checkFlags(action, share.length > 0, flags.notice === true)
  makeRuntimeDir(host.env)
  const dataDir = dataDirOf(context)
  const setup = new HookSetup(dataDir, hookFolderPath(dataDir, host.env))
  switch (action) {
    case 'zsh':
      return terminal.line(setup.script(isHarmless))
    case 'enable':
      makeDataDir(dataDir)
      setup.enable(share, flags.notice === true)
      return show(context, setup.status())
    case 'disable':
      if (share.length > 0) setup.unshare(share)
      else setup.disable()
      return share.length > 0 ? show(context, setup.status()) : showDisabled(context)
    case 'status':
      return show(context, setup.status())
  }
  throw unknownAction(action)
}

function checkFlags(action: string, share: boolean, notice: boolean): void {
  const takesShare = action === 'enable' || action === 'disable'
  if (share && !takesShare) throw notFor('--share', 'enable --share TOPIC')
  if (notice && action !== 'enable') throw notFor('--notice', 'enable --notice')
}

function show({ terminal, host }: CommandContext, status: HookStatus): void {
  const loadedBy = linesInZshrc(host.env)
  if (terminal.json) return terminal.object({ ...status, loadedBy })
  if (!status.enabled) {
    terminal.line('The hook is off: nothing is noted. Switch it on with: swarm hook enable')
    return
  }
  const { commandsNoted, failuresNoted, spoolBytes, commandsIndexed, shareTopics } = status
  terminal.line('The hook is on.')
  terminal.line(
    'noted    each command line of zsh with its exit status, folder and duration; no output'
  )
  terminal.line('not      lines that begin with a space, and what Ctrl-C or Ctrl-Z ended')
  terminal.line(
    `where    ${status.spool}: ${commandsNoted} commands (${failuresNoted} failed), ` +
      `${formatSize(spoolBytes)}, yours alone, gone when you log out`
  )
  terminal.line(
    `         ${status.index}: ${commandsIndexed} commands that succeeded, as suggestions`
  )
  const topics = shareTopics.map((topic) => `'${clip(topic)}'`).join(', ')
  terminal.line(
    topics === ''
      ? 'leaves   nothing; allow it per topic with: swarm hook enable --share TOPIC'
      : `leaves   what you learn from failures, redacted, to members of ${topics}`
  )
  terminal.line(`notice   ${status.notice ? 'one line above the next prompt' : 'off'}`)
  if (loadedBy.length > 0) return terminal.note(`loaded by ${loadedBy.join(', ')}`, 'faint')
  terminal.note(`to load it, add to ${zshrcPath(host.env)}: ${ZSHRC_LINE}`)
}

function showDisabled({ terminal, host }: CommandContext): void {
  const loadedBy = linesInZshrc(host.env)
  if (terminal.json) return terminal.object({ enabled: false, loadedBy })
  terminal.line('The hook is off; what it had noted on this machine is removed.')
  if (loadedBy.length > 0) terminal.line(`Remove too: ${loadedBy.join(', ')}: ${ZSHRC_LINE}`)
}

function notFor(flag: string, form: string): SwarmError {
  const text = `${flag} goes with another action: swarm hook ${form}`
  return new SwarmError('USAGE_BAD_VALUE', text, { param: flag })
}

function unknownAction(action: string): SwarmError {
  if (OTHER_SHELLS.has(action)) {
    const text = `there is a hook for zsh only; in ${action} use: swarm watch -- COMMAND`
    return new SwarmError('USAGE_UNSUPPORTED', text, { param: 'action' })
  }
  const text = `swarm hook takes zsh, enable, disable or status, not '${clip(action, 40)}'`
  return new SwarmError('USAGE_BAD_VALUE', text, { param: 'action' })
}
