// Flow C, the end of it: makes this machine hold what the plan gives it. Owns the order of a change:
// no new sessions on layers that go, running ones finish or go elsewhere, then the weights move.
// One change at a time; what a newer aim does not want is given up at once, and what was read of it stays.
// Which change is next is next-move.ts's; plans and who else holds what are not known here.

import { sleep, type Clock } from '../base/clock.ts'
import { isAbort, toSwarmError, type SwarmError } from '../base/errors.ts'
import { layerOf } from '../model/layer-part.ts'
import {
  containsAll,
  intersect,
  layerAt,
  sameLayers,
  sameRange,
  subtract,
  type LayerRange
} from '../model/layer-range.ts'
import { NO_AIM, nextMove, wantedBy, type Aim, type Move } from './next-move.ts'

import type { Stage } from '../compute/stage.ts'
import type { StageHost } from '../pipeline/stage-host.ts'

/**
 * How long sessions on layers that go may finish before they are sent elsewhere, where the peer's stage needs
 * the memory. Where only a standby does, or nothing, they have the time they need.
 */
const DRAIN_MS = 10_000
/** After a load that failed: a disk may be busy, a file may still be copied. */
const RETRY_MS = 5_000
/** For a standby, which nobody waits for, or for which other programs leave no memory now. */
const STANDBY_RETRY_MS = 60_000
/** Slices of a standby, and what is between them while sessions run here: they keep four fifths. */
const STANDBY_SLICE_MS = 5
const STANDBY_PAUSE_MS = 20

export interface Holding {
  /** In normal form; without layers that are to go. */
  held: readonly LayerRange[]
  /** Its own stages, held or on the way; in normal form. */
  own: readonly LayerRange[]
  /** Of several ranges the first that is not there yet. */
  loading: { range: LayerRange; percent: number } | null
}

export interface LayerKeeperOptions {
  stage: Stage
  host: Pick<StageHost, 'restrict' | 'idle' | 'evict' | 'sessions'>
  clock: Clock
  /** Which of such layers stay on disk, if they may. Throws why this machine cannot hold them now. */
  arrange: (ranges: readonly LayerRange[], mayStream: boolean) => readonly number[]
  /** Whether all layers are held by somebody who is there: else no session can go on as it is. */
  isServed: () => boolean
  /** What is held or how far loading is has changed; at most once a percent. */
  onChange: (holding: Holding) => void
  /** A load failed; it is tried again after a while unless the aim changes. */
  onError: (error: SwarmError) => void
}

export class LayerKeeper {
  readonly #options: LayerKeeperOptions
  #aim: Aim = NO_AIM
  /** Its own stages that were held last; they may be gone by now. */
  #own: readonly LayerRange[] = []
  #move: Move | null = null
  /** While sessions leave the others: what they may still use. */
  #kept: readonly LayerRange[] | null = null
  #percent = 0
  #told = ''
  /** Ends what runs or waits for the present aim. */
  #turn = new AbortController()
  #isRunning = false
  #isClosed = false
  #work: Promise<void> = Promise.resolve()

  constructor(options: LayerKeeperOptions) {
    this.#options = options
  }

  get holding(): Holding {
    const { stage } = this.#options
    const held = this.#kept === null ? stage.held : intersect(stage.held, this.#kept)
    const wanted = this.#move?.wanted ?? []
    const range = subtract(wanted, stage.held)[0] ?? wanted[0] ?? null
    return { held, own: this.#aim.own, loading: range && { range, percent: this.#percent } }
  }

  /** From now on this is wanted. */
  aim(aim: Aim): void {
    if (this.#isClosed || sameAim(aim, this.#aim)) return
    const goesOn = this.#move !== null && isWanted(this.#move, aim, this.#aim)
    this.#aim = aim
    if (!goesOn) this.#turn.abort()
    if (!this.#isRunning) this.#work = this.#run()
  }

  /** Stops loading and resolves when nothing runs any more; what is held stays held. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#turn.abort()
    await this.#work
  }

  async #run(): Promise<void> {
    const { stage, onError } = this.#options
    this.#isRunning = true
    while (!this.#isClosed) {
      this.#turn = new AbortController()
      this.#changed()
      const aim = this.#aim
      const next = nextMove(aim, stage.held, this.#own, (ranges) => this.#hasRoom(ranges))
      const move = next ?? this.#rearranged()
      if (move === null) {
        if (!aim.isSettled || containsAll(stage.held, wantedBy(aim))) break
        await this.#wait(STANDBY_RETRY_MS)
        continue
      }
      try {
        await this.#make(move)
      } catch (error) {
        if (isAbort(error)) continue
        onError(toSwarmError(error, 'NATIVE_FAILED'))
        await this.#wait(move.isStandby ? STANDBY_RETRY_MS : RETRY_MS)
      }
    }
    this.#isRunning = false
  }

  async #make(move: Move): Promise<void> {
    const { stage, host } = this.#options
    const { signal } = this.#turn
    this.#move = move
    this.#percent = 0
    try {
      const isUrgent = move.wanted.length > 0 && !move.isStandby
      await this.#drain(intersect(stage.held, move.ranges), isUrgent)
      const onDisk = this.#arrange(move)
      this.#changed()
      const onProgress = (done: number, total: number) => {
        this.#percent = total === 0 ? 100 : Math.floor((100 * done) / total)
        this.#changed()
      }
      const leisure = { sliceMs: STANDBY_SLICE_MS, pace: () => this.#pace() }
      await stage.load(move.ranges, { onDisk, onProgress, ...(move.isStandby && leisure) }, signal)
    } finally {
      this.#move = null
      this.#kept = null
      host.restrict(null)
      this.#changed()
    }
  }

  /** What only frees memory is done whether or not it suffices then. */
  #arrange({ wanted, ranges }: Move): readonly number[] {
    const { stage, arrange } = this.#options
    try {
      // What stands by is not worth a disk.
      return arrange(ranges, sameLayers(ranges, this.#aim.own))
    } catch (error) {
      if (wanted.length > 0) throw error
      return stage.onDisk.filter((part) => containsAll(ranges, [layerAt(layerOf(part))]))
    }
  }

  async #drain(keep: readonly LayerRange[], isUrgent: boolean): Promise<void> {
    const { stage, host, clock, isServed } = this.#options
    const { signal } = this.#turn
    if (containsAll(keep, stage.held)) return
    const isInVain = isUrgent && !isServed()
    host.restrict(keep)
    // Before they go, so that origins have the sessions moved meanwhile.
    this.#kept = keep
    this.#changed()
    // A machine is lost whose layers nobody else has: sessions wait for those that are to come here.
    if (isInVain) host.evict()
    const patience = new AbortController()
    const timer = isUrgent ? clock.after(DRAIN_MS, () => patience.abort()) : null
    try {
      await host.idle(AbortSignal.any([patience.signal, signal]))
    } catch {
      signal.throwIfAborted()
      // Out of patience: what still runs is asked elsewhere.
      host.evict()
      await host.idle(signal)
    } finally {
      timer?.cancel()
    }
  }

  async #pace(): Promise<void> {
    if (this.#options.host.sessions > 0) await this.#wait(STANDBY_PAUSE_MS)
  }

  /** Shorter where the aim changes or this closes. */
  async #wait(timeMs: number): Promise<void> {
    await sleep(this.#options.clock, timeMs, this.#turn.signal).catch(() => {})
  }

  /** The stages that are held, with as much of them on disk as planned by now: memory has come or gone. */
  #rearranged(): Move | null {
    const { stage, arrange } = this.#options
    const { onDisk, own } = this.#aim
    const ranges = [...stage.held]
    if (onDisk === stage.onDisk.length || !sameLayers(own, ranges)) return null
    try {
      const isAsPlanned = arrange(ranges, true).length === onDisk
      return isAsPlanned ? { ranges, wanted: [], isStandby: false } : null
    } catch {
      return null
    }
  }

  #hasRoom(ranges: LayerRange[]): boolean {
    try {
      this.#options.arrange(ranges, false)
      return true
    } catch {
      return false
    }
  }

  #changed(): void {
    const { own } = this.#aim
    if (containsAll(this.#options.stage.held, own)) this.#own = own
    const { holding } = this
    const told = JSON.stringify(holding)
    if (told === this.#told) return
    this.#told = told
    this.#options.onChange(holding)
  }
}

/** Whether a change that has begun is one that a newer aim wants as well. */
function isWanted({ wanted, isStandby }: Move, aim: Aim, before: Aim): boolean {
  if (!sameLayers(aim.own, before.own)) return false
  if (isStandby) return aim.standbys.some((standby) => sameRange(standby, wanted[0] ?? null))
  return wanted.length > 0
}

function sameAim(a: Aim, b: Aim): boolean {
  const same = a.standbys.every((range, i) => sameRange(range, b.standbys[i] ?? null))
  const areAlike = a.isSettled === b.isSettled && a.onDisk === b.onDisk && sameLayers(a.own, b.own)
  return areAlike && same && a.standbys.length === b.standbys.length
}
