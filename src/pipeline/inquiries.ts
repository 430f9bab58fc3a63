// Flow B, the origin dies too, asking side: what other members know of sessions. Owns the questions that
// wait for an answer; a member that says nothing knows nothing. A session's text is asked for only by a
// peer that attaches to it.

import { SwarmError } from '../base/errors.ts'
import { SESSION_QUESTION_MS } from '../base/limits.ts'

import type { Clock } from '../base/clock.ts'
import type { PeerId, SessionId } from '../wire/ids.ts'
import type {
  ListedMessage,
  ListedSession,
  ListMessage,
  RecalledMessage,
  RecallMessage
} from '../wire/session.ts'
import type { Hops } from './hop.ts'

/** Questions to one peer about one thing share its answer. */
type Answer = ListedMessage | RecalledMessage

/** How often a part of a log is asked for before its keeper counts as silent. */
const RECALL_TRIES = 3

/** A session as one member sees it. */
export interface Sighting extends ListedSession {
  by: PeerId
}

/** All that is known of an answer: its first part says what it was asked for, with the ids of all parts. */
export type Recalled = Omit<RecalledMessage, 'type' | 'position' | 'ids'> & { ids: number[] }

export class Inquiries {
  readonly #hops: Hops
  readonly #clock: Clock
  readonly #waiting = new Map<string, ((answer: Answer | null) => void)[]>()

  constructor(hops: Hops, clock: Clock) {
    this.#hops = hops
    this.#clock = clock
  }

  /** What these members see, those that answer in time. Private sessions are not among it. */
  async list(peers: readonly PeerId[]): Promise<Sighting[]> {
    const answers = await Promise.all(
      peers.map(async (by) => {
        const answer = await this.#ask(by, { type: 'list' })
        return (answer as ListedMessage | null)?.sessions.map((seen) => ({ ...seen, by })) ?? []
      })
    )
    return answers.flat()
  }

  /** The log of a session, from one that has it. @throws PEER_TIMEOUT */
  async recall(from: PeerId, session: SessionId): Promise<Recalled> {
    let whole: Recalled | null = null
    for (let position = 0; whole === null || position < whole.endTokens;) {
      const part = await this.#part(from, { type: 'recall', session, position })
      // While its origin was there yet, more of it may have come.
      const { type: _, position: at, ids, ...head } = part
      if (at !== position) break
      whole ??= { ...head, ids: [] }
      for (const id of ids) if (whole.ids.length < whole.endTokens) whole.ids.push(id)
      position = whole.ids.length
    }
    if (whole === null) throw silent()
    return whole
  }

  /** @param message from a peer that was asked; from others it is dropped. */
  handle(from: PeerId, message: Answer): void {
    const key = keyOf(from, message.type === 'listed' ? { type: 'list' } : recallOf(message))
    for (const settle of this.#waiting.get(key) ?? []) settle(message)
  }

  async #part(from: PeerId, question: RecallMessage): Promise<RecalledMessage> {
    for (let tries = 0; tries < RECALL_TRIES; tries++) {
      const answer = await this.#ask(from, question)
      if (answer !== null) return answer as RecalledMessage
    }
    throw silent()
  }

  /** Null when there is no answer in time, or no way to the peer. */
  #ask(peer: PeerId, question: ListMessage | RecallMessage): Promise<Answer | null> {
    const key = keyOf(peer, question)
    return new Promise((resolve) => {
      const settle = (answer: Answer | null) => {
        timer.cancel()
        const others = (this.#waiting.get(key) ?? []).filter((one) => one !== settle)
        if (others.length > 0) this.#waiting.set(key, others)
        else this.#waiting.delete(key)
        resolve(answer)
      }
      const timer = this.#clock.after(SESSION_QUESTION_MS, () => settle(null))
      this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), settle])
      try {
        this.#hops.to(peer).send(question)
      } catch {
        settle(null)
      }
    })
  }
}

function recallOf({ session, position }: RecalledMessage): RecallMessage {
  return { type: 'recall', session, position }
}

function keyOf(peer: PeerId, question: ListMessage | RecallMessage): string {
  if (question.type === 'list') return peer
  return `${peer} ${question.session} ${question.position}`
}

function silent(): SwarmError {
  const text = 'the member that keeps the session does not tell what it knows of it: ask again'
  return new SwarmError('PEER_TIMEOUT', text)
}
