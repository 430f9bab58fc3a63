// hypercore-crypto 3.7: ed25519 only.

declare module 'hypercore-crypto' {
  import type { KeyPair } from '@hyperswarm/secret-stream'

  interface Crypto {
    /** @param seed 32 bytes; random when absent. */
    keyPair(seed?: Uint8Array): KeyPair
    sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array
    verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean
  }

  const crypto: Crypto
  export default crypto
}
