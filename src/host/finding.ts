// One thing that `swarm bridge` has to say about this machine: what is, what should be, why, and what
// changes it. The shape that all advice has; whoever prints or applies it needs no other.

import type { Change } from './setting.ts'

export interface Finding {
  /** What it is about: `net.core.rmem_max`, `MTU of eth1`, `cable at eth1`. */
  subject: string
  current: string
  /** What it should be; the same as `current` when nothing is to be done. */
  wanted: string
  isGood: boolean
  reason: string
  /** What the change brings, with a figure where one was measured; empty when it is good. */
  gain: string
  /** What --apply does; none when only the user can. */
  changes: Change[]
  /** What to type or do by hand, in order. */
  commands: string[]
}
