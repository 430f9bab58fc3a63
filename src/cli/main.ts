// The command line's one entry: arguments -> command -> exit status. Owns how a failure is shown (one
// line with its code, or with --json an object) and what an interruption means; every command itself is
// loaded only when it is the one to run.

import { systemClock } from '../base/clock.ts'
import { exitCodeOf, isAbort, SwarmError } from '../base/errors.ts'
import { createLog } from '../base/log.ts'
import { clip } from '../base/text.ts'
import { parseArgs, type Invocation } from './args.ts'
import { commandSpec, type CommandName } from './commands.ts'
import type { CommandContext, CommandHandler, Host } from './context.ts'
import { INTERRUPTED_STATUS, listenForInterrupt } from './interrupt.ts'
import { Terminal } from './terminal.ts'
import { programVersion } from './version.ts'

const MESSAGE_CHARS_MAX = 1000

const HANDLERS: Record<CommandName, () => Promise<CommandHandler>> = {
  run: async () => (await import('./command/run.ts')).run,
  join: async () => (await import('./command/join.ts')).join,
  invite: async () => (await import('./command/invite.ts')).invite,
  allow: async () => (await import('./command/gate.ts')).allow,
  revoke: async () => (await import('./command/gate.ts')).revoke,
  learn: async () => (await import('./command/learn.ts')).learn,
  query: async () => (await import('./command/query.ts')).query,
  forget: async () => (await import('./command/forget.ts')).forget,
  generate: async () => (await import('./command/generate.ts')).generate,
  sessions: async () => (await import('./command/sessions.ts')).sessions,
  attach: async () => (await import('./command/sessions.ts')).attach,
  chat: async () => (await import('./command/chat.ts')).chat,
  status: async () => (await import('./command/status.ts')).status,
  peers: async () => (await import('./command/peers.ts')).peers,
  plan: async () => (await import('./command/plan.ts')).plan,
  explain: async () => (await import('./command/explain.ts')).explain,
  dash: async () => (await import('./command/dash.ts')).dash,
  top: async () => (await import('./command/top.ts')).top,
  stop: async () => (await import('./command/stop.ts')).stop,
  bootstrap: async () => (await import('./command/bootstrap.ts')).bootstrap,
  bridge: async () => (await import('./command/bridge.ts')).bridge,
  doctor: async () => (await import('./command/doctor.ts')).doctor,
  hook: async () => (await import('./command/hook.ts')).hook,
  why: async () => (await import('./command/why.ts')).why,
  watch: async () => (await import('./command/watch.ts')).watch,
  bench: async () => (await import('./command/bench.ts')).bench,
  demo: async () => (await import('./command/demo.ts')).demo,
  completion: async () => (await import('./command/about.ts')).completion,
  man: async () => (await import('./command/about.ts')).man,
  help: async () => (await import('./command/about.ts')).help,
  version: async () => (await import('./command/about.ts')).version
}

/**
 * Runs one command line to its end.
 * @param loadPorts the composition root, asked for only by commands that start something.
 * @param loadLocal the part of it that runs a model without a network.
 * @returns the exit status.
 */
export async function main(
  host: Host,
  loadPorts: CommandContext['loadPorts'],
  loadLocal: CommandContext['loadLocal'] = loadPorts
): Promise<number> {
  const argv = host.argv.slice(2)
  const { stdout, stderr, env } = host
  const json = asksForJson(argv)
  const terminal = new Terminal({ stdout, stderr, env, clock: systemClock, json })
  const interrupt = listenForInterrupt(host)
  try {
    const invocation = parseArgs(argv, env)
    if (commandSpec(invocation.command).ownsSignals) interrupt.close()
    const signal = AbortSignal.any([interrupt.signal, terminal.broken])
    const status = await runCommand(invocation, host, terminal, signal, { loadPorts, loadLocal })
    await terminal.flush()
    terminal.broken.throwIfAborted()
    // A peer that was told to leave by Ctrl-C has done well, but a script has to stop with it.
    return interrupt.by === 'SIGINT' ? INTERRUPTED_STATUS : status
  } catch (error) {
    terminal.progress.clear()
    // `| head` has what it wanted: the end of the reader is no failure.
    if (interrupt.by === null && terminal.broken.aborted && isAbort(terminal.broken.reason))
      return 0
    if (isAbort(error)) terminal.endAnswer()
    showError(terminal, error)
    await terminal.flush()
    return isAbort(error) ? INTERRUPTED_STATUS : exitCodeOf(error)
  } finally {
    interrupt.close()
  }
}

async function runCommand(
  { command, flags, positionals }: Invocation,
  host: Host,
  terminal: Terminal,
  signal: AbortSignal,
  loaders: Pick<CommandContext, 'loadPorts' | 'loadLocal'>
): Promise<number> {
  const handler = await HANDLERS[command]()
  const level = flags['log-level'] ?? 'warn'
  const log = createLog('swarm', level, (line) => terminal.log(line))
  const version = programVersion()
  const clock = systemClock
  const outside = { host, terminal, clock, log, version, signal, ...loaders }
  return (await handler({ command, flags, positionals, ...outside })) ?? 0
}

/** Also for a command line that cannot be parsed: its error has to come in the form asked for. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json')
}

function showError(terminal: Terminal, error: unknown): void {
  const { code, message } = described(error)
  if (terminal.json) terminal.object({ error: { code, message } })
  if (isAbort(error)) return
  terminal.note(`swarm: ${message} [${code}]`)
  if (!(error instanceof SwarmError) && error instanceof Error) terminal.note(error.stack ?? '')
}

function described(error: unknown): { code: string; message: string } {
  if (isAbort(error)) return { code: 'INTERRUPTED', message: 'interrupted' }
  const message = clip(error instanceof Error ? error.message : String(error), MESSAGE_CHARS_MAX)
  if (error instanceof SwarmError) return { code: error.code, message }
  // Not one of ours: a fault of this program, so where it happened is worth showing.
  return { code: 'INTERNAL', message }
}
