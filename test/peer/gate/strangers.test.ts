// Whoever is not meant to be here, over real Noise connections: each gets our one proof at most and not
// a byte more, however long it goes on talking. Bytes are counted where they arrive, decrypted, and
// where they leave, encrypted.

import { once } from 'node:events'
import type { Socket } from 'node:net'
import test from 'brittle'

import { CONNECTIONS_UNPROVEN_MAX, UNPROVEN_BYTES_MAX } from '../../../src/base/limits.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { PROOF_TIMEOUT_MS } from '../../../src/peer/link/unproven.ts'
import { openTopic } from '../../../src/peer/topic.ts'
import { encodeControl } from '../../../src/wire/control.ts'
import { encodeHello, PROTOCOL_VERSION } from '../../../src/wire/hello.ts'
import { PROOF_BYTES, proofOf } from '../../../src/wire/proof.ts'
import { usedBytes } from '../../helpers/heap.ts'
import { HELLO, KEY, Side, openChannel } from '../link/link-sides.ts'
import { memoryPair } from '../memory-pair.ts'
import { streamPair } from '../stream-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'

/** What the secret stream puts around a message: length 3, tag 1, MAC 16. */
const ENVELOPE_BYTES = 20

const [MEMBER, STRANGER, THIRD] = identities(3) as [Identity, Identity, Identity]

/** The proof of whoever accepted the connection. */
function proof(
  far: NoiseSecretStream,
  key: Uint8Array = KEY,
  version = PROTOCOL_VERSION
): Uint8Array {
  return proofOf(key, far.handshakeHash, 'link', false, version)
}

/** Everything a member would say next, and then a flood. */
function talkOn(far: NoiseSecretStream): void {
  openChannel(far, 1, 'swarm/control')
  openChannel(far, 2, 'swarm/frames')
  far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO)]))
  for (let id = 0; id < 50; id++) {
    far.write(Buffer.concat([Buffer.from([1, 1]), encodeControl({ type: 'ping', id })]))
  }
  far.write(new Uint8Array(2 * UNPROVEN_BYTES_MAX))
}

interface Stranger {
  name: string
  /** What our side says of it. */
  code: 'WIRE_PROOF' | 'WIRE_VERSION' | 'PEER_REFUSED'
  /** Messages that it gets: our proof, or nothing. */
  gets: number[]
  shutOut?: boolean
  speak(far: NoiseSecretStream, other: NoiseSecretStream): void
}

const OTHER_TOPIC = (secret: string) =>
  openTopic({ name: 'home', secret, bootstrap: false, public: false, lanOnly: true })

const STRANGERS: Stranger[] = [
  {
    name: 'knows the discovery key only',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far) => far.write(seededRandom(1).bytes(PROOF_BYTES))
  },
  {
    name: 'takes the discovery key for the proof key',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far) => far.write(proof(far, OTHER_TOPIC('s').discoveryKey))
  },
  {
    name: 'has the wrong secret',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far) => far.write(proof(far, OTHER_TOPIC('wrong').proofKey))
  },
  {
    name: 'begins with hello',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far) => talkOn(far)
  },
  {
    name: 'replays the proof of another connection, and a hello',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far, other) => far.write(proofOf(KEY, other.handshakeHash, 'link', false))
  },
  {
    name: 'sends our own kind of proof back',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far) => far.write(proofOf(KEY, far.handshakeHash, 'link', true))
  },
  {
    name: 'brings the proof of a lane',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far) => far.write(proofOf(KEY, far.handshakeHash, 'lane', false))
  },
  {
    name: 'says nothing but empty messages',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far) => far.write(new Uint8Array(0))
  },
  {
    name: 'speaks another version of the protocol',
    code: 'WIRE_VERSION',
    gets: [PROOF_BYTES],
    speak: (far) => far.write(proof(far, KEY, PROTOCOL_VERSION + 1))
  },
  {
    name: 'speaks a version that never was',
    code: 'WIRE_PROOF',
    gets: [PROOF_BYTES],
    speak: (far) => far.write(proof(far, KEY, 0))
  },
  {
    name: 'has a good proof and a key that is shut out',
    code: 'PEER_REFUSED',
    gets: [],
    shutOut: true,
    speak: (far) => far.write(proof(far))
  }
]

function ended(stream: NoiseSecretStream): Promise<void> {
  if (stream.destroyed) return Promise.resolve()
  return new Promise((resolve) => stream.on('close', resolve))
}

/** What arrives at the far end, message by message. */
function listen(far: NoiseSecretStream): number[] {
  const sizes: number[] = []
  far.on('data', (message: Uint8Array) => sizes.push(message.byteLength))
  return sizes
}

for (const { name, code, gets, shutOut, speak } of STRANGERS) {
  const proofs = gets.length === 0 ? 'no' : 'one'
  test(`strangers - whoever ${name} gets ${proofs} proof and not a byte more`, async (t) => {
    const [near, far] = await streamPair(t, MEMBER, STRANGER)
    const [, other] = await streamPair(t, MEMBER, STRANGER)
    const received = listen(far)
    const side = new Side(MEMBER)
    if (shutOut) side.shutOut.add(STRANGER.id)
    side.links.accept(near)
    if (gets.length > 0) await once(far, 'data')
    speak(far, other)
    talkOn(far)
    await side.until(() => side.down.length + side.refused.length === 1)
    await ended(far)
    t.is(side.down[0]?.error.code ?? side.refused[0]?.code, code)
    t.alike(received, gets, 'decrypted, where it arrives')
    t.is(near.rawBytesWritten, gets.length * (PROOF_BYTES + ENVELOPE_BYTES), 'where it leaves')
    t.alike([side.up, side.control, side.frames], [[], [], []])
    t.absent(side.links.expects(STRANGER.id), 'and nothing is kept of it')
  })
}

test('strangers - a proof passed on between two members is refused by both', async (t) => {
  const [nearA, farA] = await streamPair(t, MEMBER, STRANGER)
  const [nearB, farB] = await streamPair(t, THIRD, STRANGER)
  const [toA, toB] = [new Side(MEMBER), new Side(THIRD)]
  const [fromA, fromB] = [listen(farA), listen(farB)]
  farA.on('data', (message: Uint8Array) => farB.write(new Uint8Array(message)))
  farB.on('data', (message: Uint8Array) => farA.write(new Uint8Array(message)))
  toA.links.accept(nearA)
  toB.links.accept(nearB)
  await Promise.all([toA, toB].map((side) => side.until(() => side.down.length === 1)))
  t.alike(
    [toA, toB].map(({ down }) => down[0]?.error.code),
    ['WIRE_PROOF', 'WIRE_PROOF']
  )
  t.alike([fromA, fromB], [[PROOF_BYTES], [PROOF_BYTES]])
})

test('strangers - a member whose key is revoked while it is linked loses the link at once', async (t) => {
  const [near, far] = await streamPair(t, MEMBER, STRANGER)
  const [side, other] = [new Side(MEMBER), new Side(STRANGER)]
  side.links.accept(near)
  other.links.accept(far)
  await Promise.all([side, other].map((one) => one.until(() => one.up.length === 1)))
  side.shutOut.add(STRANGER.id)
  side.links.recheck()
  t.is(side.down[0]?.error.code, 'PEER_REFUSED')
  t.absent(side.links.expects(STRANGER.id), 'before anything else happens')
  await other.until(() => other.down.length === 1)
  const [again, farAgain] = await streamPair(t, MEMBER, STRANGER)
  const received = listen(farAgain)
  side.links.accept(again)
  await ended(farAgain)
  t.alike(received, [])
  t.is(side.refused[0]?.code, 'PEER_REFUSED')
})

test('strangers - members of two versions both learn which ones met', async (t) => {
  const [near, far] = await streamPair(t, MEMBER, STRANGER)
  const side = new Side(MEMBER)
  side.links.accept(near)
  const theirs = PROTOCOL_VERSION + 1
  far.write(proof(far, KEY, theirs))
  await side.until(() => side.down.length === 1)
  const text = side.down[0]?.error.message ?? ''
  const met = `speaks protocol version ${theirs}, this machine ${PROTOCOL_VERSION}; upgrade this machine`
  t.ok(text.includes(met), text)
})

test('strangers - a first message that never ends is given up in time, for one proof', async (t) => {
  const [near, far] = await streamPair(t, MEMBER, STRANGER)
  const received = listen(far)
  const side = new Side(MEMBER)
  side.links.accept(near)
  await once(far, 'data')
  // The length of a message of 64 KiB, and its first byte.
  ;(far.rawStream as Socket).write(Buffer.from([255, 255, 0, 1]))
  await once(near.rawStream, 'data')
  let ms = 0
  for (; side.down.length === 0 && ms < 2 * PROOF_TIMEOUT_MS; ms += 125) side.tick(125, true)
  t.is(side.down[0]?.error.code, 'WIRE_PROOF')
  t.ok(ms >= PROOF_TIMEOUT_MS && ms < PROOF_TIMEOUT_MS + 500, `${ms} ms`)
  await ended(far)
  t.alike(received, [PROOF_BYTES])
})

async function knock(side: Side, random: { bytes(n: number): Uint8Array }, index: number) {
  const [stranger] = identities(1, 1000 + index) as [Identity]
  const [near, far] = await memoryPair(stranger, MEMBER)
  let receivedBytes = 0
  near.on('data', (message: Uint8Array) => (receivedBytes += message.byteLength))
  side.links.accept(far)
  // Every third stays silent and is pushed out by those that come after it.
  if (index % 3 !== 0) near.write(random.bytes(PROOF_BYTES))
  return { id: stranger.id, near, receivedBytes: () => receivedBytes }
}

const IDENTITIES = 10_000
/** Of 9000 strangers that were here: 450 bytes each would be a leak. */
const HEAP_GROWTH_BYTES_MAX = 4 * 2 ** 20

test(
  'strangers - ten thousand identities leave no more than the few that wait',
  { timeout: 240_000 },
  async (t) => {
    const side = new Side(MEMBER)
    const random = seededRandom(9)
    let mostWaiting = 0
    let mostBytes = 0
    let startBytes = 0
    const waiting: Awaited<ReturnType<typeof knock>>[] = []
    for (let index = 0; index < IDENTITIES; index++) {
      // After a first thousand, what is compiled and cached once is there.
      if (index === 1000) startBytes = usedBytes()
      waiting.push(await knock(side, random, index))
      const left = waiting.filter(({ id }) => side.links.expects(id))
      for (const one of waiting) mostBytes = Math.max(mostBytes, one.receivedBytes())
      mostWaiting = Math.max(mostWaiting, left.length)
      waiting.splice(0, waiting.length, ...left)
      side.down.length = 0
    }
    const grownBytes = usedBytes() - startBytes
    t.comment(`${IDENTITIES} identities, at most ${mostWaiting} waiting, ${grownBytes} bytes more`)
    t.ok(mostWaiting > 1 && mostWaiting <= CONNECTIONS_UNPROVEN_MAX, `${mostWaiting} waiting`)
    t.is(mostBytes, PROOF_BYTES, 'bytes to any of them')
    t.ok(grownBytes < HEAP_GROWTH_BYTES_MAX, `${grownBytes} bytes more`)
    t.is(side.up.length, 0)
    // And a friend still gets in.
    const [near, far] = await streamPair(t, MEMBER, THIRD)
    const friend = new Side(THIRD)
    side.links.accept(near)
    friend.links.accept(far)
    await side.until(() => side.up.length === 1)
    t.is(side.up[0]?.peer, THIRD.id)
    for (const { near } of waiting) near.destroy()
  }
)
