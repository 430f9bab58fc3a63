// The other ends that `swarm bridge` knows of, and whose turn it is. Pure: time comes in as a number. One
// cable is measured once, whatever its addresses; of the two commands at it the one with the greater key
// leads, and the other one steps in when nothing comes, since the leader's TCP may be blocked.

import { PROBE_ENDS_MAX, PROBE_STRANGERS_MAX } from '../../base/limits.ts'

import type { SwarmError } from '../../base/errors.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { Sighting } from './finder.ts'
import type { CableFigures } from './probe-session.ts'

/** How long the side that should follow waits. A measurement begins within some hundred ms. */
const STEP_IN_MS = 3000
/** An address that is a second old may not be in use yet (RFC 4862: it is looked for twice). */
const TRIES_MAX = 4
const RETRY_MS = 700

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
  /** Since when it may be tried. */
  dueMs: number
  tries: number
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
    if (this.#ends.has(id) || this.#isFull(sighting.kind)) return null
    const blank = { connectMs: null, figures: null, error: null, tries: 0, tried: false }
    const end = { ...sighting, interfaceName, ...blank, dueMs: nowMs }
    this.#ends.set(id, end)
    return end
  }

  /** Members of the topic cannot be kept out by those who only claim to be something else. */
  #isFull(kind: Sighting['kind']): boolean {
    const all = [...this.#ends.values()]
    const strangers = all.filter((end) => end.kind === 'other-topic').length
    if (kind === 'other-topic') return strangers >= PROBE_STRANGERS_MAX
    return all.length - strangers >= PROBE_ENDS_MAX
  }

  get(sighting: Sighting, interfaceName: string | null): End | null {
    return this.#ends.get(idOf(sighting, interfaceName)) ?? null
  }

  /**
   * The end that this side is to try now.
   * @param measured by the other side, at this moment.
   */
  next(nowMs: number, measured: boolean): End | null {
    const isDue = ({ kind, key, tried, tries, dueMs }: End) => {
      if (tried || kind === 'other-topic' || nowMs < dueMs) return false
      const leads = kind === 'peer' || this.#self > key || tries > 0
      return leads || (!measured && nowMs - dueMs > STEP_IN_MS)
    }
    return [...this.#ends.values()].find(isDue) ?? null
  }

  /** No connection could be opened: later once more, but not for ever. */
  unreachable(end: End, nowMs: number): void {
    end.tries++
    end.tried = end.tries >= TRIES_MAX
    end.dueMs = nowMs + RETRY_MS
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
      .map(({ dueMs: _due, tries: _tries, tried: _tried, ...end }) => end)
  }
}

function idOf({ kind, key, host }: Sighting, interfaceName: string | null): string {
  return `${kind} ${key} ${interfaceName ?? host}`
}
