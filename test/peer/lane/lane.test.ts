import { once } from 'node:events'
import test, { type Test } from 'brittle'

import { SwarmError } from '../../../src/base/errors.ts'
import {
  ACTIVATION_BYTES_MAX,
  PADDING_BYTES_MAX,
  PADDINGS_BURST
} from '../../../src/base/limits.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { Lane } from '../../../src/peer/lane/lane.ts'
import { LANE_SIGNALS, type LaneSignal } from '../../../src/peer/lane/lane-message.ts'
import { SILENCE_LIMIT_MS } from '../../../src/peer/link/silence.ts'
import { STUCK_LIMIT_MS } from '../../../src/peer/link/stuck.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { provenPair } from '../stream-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { MeasuredPath } from '../../../src/peer/lane/bursts.ts'
import type { Identity } from '../../../src/peer/identity.ts'

class End {
  readonly clock = new FakeClock()
  readonly lane: Lane
  readonly stream: NoiseSecretStream
  readonly frames: Uint8Array[] = []
  readonly signals: LaneSignal[] = []
  readonly pieces: Uint8Array[] = []
  closed: SwarmError | null = null
  refuses: SwarmError | null = null
  heard = 0
  #waiting: (() => void)[] = []

  constructor(stream: NoiseSecretStream) {
    this.stream = stream
    this.lane = new Lane(stream, this.clock, {
      onFrame: (frame) => {
        if (this.refuses !== null) throw this.refuses
        this.#note(() => this.frames.push(frame))
      },
      onSignal: (signal) => this.#note(() => this.signals.push(signal)),
      onPiece: (piece) => this.#note(() => this.pieces.push(piece)),
      onHeard: () => this.#note(() => this.heard++),
      onClosed: (error) => this.#note(() => (this.closed = error))
    })
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #note(work: () => unknown): void {
    work()
    for (const look of this.#waiting.splice(0)) look()
  }
}

async function lanes(t: Test): Promise<[End, End]> {
  const [a, b] = identities(2) as [Identity, Identity]
  const [near, far] = await provenPair(t, a, b)
  return [new End(near), new End(far)]
}

test('lane - frames of every size arrive intact and in order, large between small', async (t) => {
  const [a, b] = await lanes(t)
  const random = seededRandom(5)
  const sizes = [1, 17, 2 ** 20, 3, 70_000, 2 ** 20 + 1, 0, 5, 2 ** 20, 12]
  const sent = sizes.map((sizeBytes) => random.bytes(sizeBytes))
  for (const bytes of sent) {
    if (bytes.byteLength < 100) a.lane.ship(bytes)
    else {
      const frame = a.lane.allocate(bytes.byteLength)
      frame.bytes.set(bytes)
      frame.ship()
    }
  }
  await b.until(() => b.frames.length === sent.length)
  t.alike(
    b.frames.map(({ byteLength }) => byteLength),
    sizes
  )
  t.ok(b.frames.every((frame, index) => Buffer.compare(frame, sent[index] as Uint8Array) === 0))
})

test('lane - a frame is encrypted where it was filled, also when small ones go before it', async (t) => {
  const [a, b] = await lanes(t)
  const frame = a.lane.allocate(50_000)
  frame.bytes.fill(3)
  a.lane.ship(new Uint8Array([1]))
  a.lane.tick(125, true)
  frame.ship()
  await b.until(() => b.frames.length === 2)
  t.ok(b.frames[1]?.every((byte) => byte === 3))
  t.absent(
    frame.bytes.every((byte) => byte === 3),
    'the buffer holds what was encrypted'
  )
})

test('lane - two frames filled at once both arrive', async (t) => {
  const [a, b] = await lanes(t)
  const frames = [a.lane.allocate(9000), a.lane.allocate(9000)]
  for (const [index, frame] of frames.entries()) frame.bytes.fill(index + 1)
  for (const frame of frames) frame.ship()
  await b.until(() => b.frames.length === 2)
  t.alike([b.frames[0]?.[5], b.frames[1]?.[5]], [1, 2])
})

test('lane - measures its round trip', async (t) => {
  const [a, b] = await lanes(t)
  t.is(a.lane.rttMs, null)
  a.lane.tick(125, true)
  a.clock.advance(3)
  while (a.lane.rttMs === null) await new Promise((resolve) => setImmediate(resolve))
  t.is(a.lane.rttMs, 3)
  await b.until(() => b.heard === 2)
  t.pass('and once more while the processors are awake')
})

test('lane - what a peer does not read is counted as backlog', async (t) => {
  const [a, b] = await lanes(t)
  b.stream.rawStream.removeAllListeners('data')
  ;(b.stream.rawStream as unknown as { pause(): void }).pause()
  for (let i = 0; i < 64; i++) a.lane.ship(new Uint8Array(2 ** 20))
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(a.lane.backlogBytes > 32 * 2 ** 20, `${a.lane.backlogBytes} bytes`)
  t.ok(a.lane.backlogBytes < 65 * 2 ** 20)
})

test('lane - a peer that pings without end is closed', async (t) => {
  const [a, b] = await lanes(t)
  for (let i = 0; i < 2000; i++) b.stream.write(new Uint8Array([1, 0, 0, 0, 0]))
  await a.until(() => a.closed !== null)
  t.is(a.closed?.code, 'WIRE_TOO_LARGE')
})

test('lane - a peer that pads without end is closed', async (t) => {
  const [a, b] = await lanes(t)
  const padding = new Uint8Array(1 + 4096)
  padding[0] = 5
  for (let i = 0; i < PADDINGS_BURST; i++) b.stream.write(padding)
  b.lane.ship(new Uint8Array(1))
  await a.until(() => a.frames.length === 1)
  t.is(a.closed, null)
  b.stream.write(padding)
  await a.until(() => a.closed !== null)
  t.is(a.closed?.code, 'WIRE_TOO_LARGE')
})

test('lane - a padding above its bound closes the lane', async (t) => {
  const [a, b] = await lanes(t)
  const padding = new Uint8Array(1 + PADDING_BYTES_MAX)
  padding[0] = 5
  b.stream.write(padding)
  b.lane.ship(new Uint8Array(1))
  await a.until(() => a.frames.length === 1)
  const larger = new Uint8Array(2 + PADDING_BYTES_MAX)
  larger[0] = 5
  b.stream.write(larger)
  await a.until(() => a.closed !== null)
  t.is(a.closed?.code, 'WIRE_TOO_LARGE')
})

test('lane - what it carries is measured, and nobody above hears of it', async (t) => {
  const [a, b] = await lanes(t)
  const { mbps } = await new Promise<MeasuredPath>((resolve) => {
    a.lane.measurePath(resolve)
    // The clock of a test stands still: each answer of the far end takes a millisecond.
    const ticking = setInterval(() => a.clock.advance(1), 1)
    t.teardown(() => clearInterval(ticking))
  })
  t.ok(Number.isInteger(mbps) && mbps >= 1, `${mbps} Mbit/s`)
  t.is(b.frames.length + b.pieces.length + b.signals.length, 0)
  t.is(a.closed, null)
  t.is(b.closed, null)
})

test('lane - a peer that talks but never reads is closed before memory fills', async (t) => {
  const [a, b] = await lanes(t)
  b.stream.rawStream.removeAllListeners('data')
  ;(b.stream.rawStream as unknown as { pause(): void }).pause()
  for (let i = 0; i < 16; i++) a.lane.ship(new Uint8Array(2 ** 20))
  let ms = 0
  for (; a.closed === null && ms < 2 * STUCK_LIMIT_MS; ms += 250) {
    const heard = a.heard
    b.lane.ship(new Uint8Array(1))
    await a.until(() => a.heard > heard)
    a.clock.advance(250)
    a.lane.tick(250, true)
  }
  t.is(a.closed?.code, 'PEER_BUSY')
  t.ok(ms >= STUCK_LIMIT_MS && ms < STUCK_LIMIT_MS + 5000, `${ms} ms`)
})

test('lane - what was read is no backlog', async (t) => {
  const [a, b] = await lanes(t)
  for (let i = 0; i < 16; i++) a.lane.ship(new Uint8Array(2 ** 18))
  await b.until(() => b.frames.length === 16)
  await new Promise((resolve) => setImmediate(resolve))
  t.is(a.lane.backlogBytes, 0)
})

test('lane - ends on both sides when one closes it, with a reason, once', async (t) => {
  const [a, b] = await lanes(t)
  a.lane.close({ code: 'PEER_BUSY' } as SwarmError)
  await b.until(() => b.closed !== null)
  t.is(a.closed?.code, 'PEER_BUSY')
  t.is(b.closed?.code, 'PEER_GONE')
  a.lane.ship(new Uint8Array(1))
  a.lane.tick(10_000, true)
  t.is(a.closed?.code, 'PEER_BUSY')
})

test('lane - silence ends it', async (t) => {
  const [a] = await lanes(t)
  for (let ms = 0; ms <= SILENCE_LIMIT_MS; ms += 125) {
    a.clock.advance(125)
    a.lane.tick(125, false)
  }
  t.ok(/silent/.test(a.closed?.message ?? ''))
})

const OFFENCES: [string, string, Uint8Array][] = [
  ['an empty message', 'WIRE_BAD_FRAME', new Uint8Array(0)],
  ['an unknown kind', 'WIRE_BAD_FRAME', new Uint8Array([6, 0, 0])],
  ['a ping cut short', 'WIRE_BAD_FRAME', new Uint8Array([1, 0, 0, 0])],
  ['a ping that goes on', 'WIRE_BAD_FRAME', new Uint8Array([1, 0, 0, 0, 0, 0])],
  ['a pong cut short', 'WIRE_BAD_FRAME', new Uint8Array([2])],
  ['a signal cut short', 'WIRE_BAD_FRAME', new Uint8Array([3, 0, 0, 0, 0])],
  ['a signal that goes on', 'WIRE_BAD_FRAME', new Uint8Array([3, 0, 0, 0, 0, 0, 0])],
  ['an unknown signal', 'WIRE_BAD_FRAME', new Uint8Array([3, LANE_SIGNALS.length, 0, 0, 0, 0])],
  ['a frame above the bound', 'WIRE_TOO_LARGE', new Uint8Array(ACTIVATION_BYTES_MAX + 2)]
]

for (const [name, code, bytes] of OFFENCES) {
  test(`lane - ${name} ends it with ${code}`, async (t) => {
    const [a, b] = await lanes(t)
    b.stream.write(bytes)
    await a.until(() => a.closed !== null)
    t.is(a.closed?.code, code)
    if (!b.stream.destroyed) await once(b.stream, 'close')
    t.is(a.frames.length, 0)
  })
}

test('lane - a frame that its receiver refuses ends it with that error', async (t) => {
  const [a, b] = await lanes(t)
  a.refuses = new SwarmError('WIRE_UNKNOWN_TYPE', 'not known here')
  b.lane.ship(new Uint8Array([1]))
  b.lane.ship(new Uint8Array([2]))
  await a.until(() => a.closed !== null)
  t.is(a.closed, a.refuses)
})

test('lane - the largest frame passes', async (t) => {
  const [a, b] = await lanes(t)
  a.lane.allocate(ACTIVATION_BYTES_MAX).ship()
  await b.until(() => b.frames.length === 1)
  t.is(b.frames[0]?.byteLength, ACTIVATION_BYTES_MAX)
})
