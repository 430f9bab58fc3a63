// What the commands `bootstrap` and `demo` need besides a running peer.

import { openBootstrap } from '../peer/find/bootstrap.ts'
import { demoModelSpec } from '../model/synthetic/spec.ts'
import { writeSyntheticModel } from '../model/synthetic/write-model.ts'

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

/** Writes the model of `swarm demo`: the same bytes on every machine, trained by nobody. */
export async function makeDemoModel(
  path: string,
  onProgress: (label: string, done: number, total: number) => void,
  signal: AbortSignal
): Promise<{ nLayers: number }> {
  await writeSyntheticModel(path, demoModelSpec, {
    onProgress: (done, total) => onProgress('making a model', done, total),
    signal
  })
  return { nLayers: demoModelSpec.nLayers }
}
