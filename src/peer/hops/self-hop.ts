// The hop of a peer to itself: no socket, no encoding, but the same promises. Messages arrive in order
// and never inside send(), so that a route through this machine behaves as one through another.

import { activationBytes } from '../../wire/session-codec.ts'

import type { ActivationFrame, Hop } from '../../pipeline/hop.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { ActivationHeader, SessionMessage } from '../../wire/session.ts'

export class SelfHop implements Hop {
  readonly peer: PeerId
  /** Nothing is given to the operating system, so nothing waits for it. */
  readonly backlogBytes = 0
  readonly #deliver: (message: SessionMessage) => void
  #waiting: SessionMessage[] = []

  /** @param deliver must not throw. */
  constructor(peer: PeerId, deliver: (message: SessionMessage) => void) {
    this.peer = peer
    this.#deliver = deliver
  }

  send(message: SessionMessage): void {
    this.#waiting.push(message)
    if (this.#waiting.length === 1) setImmediate(() => this.#flush())
  }

  allocate(header: ActivationHeader): ActivationFrame {
    const payload = new Uint8Array(activationBytes(header))
    return { payload, send: () => this.send({ type: 'activation', ...header, payload }) }
  }

  // What is sent meanwhile waits for the next round, so that sockets get their turn in between.
  #flush(): void {
    const messages = this.#waiting
    this.#waiting = []
    for (const message of messages) this.#deliver(message)
  }
}
