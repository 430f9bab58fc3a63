// Ctrl-C, SIGTERM and a closed terminal as one AbortSignal. The first asks the command to end in an
// orderly way; the second ends the process at once, for when order takes too long.

import { MessageChannel } from 'node:worker_threads'
import { abortError } from '../base/errors.ts'
import type { Host } from './context.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export const INTERRUPTED_STATUS = 130

export interface Interrupt {
  readonly signal: AbortSignal
  /** Which signal came first; null while none did. */
  readonly by: NodeJS.Signals | null
  close(): void
}

/** Until closed, keeps the process alive: timers of base/clock.ts do not. */
export function listenForInterrupt(host: Pick<Host, 'on' | 'off' | 'exit'>): Interrupt {
  const controller = new AbortController()
  const { port1, port2 } = new MessageChannel()
  port1.ref()
  let by: NodeJS.Signals | null = null
  const onSignal = (name: NodeJS.Signals): void => {
    if (by !== null) host.exit(INTERRUPTED_STATUS)
    by = name
    controller.abort(abortError())
  }
  for (const name of SIGNALS) host.on(name, onSignal)
  return {
    signal: controller.signal,
    get by() {
      return by
    },
    close() {
      for (const name of SIGNALS) host.off(name, onSignal)
      port1.close()
      port2.close()
    }
  }
}
