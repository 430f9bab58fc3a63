// What `swarm doctor` knows before it judges: this machine as the operating system shows it, and what the
// running peer said. Shapes only. Peers are described here as the checks need them, because the API lies
// above this folder.

import type { HostInterface } from '../interfaces.ts'
import type { Firewall } from './firewall.ts'
import type { SelfReach } from './self-reach.ts'

export interface DoctorFacts {
  machine: MachineFacts
  /** Null: no peer runs for the data directory. */
  running: RunningFacts | null
  /** A peer should answer but does not; one sentence. */
  silence: string | null
}

export interface MachineFacts {
  nodeVersion: string
  programVersion: string
  wallMs: number
  kernels: KernelFacts
  /** Of /proc/cpuinfo, those that a kernel table needs. */
  cpuFlags: string[]
  /** The mode in brackets of transparent_hugepage/enabled; null where there are none. */
  hugePages: string | null
  freeMemoryBytes: number
  /** Soft limit of open files; null when it is unknown or there is none. */
  openFilesMax: number | null
  dataDir: DataDirFacts
  interfaces: HostInterface[]
  firewall: Firewall
  selfReach: SelfReach
}

export interface KernelFacts {
  /** In use; null when the addon cannot be used. */
  table: string | null
  available: string[]
  /** SWARM_KERNELS. */
  forced: string | null
  /** Why there is no table. */
  error: string | null
}

export interface DataDirFacts {
  path: string
  state: 'absent' | 'writable' | 'not writable'
  freeBytes: number | null
  /** Mode of the identity file, as `ls` would show it in octal; null: none yet. */
  identityMode: number | null
  /** Process that holds the lock. */
  lockHolder: string | null
  /** The file of the control socket is there. */
  hasSocket: boolean
}

export interface RunningFacts {
  key: string
  topic: string
  reach: string
  version: string
  arithmeticVersion: number
  dht: 'none' | 'given' | 'public'
  troubles: Trouble[]
  peers: RunningPeer[]
}

/** An event of the running peer. */
export interface Trouble {
  kind: string
  text: string
  data?: Record<string, unknown>
}

export interface RunningPeer {
  key: string
  name: string
  self: boolean
  state: string
  version: string
  arithmeticVersion: number
  rttMs: number | null
  lane: string | null
  host: string | null
  clockSkewMs: number | null
}
