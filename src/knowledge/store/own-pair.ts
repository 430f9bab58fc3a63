// The two logs that this installation writes at a time, and how one batch of entries gets into both: facts
// through the bee, basins as records. Owns neither the order among callers (write-line.ts)
// nor what an entry is.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import Hyperbee from 'hyperbee'

import { encodeBasin } from '../../wire/basin.ts'
import { encodeFactValue, type FactValue } from '../../wire/fact.ts'
import { syncFolder } from './saved-file.ts'
import { OwnLog, type OwnState } from './own-log.ts'

import type { Clock } from '../../base/clock.ts'
import type { Basin } from '../../wire/knowledge.ts'
import type { Shelf } from './shelf.ts'

/** What one entry adds to the logs. */
export interface Change {
  /** 32 hex digits. */
  id: string
  value: FactValue
  /** Null when the basin of the entry is in the log already, or the entry is forgotten. */
  basin: Basin | null
}

export class OwnPair {
  readonly basins: OwnLog
  readonly facts: OwnLog
  readonly #bee: Hyperbee

  private constructor(basins: OwnLog, facts: OwnLog) {
    this.basins = basins
    this.facts = facts
    this.#bee = new Hyperbee(facts.core, { extension: false })
  }

  /**
   * The pair of an epoch; made when there is none.
   * @param folder for the marks.
   * @param topic hex digits of its discovery key, or 'local'.
   */
  static async open(
    shelf: Shelf,
    folder: string,
    topic: string,
    epoch: number,
    clock: Clock
  ): Promise<OwnPair> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await syncFolder(join(folder, '..'))
    } catch (error) {
      throw shelf.error(error)
    }
    const open = (kind: string) => {
      const name = `${kind}/${topic}/${epoch}`
      return OwnLog.open(shelf, name, join(folder, `${kind}-${epoch}.mark`), clock)
    }
    const pair = new OwnPair(await open('basins'), await open('facts'))
    await pair.#bee.ready()
    return pair
  }

  /** The worse of both. */
  async state(): Promise<OwnState> {
    const [basins, facts] = [await this.basins.state(), await this.facts.state()]
    if (basins === 'lost' || facts === 'lost') return 'lost'
    return basins === 'ready' ? facts : basins
  }

  /** Durable when it resolves; one caller at a time. @throws STORE_FULL, STORE_UNREADABLE */
  async commit(changes: Change[]): Promise<void> {
    const basins = changes.flatMap(({ basin }) => (basin === null ? [] : [encodeBasin(basin)]))
    const results = await Promise.allSettled([
      this.#putFacts(changes),
      basins.length > 0 ? this.basins.append(basins) : null
    ])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  async close(): Promise<void> {
    await this.basins.close()
    await this.facts.close()
  }

  async #putFacts(changes: Change[]): Promise<void> {
    const batch = this.#bee.batch()
    try {
      for (const { id, value } of changes) {
        await batch.put(Buffer.from(id, 'hex'), Buffer.from(encodeFactValue(value)))
      }
      // Not flush(): its append would go past the mark.
      await this.facts.append(batch.toBlocks())
    } finally {
      await batch.close()
    }
  }
}
