// The other ends that `swarm bridge` knows of, and whose turn it is. Pure: time comes in as a number. One
// cable is measured once, whatever its addresses; of the two commands at it the one with the greater key
// leads, and the other one steps in when nothing comes, since the leader's TCP may be blocked.

import { PROBE_ENDS_MAX } from '../../base/limits.ts'

import type { SwarmError } from '../../base/errors.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { Sighting } from './finder.ts'
import type { CableFigures } from './probe-session.ts'

/** How long the side that should follow waits. A measurement begins within some hundred ms. */
const STEP_IN_MS = 3000

/** Somebody at the other end of a cable. */
export interface FoundEnd {
  kind: Sighting['kind']
  key: PeerId
  host: string
  port: number
  /** Ours; null when the address belongs to none. */
  interfaceName: string | null
  /** For a running peer only: time to open a TCP connection, ms; null: none could be opened. */
  connectMs: number | null
  figures: CableFigures | null
  /** Why there are no figures, or no connection. */
  error: SwarmError | null
}

/** An end with what the table keeps of it. */
export interface End extends FoundEnd {
  readonly seenMs: number
  /** It was measured, or is being measured, or could not be. */
  tried: boolean
}

export class EndTable {
  readonly #self: PeerId
  readonly #ends = new Map<string, End>()

  constructor(self: PeerId) {
    this.#self = self
  }

  /** @returns null when this end of this cable is known, or there are too many. */
  add(sighting: Sighting, interfaceName: string | null, nowMs: number): End | null {
    const id = idOf(sighting, interfaceName)
    if (this.#ends.has(id) || this.#ends.size >= PROBE_ENDS_MAX) return null
    const blank = { connectMs: null, figures: null, error: null, tried: false }
    const end = { ...sighting, interfaceName, ...blank, seenMs: nowMs }
    this.#ends.set(id, end)
    return end
  }

  get(sighting: Sighting, interfaceName: string | null): End | null {
    return this.#ends.get(idOf(sighting, interfaceName)) ?? null
  }

  /**
   * The end that this side is to try now.
   * @param measured by the other side, at this moment.
   */
  next(nowMs: number, measured: boolean): End | null {
    const isDue = ({ kind, key, tried, seenMs }: End) => {
      if (tried || kind === 'other-topic') return false
      const leads = kind === 'peer' || this.#self > key
      return leads || (!measured && nowMs - seenMs > STEP_IN_MS)
    }
    return [...this.#ends.values()].find(isDue) ?? null
  }

  /** Somebody is still to be tried, by us or by them. */
  get isWaiting(): boolean {
    return [...this.#ends.values()].some(({ kind, tried }) => kind !== 'other-topic' && !tried)
  }

  found(): FoundEnd[] {
    const all = [...this.#ends.values()]
    // Who calls out under the topic calls out for everybody else too.
    const known = new Set(all.filter(({ kind }) => kind === 'bridge').map(({ key }) => key))
    return all
      .filter(({ kind, key }) => kind !== 'other-topic' || !known.has(key))
      .map(({ seenMs: _seen, tried: _tried, ...end }) => end)
  }
}

function idOf({ kind, key, host }: Sighting, interfaceName: string | null): string {
  return `${kind} ${key} ${interfaceName ?? host}`
}
