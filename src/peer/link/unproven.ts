// What a connection may cost before the other side has proven that it belongs here: how long, and how
// many bytes. Shared by links and lanes, on the dialling and on the accepting side.

import { UNPROVEN_BYTES_MAX } from '../../base/limits.ts'

import type { RawStream } from '@hyperswarm/secret-stream'

/** For each of handshake, proof and hello. A member needs a round trip; a stranger gets no longer. */
export const PROOF_TIMEOUT_MS = 3000

/**
 * Counts the raw bytes that arrive, before they are decrypted or put together to messages.
 * @param onExceeded called when UNPROVEN_BYTES_MAX is passed.
 * @returns ends the counting.
 */
export function limitBytes(rawStream: RawStream, onExceeded: () => void): () => void {
  let receivedBytes = 0
  const onData = (chunk: Uint8Array) => {
    receivedBytes += chunk.byteLength
    if (receivedBytes > UNPROVEN_BYTES_MAX) onExceeded()
  }
  rawStream.on('data', onData)
  return () => rawStream.off('data', onData)
}
