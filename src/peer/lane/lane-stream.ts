// Flow A, the encrypted stream below a lane. A secret stream encrypts in place only what was allocated
// last and copies the rest; here every buffer keeps its own room for the envelope, however many frames
// are being filled and however long they wait for the socket. So an activation leaves in the very bytes
// that the stage wrote. Owns no decision about connections.

import NoiseSecretStream from '@hyperswarm/secret-stream'

export class LaneStream extends NoiseSecretStream {
  /** For each buffer that alloc() gave out and write() has not sent: the one that it lies in. */
  readonly #rooms = new WeakMap<Uint8Array, Uint8Array>()

  /** @returns a buffer that write() encrypts where it is, and that is not to be touched afterwards. */
  override alloc(sizeBytes: number): Uint8Array {
    const plain = super.alloc(sizeBytes)
    if (this._outgoingWrapped !== null) this.#rooms.set(plain, this._outgoingWrapped)
    return plain
  }

  protected override _write(data: Uint8Array, done: (error: Error | null) => void): void {
    const wrapped = this.#rooms.get(data)
    if (wrapped !== undefined) {
      this.#rooms.delete(data)
      this._outgoingPlain = data
      this._outgoingWrapped = wrapped
    }
    super._write(data, done)
  }
}
