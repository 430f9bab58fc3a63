// The failed command that `swarm why` and `swarm learn --fix` are about, from where the hook, swarm watch or
// a pipe left it.

import { SwarmError } from '../base/errors.ts'
import { findFailure } from '../shell/find-failure.ts'
import type { Failure } from '../shell/failure.ts'
import { dataDirOf, type CommandContext } from './context.ts'
import { hookFolderPath } from './paths.ts'

/**
 * @param isPiped standard input may hold what the command wrote.
 * @throws USAGE_MISSING when nothing failed that anybody noted.
 */
export async function lastFailure(context: CommandContext, isPiped: boolean): Promise<Failure> {
  const { host, clock, signal } = context
  const search = {
    folder: hookFolderPath(dataDirOf(context), host.env),
    shellPid: process.ppid,
    env: host.env,
    cwd: process.cwd(),
    wallMs: clock.wallMs(),
    piped: isPiped && host.stdin.isTTY !== true ? host.stdin : null
  }
  const failure = await findFailure(search, signal)
  if (failure !== null) return failure
  const how =
    "switch it on with 'swarm hook enable', use swarm watch, or pipe: cmd 2>&1 | swarm why"
  throw new SwarmError('USAGE_MISSING', `no failed command is known: the hook noted none; ${how}`)
}
