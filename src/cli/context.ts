// What a command gets: its checked flags, its outputs, and the way to the peer of its data directory.

import { ApiClient } from '../api/client.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { CommandName } from './commands.ts'
import type { FlagValues } from './flags.ts'
import { controlSocketPath, dataDirPath } from './paths.ts'
import type { NodePorts } from './ports.ts'
import type { Terminal } from './terminal.ts'

/** The parts of `process` that commands use. */
export type Host = Pick<
  NodeJS.Process,
  'argv' | 'env' | 'stdin' | 'stdout' | 'stderr' | 'execPath' | 'execArgv' | 'exit' | 'on' | 'off'
>

export interface CommandContext {
  command: CommandName
  flags: FlagValues
  positionals: string[]
  host: Host
  terminal: Terminal
  clock: Clock
  log: Log
  version: string
  /** Aborts at the first Ctrl-C or SIGTERM, or when nobody reads standard output any more. */
  signal: AbortSignal
  loadPorts: () => Promise<NodePorts>
  /** Of the ports only what one machine alone needs: the network's libraries take longer than a prompt. */
  loadLocal: () => Promise<Pick<NodePorts, 'openLocal'>>
}

/** @returns exit status; undefined is 0. */
export type CommandHandler = (context: CommandContext) => Promise<number | void>

export function dataDirOf({ flags, host }: CommandContext): string {
  return dataDirPath(flags['data-dir'], host.env)
}

/**
 * The peer that runs for the data directory, if one does: the first call finds out.
 * @param timeoutMs for its answers, where the client's own is too long to wait.
 */
export function clientOf(context: CommandContext, timeoutMs?: number): ApiClient {
  const dataDir = dataDirOf(context)
  const socketPath = controlSocketPath(dataDir, context.host.env)
  const bound = timeoutMs === undefined ? {} : { timeoutMs }
  return new ApiClient({ socketPath, dataDir, clock: context.clock, ...bound })
}
