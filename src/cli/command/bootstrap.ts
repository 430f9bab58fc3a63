// `swarm bootstrap`: a meeting point of one's own for peers that cannot or will not use the public DHT.

import { once } from 'node:events'
import type { CommandHandler } from '../context.ts'
import { stopSignal } from '../until-eof.ts'

export const bootstrap: CommandHandler = async (context) => {
  const { flags, terminal, log, loadPorts } = context
  const { runBootstrap } = await loadPorts()
  const signal = stopSignal(context)
  const running = await runBootstrap({
    port: flags.port ?? 0,
    host: flags.host ?? null,
    log
  })
  try {
    const { host, port } = running
    if (terminal.json) terminal.object({ host, port })
    else {
      terminal.line('bootstrap is running; peers meet through it with:')
      terminal.line(`  --bootstrap ${host}:${port}`)
    }
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await running.close()
  }
}
