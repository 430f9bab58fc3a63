// Flow A, the encrypted stream below a lane. A secret stream encrypts in place only what was allocated
// last and copies the rest; here every buffer keeps its own room for the envelope, however many frames
// are being filled and however long they wait for the socket. So an activation leaves in the very bytes
// that the stage wrote. It also reserves memory for whatever length a message claims to have, 16 MiB of
// it; here nobody can make it do so who has not sent one whole message, which is the proof.
// Owns no decision about connections.

import NoiseSecretStream from '@hyperswarm/secret-stream'

/** Bytes of a handshake message, of the cipher's header, or of a proof: the longest of them has 113. */
const FIRST_MESSAGES_BYTES_MAX = 256

export class LaneStream extends NoiseSecretStream {
  /** For each buffer that alloc() gave out and write() has not sent: the one that it lies in. */
  readonly #rooms = new WeakMap<Uint8Array, Uint8Array>()
  /** Until the first message after the handshake has come in whole. Whoever fails the proof is gone. */
  #isFirst = true

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

  protected override _onrawdata(data: Uint8Array): void {
    let rest = data
    while (this.#isFirst && rest.byteLength > 0 && !this.destroying) {
      const isMessage = this._state === 1
      const isProof = isMessage && !this._setup
      const missingBytes = isMessage ? this._len - this._tmp : 1
      super._onrawdata(rest.subarray(0, missingBytes))
      rest = rest.subarray(missingBytes)
      if (this._state === 1 && this._len > FIRST_MESSAGES_BYTES_MAX) this.destroy()
      if (isProof && this._state === 0) this.#isFirst = false
    }
    if (rest.byteLength > 0 && !this.destroying) super._onrawdata(rest)
  }
}
