// The one beat of the network: how long this process really listened since the last one, when to ping, when
// a round of gossip is due, and whether the machine was away. Decides nothing else.

import { every, type Clock, type Timer } from '../base/clock.ts'
import { Absence } from './link/absence.ts'
import { PING_TICKS, TICK_MS, listenedMs } from './link/silence.ts'
import { ROUND_MS } from './members/membership.ts'

const ROUND_TICKS = ROUND_MS / TICK_MS

export interface TickHandlers {
  /** The machine slept, or this process was stopped: first of all. */
  onBack(): void
  /** @param listened ms since the last tick in which news could have been taken. */
  onTick(listened: number, pingNow: boolean): void
  /** Every ROUND_MS. @param listened ms since the last round. */
  onRound(listened: number): void
}

export function startTicking(clock: Clock, handlers: TickHandlers): Timer {
  let count = 0
  let lastMs = clock.now()
  let roundMs = 0
  const absence = new Absence(lastMs, clock.wallMs())
  return every(clock, TICK_MS, () => {
    const nowMs = clock.now()
    const listened = listenedMs(nowMs - lastMs)
    lastMs = nowMs
    count++
    if (absence.tick(nowMs, clock.wallMs())) handlers.onBack()
    handlers.onTick(listened, count % PING_TICKS === 0)
    roundMs += listened
    if (count % ROUND_TICKS !== 0) return
    handlers.onRound(roundMs)
    roundMs = 0
  })
}
