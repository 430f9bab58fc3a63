// What a running peer does for the shells of its user: keeps their suggestions fresh and, where they asked
// for it, answers a failure with one line above the next prompt. Joins the hook's files, the memory of this
// peer and the rules; asks no model, and nothing leaves the machine.

import type { SwarmService } from '../api/service.ts'
import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import type { Failure } from '../shell/failure.ts'
import { HookSetup } from '../shell/hook-setup.ts'
import { isHarmless } from '../shell/redact.ts'
import { SpoolWatch } from '../shell/spool-watch.ts'
import { explain } from '../shell/why.ts'
import { thisMachine } from '../shell/why-machine.ts'
import { dataDirOf, type CommandContext } from './context.ts'
import { hookFolderPath } from './paths.ts'

/** Of a command in a notice, which is one line. */
const COMMAND_CHARS_MAX = 120

/** To be closed with the peer. */
export function watchHook(context: CommandContext, service: SwarmService): SpoolWatch {
  const { host, clock, log } = context
  const dataDir = dataDirOf(context)
  const watch = new SpoolWatch({
    setup: new HookSetup(dataDir, hookFolderPath(dataDir, host.env)),
    isHarmless,
    answer: (failure) => noticeFor(failure, service, context),
    clock,
    log: log.child('hook')
  })
  watch.open()
  return watch
}

/** @returns null when neither memory nor rules know anything. */
export async function noticeFor(
  failure: Failure,
  service: Pick<SwarmService, 'knowledge'>,
  { host, clock }: Pick<CommandContext, 'host' | 'clock'>
): Promise<string | null> {
  const { proposals } = await explain(failure, {
    ask: async (request) => {
      const memory = service.knowledge()
      if (memory !== null) return memory.query(request)
      throw new SwarmError('STORE_BUSY', 'the store is not open yet; try again in a moment')
    },
    generate: () => null,
    // A notice costs no arithmetic: whoever wants more asks swarm why.
    sentinel: () => Promise.resolve(null),
    machine: thisMachine(host.env, failure.cwd),
    clock
  })
  const best = proposals.find(({ command }) => command.length <= COMMAND_CHARS_MAX)
  return best === undefined ? null : `try: ${clip(best.command, COMMAND_CHARS_MAX)}  (swarm why)`
}
