// All logs of one author in one scope: a pair per epoch, and the table that they come to. Joins followed
// logs to the codecs and the table; names the author once where its logs break a rule. Does not open
// sessions or choose whom to follow (log-set.ts).

import { BASIN_BYTES, decodeBasin } from '../../wire/basin.ts'
import { decodeBeeBlock } from '../../wire/bee-block.ts'
import { decodeFactValue } from '../../wire/fact.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import { SwarmError } from '../../base/errors.ts'
import { FACT_BLOCK_BYTES_MAX } from '../../base/limits.ts'
import { toHex } from '../../base/text.ts'
import { EntryTable, type Place } from './entry-table.ts'
import { FollowedLog, type LogHandlers } from './followed-log.ts'

import type Hypercore from 'hypercore'
import type { Clock } from '../../base/clock.ts'
import type { Basin, Fact } from '../../wire/knowledge.ts'
import type { KnowledgeEvent } from '../ports.ts'

const ID_BYTES = 16

export interface AuthorSink {
  putFact(author: PeerId, fact: Fact): void
  putBasin(author: PeerId, basin: Basin): void
  remove(author: PeerId, id: string): void
}

export interface AuthorPorts {
  clock: Clock
  sink: AuthorSink
  onEvent(event: KnowledgeEvent): void
  /** More is here, or read. */
  onChange(): void
  /** A log of this author is not to be offered any more. */
  withdraw(core: Hypercore): void
  /** Our own store failed. */
  onError(error: unknown): void
  onRecovered(): void
}

interface Pair {
  basins: FollowedLog
  facts: FollowedLog
}

export class AuthorLogs {
  readonly author: PeerId
  readonly table: EntryTable
  readonly #ports: AuthorPorts
  readonly #pairs = new Map<number, Pair>()

  constructor(author: PeerId, ports: AuthorPorts) {
    const { sink } = ports
    this.author = author
    this.#ports = ports
    this.table = new EntryTable(author, {
      putFact: (fact) => sink.putFact(author, fact),
      putBasin: (basin) => sink.putBasin(author, basin),
      remove: (id) => sink.remove(author, id),
      readBasin: (place) => this.#readBasin(place)
    })
  }

  /** Takes over both sessions. */
  follow(epoch: number, basins: Hypercore, facts: Hypercore): void {
    const { clock } = this.#ports
    const onFact = (seq: number, block: Uint8Array) => this.#fact({ epoch, seq }, block)
    const onBasin = (seq: number, block: Uint8Array) => {
      this.table.putBasin({ epoch, seq }, decodeBasin(block))
    }
    this.#pairs.set(epoch, {
      facts: new FollowedLog(
        facts,
        { first: 1, blockBytesMax: FACT_BLOCK_BYTES_MAX },
        clock,
        this.#handlers(facts, 'knowledge bee', onFact)
      ),
      basins: new FollowedLog(
        basins,
        { first: 0, blockBytesMax: BASIN_BYTES },
        clock,
        this.#handlers(basins, 'basin log', onBasin)
      )
    })
  }

  get bytes(): number {
    return this.#logs.reduce((sum, { core }) => sum + core.byteLength, 0)
  }

  get isComplete(): boolean {
    return this.#logs.every((log) => log.isComplete)
  }

  /** Resolves when all that is here has been read. */
  async caughtUp(): Promise<void> {
    for (const log of this.#logs) await log.tail.poke()
  }

  async drop(epoch: number): Promise<void> {
    const pair = this.#pairs.get(epoch)
    this.#pairs.delete(epoch)
    for (const log of [pair?.basins, pair?.facts]) {
      if (log === undefined) continue
      this.#ports.withdraw(log.core)
      await log.close()
    }
  }

  async close(): Promise<void> {
    for (const log of this.#logs) await log.close()
  }

  get #logs(): FollowedLog[] {
    return [...this.#pairs.values()].flatMap(({ basins, facts }) => [facts, basins])
  }

  async #fact(place: Place, block: Uint8Array): Promise<void> {
    const { key, value } = decodeBeeBlock(block)
    if (key.byteLength !== ID_BYTES) {
      throw new SwarmError('WIRE_BAD_FRAME', 'an entry of a knowledge bee is no fact')
    }
    await this.table.putValue(place, toHex(key), decodeFactValue(value))
  }

  async #readBasin({ epoch, seq }: Place): Promise<Basin | null> {
    const block = await this.#pairs.get(epoch)?.basins.core.get(seq, { wait: false })
    return block ? decodeBasin(block) : null
  }

  #handlers(core: Hypercore, what: string, onBlock: LogHandlers['onBlock']): LogHandlers {
    const { onEvent, onChange, onError, onRecovered, withdraw } = this.#ports
    const author = this.author
    const whose = `the ${what} of ${shortId(author)}`
    let isTold = false
    return {
      onBlock,
      onChange,
      onError,
      onRecovered,
      onForgery: (peer) => {
        const text = `${shortId(peer)} gave entries of ${whose} that are not of its author`
        onEvent({ kind: 'fault', author: peer, text })
      },
      onFault: (seq, error) => {
        // Once: who writes one such block can write a million.
        if (isTold) return
        isTold = true
        const text = `Entry ${seq} of ${whose} is malformed and was skipped: ${error.message}`
        onEvent({ kind: 'fault', author, text })
      },
      onFlood: () => {
        const text = `The ${what} of ${shortId(author)} grows faster than it is fetched here`
        onEvent({ kind: 'flood', author, text })
      },
      onRefused: (reason) => {
        withdraw(core)
        const text = `Nothing more is fetched of ${whose}: ${reason}`
        onEvent({ kind: 'refused', author, text })
      }
    }
  }
}
