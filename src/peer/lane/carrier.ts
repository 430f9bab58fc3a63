// The way that session frames to one peer take at present: a TCP lane, or a channel of the link where
// no TCP gets through. hops.ts writes to a carrier and does not know which; lanes.ts chooses it.

import type { SwarmError } from '../../base/errors.ts'

/** Room for one large frame: fill `bytes`, then ship. On a closed carrier ship does nothing. */
export interface OutgoingFrame {
  readonly bytes: Uint8Array
  ship(): void
}

export interface Carrier {
  readonly kind: 'tcp' | 'udx'
  /** Bytes shipped but not yet given to the operating system. */
  readonly backlogBytes: number
  /** Ships a copy. For small frames, and those that were made before there was a carrier. */
  ship(bytes: Uint8Array): void
  /** For frames worth filling in place. */
  allocate(sizeBytes: number): OutgoingFrame
  /** The peer is too slow or breaks the protocol; `error` is the reason reported. */
  close(error: SwarmError): void
}
