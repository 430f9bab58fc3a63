// Two ends of one encrypted connection inside this process, after a real Noise handshake, without a
// socket: for tests that need thousands of them.

import { once } from 'node:events'
import { Duplex } from 'node:stream'
import NoiseSecretStream from '@hyperswarm/secret-stream'

import type { Identity } from '../../src/peer/identity.ts'

/** One end of a pipe: what is written comes out of the other. */
class PipeEnd extends Duplex {
  other: PipeEnd | null = null

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // Later, as a socket would: the other end may not have begun to read.
    setImmediate(() => {
      this.other?.push(Buffer.from(chunk))
      done()
    })
  }

  override _final(done: () => void): void {
    this.other?.push(null)
    done()
  }

  override _read(): void {}

  override _destroy(_error: Error | null, done: () => void): void {
    const { other } = this
    if (other !== null && !other.destroyed) setImmediate(() => other.destroy())
    done()
  }
}

/** @returns the end that dialled, then the one that accepted. */
export async function memoryPair(
  dials: Identity,
  accepts: Identity
): Promise<[NoiseSecretStream, NoiseSecretStream]> {
  const [near, far] = [new PipeEnd(), new PipeEnd()]
  near.other = far
  far.other = near
  const ends: [NoiseSecretStream, NoiseSecretStream] = [
    new NoiseSecretStream(true, near, {
      pattern: 'IK',
      keyPair: dials.keyPair,
      remotePublicKey: accepts.keyPair.publicKey
    }),
    new NoiseSecretStream(false, far, { pattern: 'IK', keyPair: accepts.keyPair })
  ]
  await Promise.all(
    ends.map((end) => {
      end.on('error', () => {})
      return once(end, 'connect')
    })
  )
  return ends
}
