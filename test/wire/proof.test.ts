import test from 'brittle'

import { PROTOCOL_VERSION } from '../../src/wire/hello.ts'
import { PROOF_BYTES, proofOf, versionOfProof } from '../../src/wire/proof.ts'

const key = new Uint8Array(32).fill(1)
const hash = new Uint8Array(64).fill(2)

const versionOf = (proof: Uint8Array) => versionOfProof(proof, key, hash, 'link', true)

test('proof - has its fixed size and verifies', (t) => {
  const proof = proofOf(key, hash, 'link', true)
  t.is(proof.byteLength, PROOF_BYTES)
  t.is(versionOf(proof), PROTOCOL_VERSION)
})

test('proof - is bound to topic, connection, use and role', (t) => {
  const others = [
    proofOf(new Uint8Array(32).fill(3), hash, 'link', true),
    proofOf(key, new Uint8Array(64).fill(3), 'link', true),
    proofOf(key, hash, 'lane', true),
    proofOf(key, hash, 'link', false)
  ]
  t.alike(others.map(versionOf), [null, null, null, null])
  t.is(new Set(others.map((other) => Buffer.from(other).toString('hex'))).size, 4)
})

test('proof - tells two members which versions met, and of an unknown one nothing', (t) => {
  const spoken = [PROTOCOL_VERSION + 1, 32, 0, 33].map((version) => {
    return versionOf(proofOf(key, hash, 'link', true, version))
  })
  t.alike(spoken, [PROTOCOL_VERSION + 1, 32, null, null])
})

test('proof - any bit changed, and another length, is no proof', (t) => {
  const proof = proofOf(key, hash, 'link', true)
  for (let bit = 0; bit < 8 * PROOF_BYTES; bit++) {
    const changed = new Uint8Array(proof)
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
    if (versionOf(changed) !== null) t.fail(`bit ${bit}`)
  }
  t.is(versionOf(proof.subarray(1)), null)
  t.is(versionOf(new Uint8Array(0)), null)
  t.is(versionOf(Buffer.concat([proof, new Uint8Array(1)])), null)
})
