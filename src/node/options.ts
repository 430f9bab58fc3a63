// What starts a peer and what comes back: the contract between the command line and the composition
// root. Shapes only, so that commands that start nothing load nothing of a peer.

import type { Log } from '../base/log.ts'
import type { NodeEvent, SwarmService } from '../api/service.ts'
import type { LayerRange } from '../model/layer-range.ts'
import type { Address } from '../peer/address.ts'

export interface NodeOptions {
  topic: string
  /** As typed, or the root that an invite carries; null: whoever knows the name may join. */
  secret: string | Uint8Array | null
  /** On the public DHT by name alone. */
  public: boolean
  lanOnly: boolean
  bootstrap: Address[]
  /** Keys put on the allow-list of the data directory; with some, only listed ones may link. */
  allow: string[]
  /** Machines to dial whatever else finds them. */
  peers: Address[]
  /** Absolute path of the GGUF file; null joins without a model. */
  model: string | null
  /** Absolute, exists, for its owner only. */
  dataDir: string
  /** Folder of what may be forgotten: measurements, ids of model files. */
  cacheDir: string
  /** Where the API listens; its folder exists. */
  socketPath: string
  /** Also on 127.0.0.1 at this port. */
  httpPort: number | null
  /** Bytes of weights and KV held at most; null: what the machine has. */
  memoryBytes: number | null
  /** Positions of one session, and sessions, that plans are asked to have room for; null: the usual. */
  contextTokens: number | null
  sessions: number | null
  /** Range pinned by hand. */
  layers: LayerRange | null
  threads: number | null
  programVersion: string
  log: Log
  /**
   * Everything that a person would want to read, from the first moment. The first event says who can
   * join, before anything is sent.
   */
  onEvent: (event: NodeEvent) => void
}

export interface RunningNode {
  readonly service: SwarmService
  /** Settles when the peer has ended: after close(), `swarm stop`, or with what made it impossible. */
  readonly ended: Promise<void>
  /** Leaves in an orderly way: sessions end, the others are told, socket and lock are gone. */
  close(): Promise<void>
}
