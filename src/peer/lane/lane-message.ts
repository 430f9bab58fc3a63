// Bytes <-> what two ends of a lane say to each other. One message of the secret stream is a byte for
// its kind and then the rest; a session frame and a piece of weights follow it unchanged.
//
//   0 session frame: the frame          3 signal: u8, index into LANE_SIGNALS; u32, number of the move
//   1 ping: number u32                  4 piece of a block of weights: weights-piece.ts
//   2 pong: the number of the ping      5 padding: bytes that mean nothing, to see what a path carries
//                                       all numbers little-endian

export const KIND_SESSION = 0
export const KIND_PING = 1
export const KIND_PONG = 2
export const KIND_SIGNAL = 3
export const KIND_PIECE = 4
export const KIND_PADDING = 5

export const PING_BYTES = 5
const SIGNAL_BYTES = 6

/**
 * What a lane is for, and the moments of a change from one way to another. The order is the protocol.
 * 'offer': this lane may carry session frames; the side with the lower key decides.
 * 'use': it carries them from now on; what was on an earlier way is lost. From the lower key only.
 * 'after-lane', 'after-link': it carries them from now on, after the end of the lane or of the link's
 * own frames. From the lower key only.
 * 'end': no session frame follows on this lane; they go on where 'after-lane' was said.
 * Both halves of a move carry its number, counted by the lower key; other signals carry 0.
 * 'weights': it carries weights, from whoever dialled it.
 * 'want-weights': the sender cannot dial; the receiver is to open a lane for weights.
 */
export const LANE_SIGNALS = [
  'offer',
  'use',
  'after-lane',
  'after-link',
  'end',
  'weights',
  'want-weights'
] as const

export type LaneSignal = (typeof LANE_SIGNALS)[number]

export function pingMessage(kind: typeof KIND_PING | typeof KIND_PONG, id: number): Uint8Array {
  const message = new Uint8Array(PING_BYTES)
  message[0] = kind
  new DataView(message.buffer).setUint32(1, id, true)
  return message
}

/** The number of a ping or pong; null when it is none. */
export function pingIdOf(message: Uint8Array): number | null {
  if (message.byteLength !== PING_BYTES) return null
  return new DataView(message.buffer, message.byteOffset).getUint32(1, true)
}

export function signalMessage(signal: LaneSignal, move: number): Uint8Array {
  const message = new Uint8Array(SIGNAL_BYTES)
  message[0] = KIND_SIGNAL
  message[1] = LANE_SIGNALS.indexOf(signal)
  new DataView(message.buffer).setUint32(2, move, true)
  return message
}

/** Null when it is none. */
export function signalOf(message: Uint8Array): { signal: LaneSignal; move: number } | null {
  const signal = LANE_SIGNALS[message[1] as number]
  if (message.byteLength !== SIGNAL_BYTES || signal === undefined) return null
  return { signal, move: new DataView(message.buffer, message.byteOffset).getUint32(2, true) }
}
