// Flow A, serving side: the sessions of a stage host by their id. A peer may have several stages of one
// session, so an id may stand for several: frames name theirs by epoch and index, a new epoch finds it by
// its layers, since its index may have changed. Owns nothing but the table.

import type { LayerRange } from '../model/layer-range.ts'
import type { SessionId } from '../wire/ids.ts'
import type { HostedSession } from './hosted-session.ts'

export class SessionTable {
  readonly #byId = new Map<SessionId, HostedSession[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  all(): HostedSession[] {
    return [...this.#byId.values()].flat()
  }

  of(id: SessionId): readonly HostedSession[] {
    return this.#byId.get(id) ?? []
  }

  /** Null when the frame is late, or for a stage that is elsewhere. */
  find(id: SessionId, epoch: number, index: number): HostedSession | null {
    const isIt = ({ open }: HostedSession) => open.epoch === epoch && open.index === index
    return this.#byId.get(id)?.find(isIt) ?? null
  }

  withLayers(id: SessionId, { start, end }: LayerRange): HostedSession | null {
    const isIt = ({ stage }: HostedSession) => stage.start === start && stage.end === end
    return this.#byId.get(id)?.find(isIt) ?? null
  }

  add(session: HostedSession): void {
    const { session: id } = session.open
    this.#byId.set(id, [...this.of(id), session])
    this.#size++
  }

  remove(session: HostedSession): void {
    const { session: id } = session.open
    const left = this.of(id).filter((other) => other !== session)
    if (left.length === this.of(id).length) return
    this.#size--
    if (left.length === 0) this.#byId.delete(id)
    else this.#byId.set(id, left)
  }
}
