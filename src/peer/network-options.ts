// What network.ts is told when it is made, and what it tells: shapes only.

import type { Clock } from '../base/clock.ts'
import type { SwarmError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Hello } from '../wire/hello.ts'
import type { PeerId } from '../wire/ids.ts'
import type { ModelRecord } from '../wire/record.ts'
import type { Address } from './address.ts'
import type { Gate } from './gate/gate.ts'
import type { Identity } from './identity.ts'
import type { Link } from './link/link.ts'
import type { Topic } from './topic.ts'

/** What this machine says of itself in hello. */
export interface NetworkFacts {
  name: string
  programVersion: string
  arithmeticVersion: number
  model: ModelRecord | null
}

export interface NetworkOptions {
  identity: Identity
  topic: Topic
  /** Which keys may link; whoever proves itself when absent. */
  gate?: Pick<Gate, 'refusal'>
  /** Nodes of a private DHT; used when the topic's reach is 'given'. */
  bootstrap: Address[]
  /** Where other peers accept links, given by hand. */
  peers?: Address[]
  facts: NetworkFacts
  clock: Clock
  random: Random
  log: Log
  onEvent(event: NetworkEvent): void
  /** False: does not call out on the local network. */
  beacon?: boolean
  beaconPort?: number
  /** Address to bind, for everything; all when absent. */
  host?: string
  /** Address to accept lanes and links over TCP at, if another: that of a cable kept for them, say. */
  laneHost?: string
  /** TCP port to accept them at if it is free; DIRECT_PORT when absent, 0 for any. */
  port?: number
}

export type NetworkEvent =
  | { type: 'link-up'; peer: PeerId; hello: Hello }
  /** `left`: the peer went on its own. */
  | { type: 'link-down'; peer: PeerId; error: SwarmError; left: boolean }
  /** Session frames now go this way; null: for the moment none. */
  | { type: 'lane'; peer: PeerId; kind: 'tcp' | 'udx' | null }
  /** A record, or the state of its peer, is new in the directory. */
  | { type: 'record'; peer: PeerId }
  /** A connection came to nothing: WIRE_PROOF, WIRE_VERSION, WIRE_BAD_FRAME, PEER_BUSY, PEER_REFUSED. */
  | { type: 'refused'; peer: PeerId; error: SwarmError }
  /** Another process has our key, or somebody makes it look so: to be told, no reason to stop. */
  | { type: 'duplicate'; error: SwarmError }

export interface LinkInfo {
  peer: PeerId
  host: string | null
  hello: Hello
  /** How long the link has been up. */
  upMs: number
  /** Round trip on the way that frames take; null until measured. */
  rttMs: number | null
  lane: 'tcp' | 'udx' | null
  /** How heartbeats come, and the silence that is excused. */
  beats: Link['beats']
  /** How far the peer's time of day was ahead of ours when it introduced itself, to about a round trip. */
  clockSkewMs: number
}
