// Flow C on the wire: what a peer says about itself to everybody, signed, and passed on by anybody.
// Structural types and their bounds; signing is in peer/identity.ts, choosing by them in sharding/.

import type { PeerId } from './ids.ts'

/** What a machine can do, measured with our own kernels. Integers only: plans must agree. */
export interface Profile {
  cores: number
  /** Kernel table in use, such as `avx512vnni`. */
  kernels: string
  /** Weights and KV that this peer is willing to hold. */
  memoryKiB: number
  /** Bytes of weights consumed per second at decode, MiB/s, in steps of 19 %. */
  weightMiBps: number
  /** Integer operations per second at prefill, in millions, in steps of 19 %. */
  int8Mops: number
  /** MiB/s at which the model's file is read from disk, in steps of 19 %; 0: not measured. */
  diskMiBps: number
  /** Positions of one session, and sessions, that plans are asked to have room for; 0: the usual. */
  contextTokens: number
  sessions: number
  /** Others as this peer sees them, ascending by key. */
  neighbours: NeighbourRecord[]
}

/** What one peer measured of another; each figure 0 where it is not known. */
export interface NeighbourRecord {
  peer: PeerId
  /** One way: half of the round trip of a lane, or of a link without one, in steps of 19 %. */
  delayUs: number
  /** Megabits per second that a burst of some hundred KB gets, in steps of 19 %. */
  mbps: number
  /** MiB/s of weights that its stage read in sessions begun here, in steps of 19 %. */
  seenMiBps: number
}

export interface RangeRecord {
  start: number
  end: number
}

/** A model as a peer names it. */
export interface ModelRecord {
  /** Hash of the file, 64 hex digits. */
  id: string
  /** Foreign text. */
  name: string
  /** The peer drops it for another model that the topic serves: it is the one that comes with swarm. */
  givesWay: boolean
}

export interface PeerRecord {
  key: PeerId
  /** Rises with every change; of two records of one key the higher wins. */
  seq: number
  /** Host name as the peer gives it; foreign text. */
  name: string
  programVersion: string
  arithmeticVersion: number
  /** True in the last record of a peer that leaves on its own. */
  left: boolean
  /** Absent until measured. */
  profile: Profile | null
  /** The model file this peer has. */
  model: ModelRecord | null
  /** Range fixed by hand (`--layers`). */
  pin: RangeRecord | null
  /** Layers ready to serve: ascending, not touching each other. */
  held: RangeRecord[]
  /** Its own stages by the plan that it follows, held or on the way; what else is held stands by. As held. */
  own: RangeRecord[]
  /** Layers being loaded and how far, 0 to 100. */
  loading: { range: RangeRecord; percent: number } | null
}

/** A record as it travels: the exact bytes that were signed stay with it. */
export interface SignedRecord {
  bytes: Uint8Array
  /** ed25519 over `swarm record 1` and the bytes. */
  signature: Uint8Array
}
