// Links over TCP to peers that were heard on the local network: three round trips to a handshake that
// needs no DHT, on IPv4 and on IPv6 with nothing but link-local addresses. Owns the dials in progress, at
// most one per peer. When to dial at all is dial-policy.ts's; the way over UDX is discovery.ts's.

import { LaneDial } from '../lane/lane-dial.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type { Clock, Timer } from '../../base/clock.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { HintAddress } from './dial-policy.ts'

/** On a LAN TCP takes 5 ms; one that is dropped by a firewall answers nothing, and UDX may get through. */
export const HEAD_START_MS = 150

export interface DirectDialsHandlers {
  onStream(stream: NoiseSecretStream): void
  /** Once at most: TCP failed, or is not through in time though it still may be. Try another way too. */
  onLate(peer: PeerId): void
}

export class DirectDials {
  readonly #keyPair: KeyPair
  readonly #clock: Clock
  readonly #handlers: DirectDialsHandlers
  readonly #dials = new Map<PeerId, { dial: LaneDial; late: Timer }>()

  constructor(keyPair: KeyPair, clock: Clock, handlers: DirectDialsHandlers) {
    this.#keyPair = keyPair
    this.#clock = clock
    this.#handlers = handlers
  }

  /**
   * @param addresses the newest first; its port is the peer's present one.
   * @returns false when the peer takes no TCP, or nobody knows where it is.
   */
  dial(peer: PeerId, addresses: readonly HintAddress[]): boolean {
    const port = addresses[0]?.lanePort ?? 0
    if (port === 0) return false
    this.cancel(peer)
    const hosts = addresses.map(({ host }) => host)
    const target = { hosts, port, publicKey: Buffer.from(peer, 'hex') }
    const dial = new LaneDial(target, this.#keyPair, this.#clock, (stream) => {
      this.cancel(peer)
      if (stream !== null) this.#handlers.onStream(stream)
      else if (!isLate) this.#handlers.onLate(peer)
    })
    let isLate = false
    const late = this.#clock.after(HEAD_START_MS, () => {
      isLate = true
      this.#handlers.onLate(peer)
    })
    this.#dials.set(peer, { dial, late })
    return true
  }

  cancel(peer: PeerId): void {
    const one = this.#dials.get(peer)
    this.#dials.delete(peer)
    one?.late.cancel()
    one?.dial.cancel()
  }

  close(): void {
    for (const peer of this.#dials.keys()) this.cancel(peer)
  }
}
