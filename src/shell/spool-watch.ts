// The peer's side of the hook: looks at the spool once a second, takes what succeeded into the suggestions,
// and asks for an answer to what failed, for the notice above the next prompt. The shells never wait for it
// and do not know whether it runs. Owns no answers: `answer` does, from this machine's own store.

import { every, type Clock, type Timer } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { IsHarmless } from './command-index.ts'
import type { Failure } from './failure.ts'
import type { HookSetup } from './hook-setup.ts'
import { writeNotice } from './notice.ts'
import { failureOf, isOwnCommand } from './spool.ts'
import type { SpoolRecord } from './spool-record.ts'

/** People read what failed before they press Enter again; one stat a second is nothing. */
const PERIOD_MS = 1000

export interface SpoolWatchParts {
  setup: HookSetup
  isHarmless: IsHarmless
  /** One line that answers a failure, without `swarm: ` before it; null when nothing is known. */
  answer: (failure: Failure) => Promise<string | null>
  clock: Clock
  log: Log
}

export class SpoolWatch {
  readonly #parts: SpoolWatchParts
  #timer: Timer | null = null
  #seenBytes = -1
  /** Text of the last record that was looked at; null before the first look. */
  #last: string | null = null
  #isFirst = true

  constructor(parts: SpoolWatchParts) {
    this.#parts = parts
  }

  open(): void {
    this.#timer ??= every(this.#parts.clock, PERIOD_MS, () => void this.look())
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Looks once; resolves when every notice is written. */
  async look(): Promise<void> {
    const { setup, isHarmless, log } = this.#parts
    try {
      const sizeBytes = setup.spool.sizeBytes
      if (sizeBytes === this.#seenBytes) return
      this.#seenBytes = sizeBytes
      const records = setup.spool.read()
      const fresh = this.#fresh(records)
      if (!setup.config.enabled) return
      setup.index.fold(records, isHarmless)
      if (setup.config.notice) await this.#answer(fresh)
    } catch (error) {
      // A full disk or a folder taken away must not end the peer.
      log.warn(`the shell hook: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** What was written since the last look; at the first look all of it is old. */
  #fresh(records: readonly SpoolRecord[]): SpoolRecord[] {
    const texts = records.map((record) => JSON.stringify(record))
    const from = this.#isFirst ? records.length : texts.lastIndexOf(this.#last ?? '') + 1
    this.#isFirst = false
    this.#last = texts.at(-1) ?? this.#last
    return records.slice(from)
  }

  /** The last command of each shell, if it failed: what failed before is history. */
  async #answer(fresh: readonly SpoolRecord[]): Promise<void> {
    const { setup, answer } = this.#parts
    const lastOfShell = new Map(fresh.map((record) => [record.shellPid, record]))
    for (const record of lastOfShell.values()) {
      const isFailure = record.kind === 'ended' && record.status !== 0
      if (!isFailure || isOwnCommand(record.command)) continue
      const text = await answer(failureOf(record))
      if (text !== null) writeNotice(setup.spool.folder, record.shellPid, text)
    }
  }
}
