// Flow C, the end of it: makes this machine hold what the plan gives it. Owns the order of a change:
// no new sessions on layers that go, running ones finish or are sent elsewhere, then the weights move.
// One change at a time; a newer aim replaces one that has not begun.

import { sleep, type Clock } from '../base/clock.ts'
import { isAbort, toSwarmError, type SwarmError } from '../base/errors.ts'
import { contains, intersection, sameRange, type LayerRange } from '../model/layer-range.ts'
import type { Stage } from '../compute/stage.ts'
import type { StageHost } from '../pipeline/stage-host.ts'

/** How long sessions on layers that go may finish before they are sent elsewhere. */
const DRAIN_MS = 10_000
/** After a load that failed: a disk may be busy, a file may still be copied. */
const RETRY_MS = 5_000

export interface Holding {
  held: LayerRange | null
  loading: { range: LayerRange; percent: number } | null
}

export interface LayerKeeperOptions {
  stage: Stage
  host: Pick<StageHost, 'restrict' | 'idle' | 'evict'>
  clock: Clock
  /** Throws why a range is not to be loaded now. */
  checkMemory: (range: LayerRange) => void
  /** What is held or how far loading is has changed; at most once a percent. */
  onChange: (holding: Holding) => void
  /** A load failed; it is tried again after a while unless the aim changes. */
  onError: (error: SwarmError) => void
}

export class LayerKeeper {
  readonly #options: LayerKeeperOptions
  readonly #closing = new AbortController()
  #aim: LayerRange | null = null
  #work: Promise<void> | null = null
  #loading: Holding['loading'] = null

  constructor(options: LayerKeeperOptions) {
    this.#options = options
  }

  get holding(): Holding {
    return { held: this.#options.stage.held, loading: this.#loading }
  }

  /** From now on this range is wanted; null: none. */
  aim(range: LayerRange | null): void {
    if (this.#closing.signal.aborted || sameRange(range, this.#aim)) return
    this.#aim = range
    this.#work ??= this.#run().finally(() => (this.#work = null))
  }

  /** Stops loading and resolves when nothing runs any more; what is held stays held. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#work
  }

  async #run(): Promise<void> {
    const { stage, host, clock, onError } = this.#options
    const { signal } = this.#closing
    while (!signal.aborted && !sameRange(this.#aim, stage.held)) {
      const range = this.#aim
      try {
        await this.#drain(range)
        if (sameRange(this.#aim, range)) await this.#move(range)
      } catch (error) {
        if (isAbort(error)) return
        onError(toSwarmError(error, 'NATIVE_FAILED'))
        await sleep(clock, RETRY_MS, signal).catch(() => {})
      } finally {
        this.#loading = null
        host.restrict(null)
        this.#changed()
      }
    }
  }

  async #drain(range: LayerRange | null): Promise<void> {
    const { stage, host, clock } = this.#options
    const keep = intersection(stage.held, range)
    if (stage.held === null || (keep !== null && contains(keep, stage.held))) return
    host.restrict(keep ?? { start: 0, end: 0 })
    const patience = new AbortController()
    const timer = clock.after(DRAIN_MS, () => patience.abort())
    try {
      await host.idle(AbortSignal.any([patience.signal, this.#closing.signal]))
    } catch {
      this.#closing.signal.throwIfAborted()
      // Out of patience: what still runs is asked elsewhere.
      host.evict()
      await host.idle(this.#closing.signal)
    } finally {
      timer.cancel()
    }
  }

  async #move(range: LayerRange | null): Promise<void> {
    const { stage, checkMemory } = this.#options
    if (range === null) return stage.unload()
    checkMemory(range)
    this.#loading = { range, percent: 0 }
    this.#changed()
    const onProgress = (done: number, total: number) => {
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
      if (percent === this.#loading?.percent) return
      this.#loading = { range, percent }
      this.#changed()
    }
    await stage.load(range, onProgress, this.#closing.signal)
  }

  #changed(): void {
    this.#options.onChange(this.holding)
  }
}
