import test, { type Test } from 'brittle'

import { SwarmError } from '../../../src/base/errors.ts'
import { silentLog } from '../../../src/base/log.ts'
import { PeerHops } from '../../../src/peer/hops/hops.ts'
import { Lane } from '../../../src/peer/lane/lane.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { provenPair } from '../stream-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'
import type { ActivationMessage } from '../../../src/wire/session.ts'
import type { SessionId } from '../../../src/wire/ids.ts'

const [A, B] = identities(2) as [Identity, Identity]

/** Hops on one end of a real lane. */
function hopsOn(self: Identity, other: Identity, stream: NoiseSecretStream) {
  const lane: Lane = new Lane(stream, new FakeClock(), {
    onFrame: (frame) => hops.receive(other.id, frame),
    onSignal: () => {},
    onPiece: () => {},
    onHeard: () => {},
    onClosed: () => {}
  })
  const hops: PeerHops = new PeerHops({
    self: self.id,
    log: silentLog,
    linked: () => true,
    carrierOf: () => lane,
    closeCarrier: (_, error: SwarmError) => lane.close(error)
  })
  return hops
}

async function ends(t: Test) {
  const [near, far] = await provenPair(t, A, B)
  return { near, far, hopsA: hopsOn(A, B, near), hopsB: hopsOn(B, A, far) }
}

function header(session: number) {
  const id = session.toString(16).padStart(32, '0') as SessionId
  return {
    session: id,
    epoch: 1,
    index: 1,
    stop: 1,
    position: 0,
    nTokens: 2,
    dim: 2048,
    sample: false,
    drafted: false,
    company: 0
  }
}

test('copies - the socket is given the buffers that the stages wrote, however many at once', async (t) => {
  const { near, hopsA, hopsB } = await ends(t)
  const given: ArrayBufferLike[] = []
  const socket = near.rawStream as unknown as { write(chunk: Uint8Array): boolean }
  const write = socket.write.bind(socket)
  socket.write = (chunk) => {
    given.push(chunk.buffer)
    return write(chunk)
  }
  let received = 0
  const done = new Promise<void>((resolve) => {
    hopsB.onMessage(() => {
      if (++received === 100) resolve()
    })
  })
  const frames = Array.from({ length: 100 }, (_, index) => {
    return hopsA.to(B.id).allocate(header(index))
  })
  for (const [index, frame] of frames.entries()) frame.payload.fill(index)
  // Last first: the order of filling must not matter either.
  frames.reverse()
  for (const frame of frames) frame.send()
  await done
  t.is(given.length, frames.length)
  t.ok(frames.every(({ payload }, index) => payload.buffer === given[index]))
  t.is(new Set(given).size, frames.length, 'a buffer each, none of them shared')
})

test('copies - what a stage is given lies in the buffer that the cipher wrote', async (t) => {
  const { far, hopsA, hopsB } = await ends(t)
  const decrypted: Uint8Array[] = []
  far.on('data', (message: Uint8Array) => decrypted.push(message))
  const message = new Promise<ActivationMessage>((resolve) => {
    hopsB.onMessage((_, arrived) => {
      if (arrived.type === 'activation') resolve(arrived)
    })
  })
  const frame = hopsA.to(B.id).allocate(header(1))
  frame.payload.fill(9)
  frame.send()
  const { payload } = await message
  await new Promise(setImmediate)
  const [plain] = decrypted as [Uint8Array]
  t.is(payload.buffer, plain.buffer)
  t.is(payload.byteOffset + payload.byteLength, plain.byteOffset + plain.byteLength)
  t.ok(payload.every((byte) => byte === 9))
})
