// Which logs are offered on which links. Each link of a member gets every log of the topic and no other:
// the logs are attached one by one, never the store as a whole, which would serve whatever is asked for by
// its key, those of other topics and the local ones included.

import type Hypercore from 'hypercore'
import type { PeerId } from '../../wire/ids.ts'

export class Replication {
  readonly #muxes = new Map<PeerId, unknown>()
  readonly #cores = new Set<Hypercore>()

  /** The link to a member is up. @param mux Protomux of its connection. */
  attach(peer: PeerId, mux: unknown): void {
    this.#muxes.set(peer, mux)
    for (const core of this.#cores) core.replicate(mux)
  }

  /** The link is down; its channels have gone with its connection. */
  detach(peer: PeerId): void {
    this.#muxes.delete(peer)
  }

  /** From now on every member gets this log. */
  offer(core: Hypercore): void {
    if (this.#cores.has(core)) return
    this.#cores.add(core)
    for (const mux of this.#muxes.values()) core.replicate(mux)
  }

  /** Nothing more goes over any link. */
  close(): void {
    for (const core of this.#cores) this.withdraw(core)
    this.#muxes.clear()
  }

  /** Nothing more of this log is asked of anybody, nor given. */
  withdraw(core: Hypercore): void {
    if (!this.#cores.delete(core)) return
    const { replicator } = core.core
    for (const mux of this.#muxes.values()) replicator.detachFrom(mux)
    // Each takes itself off the list.
    for (let [peer] = core.peers; peer; [peer] = core.peers) peer.channel.close()
  }
}
