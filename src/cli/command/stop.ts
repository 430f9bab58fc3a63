// `swarm stop`: asks the peer to leave and waits until it has, so that the next command may count on it.

import type { ApiClient } from '../../api/client.ts'
import { sleep, type Clock } from '../../base/clock.ts'
import { SwarmError } from '../../base/errors.ts'
import { clientOf, type CommandHandler } from '../context.ts'

/** Closing a session or two and telling the others takes well below a second. */
const STOP_TIMEOUT_MS = 15_000
const POLL_MS = 50

export const stop: CommandHandler = async (context) => {
  const { terminal, signal, clock } = context
  const client = clientOf(context)
  const { pid } = await client.status(signal)
  await client.stop(signal)
  terminal.progress.update('waiting for the peer to leave')
  await waitForEnd(client, pid, clock, signal)
  if (terminal.json) terminal.object({ stopped: true, pid })
  else terminal.line(`stopped process ${pid}`)
}

async function waitForEnd(
  client: ApiClient,
  pid: number,
  clock: Clock,
  signal: AbortSignal
): Promise<void> {
  const untilMs = clock.now() + STOP_TIMEOUT_MS
  while ((await isServed(client, signal)) || isAlive(pid)) {
    if (clock.now() > untilMs) {
      const text = `process ${pid} is still leaving after ${STOP_TIMEOUT_MS / 1000} s; see its own output`
      throw new SwarmError('PEER_TIMEOUT', text)
    }
    await sleep(clock, POLL_MS, signal)
  }
}

async function isServed(client: ApiClient, signal: AbortSignal): Promise<boolean> {
  try {
    await client.status(signal)
    return true
  } catch (error) {
    signal.throwIfAborted()
    return !(error instanceof SwarmError && error.code === 'PEER_NOT_RUNNING')
  }
}

/** The socket closes before the lock of the data directory does: wait for the process itself. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
