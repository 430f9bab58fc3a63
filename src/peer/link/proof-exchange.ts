// The first thing on every connection, link or lane: each side sends one proof and reads one proof, and
// nothing else moves before the other's has verified. Owns a connection for exactly that long; what is
// attached to it afterwards is attached by the caller, in the same tick, so that no message is missed.

import { SwarmError } from '../../base/errors.ts'
import { UNPROVEN_BYTES_MAX } from '../../base/limits.ts'
import { PROTOCOL_VERSION } from '../../wire/hello.ts'
import { peerIdOf } from '../../wire/ids.ts'
import { proofOf, versionOfProof, type ProofUse } from '../../wire/proof.ts'
import { afterListening } from './silence.ts'
import { PROOF_TIMEOUT_MS, limitBytes } from './unproven.ts'
import { protocolRefusal } from './versions.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'

export interface ProofExchange {
  /** Sends our proof now, if it was held back. */
  send(): void
  /** Lets go of the connection without a verdict. */
  cancel(): void
}

/**
 * @param stream after its handshake.
 * @param options.hold keeps our proof back until send(), for a connection that may not be wanted.
 * @param onDone called once: null when the other side has proven that it knows the topic.
 */
export function exchangeProofs(
  stream: NoiseSecretStream,
  proofKey: Uint8Array,
  options: { use: ProofUse; clock: Clock; hold?: boolean },
  onDone: (error: SwarmError | null) => void
): ProofExchange {
  const { handshakeHash, isInitiator, rawStream } = stream
  let sent = false

  const unlimit = limitBytes(rawStream, () => {
    finish(refusal(`sent more than ${UNPROVEN_BYTES_MAX} bytes`))
  })
  const onData = (message: Uint8Array) => {
    const version = versionOfProof(message, proofKey, handshakeHash, options.use, !isInitiator)
    if (version === PROTOCOL_VERSION) finish(null)
    else if (version === null) finish(refusal('sent something else'))
    else finish(protocolRefusal(PROTOCOL_VERSION, version, peerIdOf(stream.remotePublicKey)))
  }
  const timer = afterListening(options.clock, PROOF_TIMEOUT_MS, () => {
    finish(refusal('sent nothing in time'))
  })

  function release(): void {
    timer.cancel()
    unlimit()
    stream.off('data', onData)
  }
  function finish(error: SwarmError | null): void {
    release()
    onDone(error)
  }
  function send(): void {
    if (sent) return
    sent = true
    stream.write(proofOf(proofKey, handshakeHash, options.use, isInitiator))
  }

  stream.on('data', onData)
  if (options.hold !== true) send()
  return { send, cancel: release }
}

function refusal(what: string): SwarmError {
  return new SwarmError(
    'WIRE_PROOF',
    `A connection was refused: instead of a proof that it knows this topic, the other side ${what}. ` +
      `Check that both machines joined the same topic with the same secret.`
  )
}
