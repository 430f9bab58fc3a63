// What happens on this peer, told to whoever listens: the terminal of `swarm join`, and the event
// streams of the API. A listener that does not keep up loses events, never the peer its time. Remembers
// the last events and the last troubles, for whoever looks later.

import type { Clock } from '../base/clock.ts'
import { Queue } from '../base/queue.ts'
import type { NodeEvent } from '../api/service.ts'

/** Events a slow reader may be behind: minutes of an ordinary swarm. */
const BEHIND_MAX = 1000
/** Kinds of events that tell of something wrong, and how many of them are remembered. */
const TROUBLES = new Set(['refused', 'error'])
const TROUBLES_MAX = 16
/** Events remembered: what fits a large screen. */
const RECENT_MAX = 64

export class EventHub {
  readonly #clock: Clock
  readonly #first: (event: NodeEvent) => void
  readonly #queues = new Set<Queue<NodeEvent>>()
  #troubles: NodeEvent[] = []
  #recent: NodeEvent[] = []

  /** @param first hears every event, before the others. */
  constructor(clock: Clock, first: (event: NodeEvent) => void) {
    this.#clock = clock
    this.#first = first
  }

  /** @param text one line, already fit to print. */
  emit(kind: string, text: string, data?: Record<string, unknown>): void {
    const event: NodeEvent = { wallMs: this.#clock.wallMs(), kind, text, ...(data && { data }) }
    if (TROUBLES.has(kind)) this.#troubles = [...this.#troubles, event].slice(-TROUBLES_MAX)
    this.#recent = [...this.#recent, event].slice(-RECENT_MAX)
    this.#first(event)
    for (const queue of this.#queues) queue.push(event)
  }

  /** The last events of any kind, oldest first. */
  get recent(): NodeEvent[] {
    return this.#recent
  }

  /** The last events that told of something wrong, oldest first. */
  get troubles(): NodeEvent[] {
    return this.#troubles
  }

  /** Events from now on until the signal aborts. */
  subscribe(signal: AbortSignal): AsyncIterable<NodeEvent> {
    const queue = new Queue<NodeEvent>(BEHIND_MAX, () => this.#queues.delete(queue))
    const end = () => {
      this.#queues.delete(queue)
      queue.close()
    }
    this.#queues.add(queue)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
    return queue
  }

  close(): void {
    for (const queue of this.#queues) queue.close()
    this.#queues.clear()
  }
}
