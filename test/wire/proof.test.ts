import test from 'brittle'

import { PROOF_BYTES, isProof, proofOf } from '../../src/wire/proof.ts'

const key = new Uint8Array(32).fill(1)
const hash = new Uint8Array(64).fill(2)

test('proof - has its fixed size and verifies', (t) => {
  const proof = proofOf(key, hash, 'link', true)
  t.is(proof.byteLength, PROOF_BYTES)
  t.ok(isProof(proof, proofOf(key, hash, 'link', true)))
})

test('proof - is bound to topic, connection, use and role', (t) => {
  const proof = proofOf(key, hash, 'link', true)
  const others = [
    proofOf(new Uint8Array(32).fill(3), hash, 'link', true),
    proofOf(key, new Uint8Array(64).fill(3), 'link', true),
    proofOf(key, hash, 'lane', true),
    proofOf(key, hash, 'link', false)
  ]
  t.absent(others.some((other) => isProof(proof, other)))
  t.is(new Set(others.map((other) => Buffer.from(other).toString('hex'))).size, 4)
})

test('proof - another length is no proof', (t) => {
  const proof = proofOf(key, hash, 'link', true)
  t.absent(isProof(proof.subarray(1), proof))
  t.absent(isProof(new Uint8Array(0), proof))
  t.absent(isProof(Buffer.concat([proof, new Uint8Array(1)]), proof))
})
