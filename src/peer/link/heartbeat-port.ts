// The main loop's side of the heartbeats: starts their thread (heartbeat-thread.ts), tells it of links and
// hears from it. Without threads or without UDP there are no heartbeats, and links live by their pings.

import { Worker } from 'node:worker_threads'

import type { Log } from '../../base/log.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { FromThread, ThreadData, ToThread } from './heartbeat-thread.ts'
import type { Beat, BeatNeighbour } from './heartbeats.ts'

/** Of the thread's heap: it holds 64 neighbours and nothing else. */
const HEAP_MIB = 16

export class HeartbeatPort {
  readonly #log: Log
  readonly #onBeat: (beat: Beat) => void
  readonly #ticks = new Int32Array(new SharedArrayBuffer(4))
  #worker: Worker | null = null
  #closed = false

  /** @param onBeat called for each heartbeat of a neighbour. */
  constructor(log: Log, onBeat: (beat: Beat) => void) {
    this.#log = log
    this.#onBeat = onBeat
  }

  /**
   * @param host address to bind; all when null.
   * @returns the UDP port to announce; 0 when there is none.
   */
  open(host: string | null): Promise<number> {
    return new Promise((resolve) => {
      const fail = (error: unknown) => {
        this.#worker = null
        this.#log.warn(`no heartbeats, so lost peers are noticed later: ${String(error)}`)
        resolve(0)
      }
      const workerData: ThreadData = { host, ticks: this.#ticks }
      const worker = new Worker(new URL('./heartbeat-thread.js', import.meta.url), {
        name: 'heartbeats',
        workerData,
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: HEAP_MIB / 4 }
      })
      this.#worker = worker
      worker.unref()
      worker.on('error', fail)
      worker.on('exit', () => resolve(0))
      worker.on('message', (message: FromThread) => {
        if (message.type === 'beat') this.#onBeat(message)
        else resolve(message.port)
      })
      if (this.#closed) this.close()
    })
  }

  /** The main loop is there. To be called at every tick: without it heartbeats end. */
  tick(): void {
    Atomics.add(this.#ticks, 0, 1)
  }

  linkUp(neighbour: BeatNeighbour): void {
    this.#tell({ type: 'add', neighbour })
  }

  linkDown(peer: PeerId): void {
    this.#tell({ type: 'remove', peer })
  }

  close(): void {
    this.#closed = true
    this.#tell({ type: 'close' })
    this.#worker = null
  }

  #tell(message: ToThread): void {
    this.#worker?.postMessage(message)
  }
}
