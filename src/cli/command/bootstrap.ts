// `swarm bootstrap`: a meeting point of one's own for peers that cannot or will not use the public DHT.

import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import type { CommandHandler } from '../context.ts'
import { stopSignal } from '../until-eof.ts'

export const bootstrap: CommandHandler = async (context) => {
  const { flags, terminal, log, loadPorts } = context
  const { runBootstrap } = await loadPorts()
  const signal = stopSignal(context)
  const running = await runBootstrap({
    port: flags.port ?? 0,
    host: flags.host ?? '0.0.0.0',
    log
  })
  try {
    const { host, port } = running
    if (terminal.json) terminal.object({ host, port })
    else {
      terminal.line('bootstrap is running; peers meet through it with:')
      for (const address of addressesOf(host)) terminal.line(`  --bootstrap ${address}:${port}`)
    }
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await running.close()
  }
}

/** Where others reach a listener: its own address, or with the wildcard every IPv4 one of this machine. */
function addressesOf(host: string): string[] {
  if (host !== '0.0.0.0') return [host]
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outside = all.filter((one) => one.family === 'IPv4' && !one.internal)
  return outside.length > 0 ? outside.map((one) => one.address) : ['127.0.0.1']
}
