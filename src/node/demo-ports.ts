// What the commands `bootstrap` and `demo` need besides a running peer.

import { openBootstrap } from '../peer/find/bootstrap.ts'
import { openModel } from '../model/open-model.ts'

import type { Log } from '../base/log.ts'

export interface RunningBootstrap {
  host: string
  port: number
  close(): Promise<void>
}

/** A private DHT for --bootstrap, until it is closed. @throws USAGE_BAD_VALUE */
export async function runBootstrap(options: {
  port: number
  host: string | null
  log: Log
}): Promise<RunningBootstrap> {
  const { port, host, log } = options
  const bootstrap = await openBootstrap({ port, ...(host === null ? {} : { host }) })
  log.info(`bootstrap nodes from port ${bootstrap.address.port} on`)
  return { ...bootstrap.address, close: () => bootstrap.close() }
}

/** Layers of a model file. @throws MODEL_*; AbortError */
export async function countLayers(path: string, signal: AbortSignal): Promise<number> {
  return (await openModel(path, { signal })).hyper.nLayers
}
