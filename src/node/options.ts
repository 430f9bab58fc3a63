// What the command line gives to node.ts. The same shapes as cli/ports.ts declares, which this rank may
// not import; the compiler compares them where bin/swarm.ts joins the two.

import type { Log } from '../base/log.ts'
import type { NodeEvent, SwarmService } from '../api/service.ts'
import type { Address } from '../peer/address.ts'

export interface NodeOptions {
  topic: string
  secret: string | null
  public: boolean
  lanOnly: boolean
  bootstrap: Address[]
  /** Absolute path of the GGUF file; null joins without a model. */
  model: string | null
  /** Absolute, exists, for its owner only. */
  dataDir: string
  /** Folder of what may be forgotten: measurements, ids of model files. */
  cacheDir: string
  socketPath: string
  httpPort: number | null
  memoryBytes: number | null
  /** Range pinned by hand, half-open. */
  layers: { start: number; end: number } | null
  threads: number | null
  programVersion: string
  log: Log
  onEvent: (event: NodeEvent) => void
}

export interface RunningNode {
  readonly service: SwarmService
  readonly ended: Promise<void>
  close(): Promise<void>
}
