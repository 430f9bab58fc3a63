// Peers that came with another model, compared as soon as both models are known: with the link, or when one
// of the files has been read. Owns whom the user was told of, and the dropping of a model that gives way;
// which of two does is one-model.ts's.

import { systemClock } from '../base/clock.ts'
import { SwarmError } from '../base/errors.ts'
import { NO_AIM } from './next-move.ts'
import { besideAnother, describeDropped, describeRival } from './one-model.ts'

import type { PeerId } from '../wire/ids.ts'
import type { ModelRecord } from '../wire/record.ts'
import type { NodeParts } from './node-parts.ts'

export class Rivals {
  readonly #parts: NodeParts
  /** Each told of once. */
  readonly #told = new Set<PeerId>()

  constructor(parts: NodeParts) {
    this.#parts = parts
  }

  /**
   * Drops our model where it has to give way and the peer can stay.
   * @returns MODEL_SECOND when this peer cannot stay; else null, and the user is told.
   */
  compare(peer: PeerId): SwarmError | null {
    const { identity, model, network, openedMs, topic, hub } = this.#parts
    const link = network?.links().find((one) => one.peer === peer)
    const other = network?.directory.get(peer)?.record.model ?? null
    if (identity === null || model === null || other === null || link === undefined) return null
    if (other.id === model.id) return null
    const claim = { id: model.id, name: model.name, givesWay: model.isSentinel }
    const own = { key: identity.id, model: claim, upMs: systemClock.now() - openedMs }
    const rival = { key: peer, model: other, upMs: link.hello.upMs + link.upMs }
    const verdict = besideAnother(own, rival, topic.name)
    if (verdict instanceof SwarmError) return verdict
    if (verdict === 'dropped') this.#drop(other)
    else if (!other.givesWay && !this.#told.has(peer)) {
      this.#told.add(peer)
      hub.emit('refused', describeRival(rival), { peer, code: 'MODEL_SECOND' })
    }
    return null
  }

  /** The peer goes on as one without a model file; its sessions end or are sent elsewhere. */
  #drop(other: ModelRecord): void {
    const { watch, serving, network, hub } = this.#parts
    watch?.close()
    this.#parts.watch = null
    this.#parts.generator = null
    this.#parts.model = null
    this.#parts.droppedFor = other
    serving?.keeper.aim({ ...NO_AIM, isSettled: true })
    network?.publish({ model: null, pin: null })
    hub.emit('model', describeDropped(other))
  }
}
