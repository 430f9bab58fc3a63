// `swarm watch -- make`: the command runs in this terminal, and its exit status becomes ours. When it fails
// what it wrote is kept for `swarm why` in the runtime folder, and one line says so.

import { SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import { watch as runWatched } from '../../shell/watch.ts'
import { keepWatched } from '../../shell/watched.ts'
import { dataDirOf, type CommandHandler } from '../context.ts'
import { hookFolderPath, makeRuntimeDir } from '../paths.ts'

export const watch: CommandHandler = async (context) => {
  const { positionals, host, terminal, clock } = context
  const { status, failure } = await runWatched(positionals, host, clock)
  if (failure === null) return status
  const said = `${clip(failure.command, 60)} failed with status ${status}`
  try {
    makeRuntimeDir(host.env)
    keepWatched(hookFolderPath(dataDirOf(context), host.env), failure)
    terminal.note(`swarm: ${said}; swarm why explains it`)
  } catch (error) {
    // The command's own status matters more than ours.
    if (!(error instanceof SwarmError)) throw error
    terminal.note(
      `swarm: ${said}; what it wrote could not be kept: ${error.message} [${error.code}]`
    )
  }
  return status
}
