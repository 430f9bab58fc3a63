// Flow C, what the claim of memory becomes while the peer runs: other programs come and stay, and their
// memory is not to be planned with. Looks once a minute; the claim follows what held for five of them, a
// step at a time (sharding/memory.ts).

import { every, type Clock, type Timer } from '../base/clock.ts'
import { CLAIMS_LOOKED_AT, steadyClaim } from '../sharding/memory.ts'

const LOOK_MS = 60_000

export interface MemoryWatchOptions {
  clock: Clock
  /** What was claimed at the start. */
  claimKiB: number
  /** What could be claimed at this moment; null while layers are being loaded, which counts twice. */
  claimNow: () => number | null
  onChange: (claimKiB: number) => void
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions
  readonly #timer: Timer
  #claims: number[] = []
  #claimKiB: number

  constructor(options: MemoryWatchOptions) {
    this.#options = options
    this.#claimKiB = options.claimKiB
    this.#timer = every(options.clock, LOOK_MS, () => this.#look())
  }

  get claimKiB(): number {
    return this.#claimKiB
  }

  close(): void {
    this.#timer.cancel()
  }

  #look(): void {
    const claim = this.#options.claimNow()
    if (claim === null) return
    this.#claims = [...this.#claims, claim].slice(-CLAIMS_LOOKED_AT)
    const next = steadyClaim(this.#claimKiB, this.#claims)
    if (next === this.#claimKiB) return
    this.#claimKiB = next
    this.#claims = []
    this.#options.onChange(next)
  }
}
