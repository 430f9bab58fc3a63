// Peers that came with another model, compared as soon as both models are known: with the link, or when one
// of the files has been read. Owns whom the user was told of; which of two gives way is one-model.ts's.

import { systemClock } from '../base/clock.ts'
import { describeRival, secondModel } from './one-model.ts'

import type { SwarmError } from '../base/errors.ts'
import type { PeerId } from '../wire/ids.ts'
import type { NodeParts } from './node-parts.ts'

export class Rivals {
  readonly #parts: NodeParts
  /** Each told of once. */
  readonly #told = new Set<PeerId>()

  constructor(parts: NodeParts) {
    this.#parts = parts
  }

  /** @returns MODEL_SECOND when this peer has to give way to that one; else null, and the user is told. */
  compare(peer: PeerId): SwarmError | null {
    const { identity, model, network, openedMs, topic, hub } = this.#parts
    const link = network?.links().find((one) => one.peer === peer)
    const other = network?.directory.get(peer)?.record.model ?? null
    if (identity === null || model === null || other === null || link === undefined) return null
    if (other.id === model.id) return null
    const own = { key: identity.id, model, upMs: systemClock.now() - openedMs }
    const rival = { key: peer, model: other, upMs: link.hello.upMs + link.upMs }
    const second = secondModel(own, rival, topic.name)
    if (second === null && !this.#told.has(peer)) {
      this.#told.add(peer)
      hub.emit('refused', describeRival(rival), { peer, code: 'MODEL_SECOND' })
    }
    return second
  }
}
