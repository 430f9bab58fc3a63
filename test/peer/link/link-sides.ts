// Links with everything around them played by the test: two sides on one connection, or one side and a
// peer made by hand that writes whatever the test wants.

import c from 'compact-encoding'
import type { Test } from 'brittle'

import { SwarmError } from '../../../src/base/errors.ts'
import { Doorstep } from '../../../src/peer/link/doorstep.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { Links } from '../../../src/peer/link/links.ts'
import { PROTOCOL_VERSION, type Hello } from '../../../src/wire/hello.ts'
import { proofOf } from '../../../src/wire/proof.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { streamPair } from '../stream-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'
import type { Link } from '../../../src/peer/link/link.ts'
import type { ControlMessage } from '../../../src/wire/control.ts'
import type { PeerId } from '../../../src/wire/ids.ts'

export const KEY = new Uint8Array(32).fill(1)
export const HELLO: Hello = {
  protocolVersion: PROTOCOL_VERSION,
  arithmeticVersion: 1,
  programVersion: '0.1.0',
  name: 'test',
  upMs: 0,
  wallMs: 0,
  lane: { port: 0, addresses: [] },
  heartbeat: { port: 0, key: new Uint8Array(32) },
  model: null,
  record: null,
  logs: null
}

export class Side {
  readonly clock = new FakeClock()
  readonly links: Links
  readonly doorstep = new Doorstep(this.clock)
  readonly up: Link[] = []
  readonly down: { link: Link; error: SwarmError; left: boolean }[] = []
  readonly control: ControlMessage[] = []
  readonly frames: Uint8Array[] = []
  readonly refused: SwarmError[] = []
  /** Keys that the user of this side does not let in. */
  readonly shutOut = new Set<PeerId>()
  #waiting: (() => void)[] = []

  constructor(self: Identity, hello: Partial<Hello> = {}, proofKey = KEY) {
    const note = (work: () => void) => {
      work()
      for (const look of this.#waiting.splice(0)) look()
    }
    this.links = new Links(
      self.id,
      {
        proofKey,
        clock: this.clock,
        random: systemRandom,
        hello: () => ({ ...HELLO, ...hello })
      },
      {
        onUp: (link) => note(() => this.up.push(link)),
        onDown: (link, error, left) => note(() => this.down.push({ link, error, left })),
        onControl: (_, message) => note(() => this.control.push(message)),
        onFrame: (_, frame) => note(() => this.frames.push(frame)),
        onRefused: (_, error) => note(() => this.refused.push(error)),
        shutOut: (peer) => {
          return this.shutOut.has(peer) ? new SwarmError('PEER_REFUSED', 'shut out') : null
        }
      }
    )
  }

  /** A connection as the network takes it. */
  take(stream: NoiseSecretStream): void {
    if (stream.isInitiator) this.links.accept(stream)
    else this.doorstep.add(stream, () => this.links.accept(stream))
  }

  /** Time in which this side listens. */
  tick(ms: number, pingNow: boolean): void {
    this.clock.advance(ms)
    this.links.tick(ms, pingNow)
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

export async function linked(t: Test, helloB: Partial<Hello> = {}) {
  const [a, b] = identities(2) as [Identity, Identity]
  const [near, far] = await streamPair(t, a, b)
  const [sideA, sideB] = [new Side(a), new Side(b, helloB)]
  sideA.take(near)
  sideB.take(far)
  return { a, b, sideA, sideB, near, far }
}

/** A peer made by hand: it proves itself and then writes whatever the test wants. */
export async function rawPeer(t: Test, self: Identity, other: Identity) {
  const [near, far] = await streamPair(t, other, self)
  const received: Uint8Array[] = []
  far.on('data', (message: Uint8Array) => received.push(message))
  return {
    near,
    far,
    received,
    prove: () => far.write(proofOf(KEY, far.handshakeHash, 'link', false))
  }
}

/** Opens protomux channel `id` with this protocol, as protomux itself would. */
export function openChannel(far: NoiseSecretStream, id: number, protocol: string): void {
  const head = [new Uint8Array([0, 1]), c.encode(c.uint, id), c.encode(c.string, protocol)]
  far.write(Buffer.concat([...head, new Uint8Array([0])]))
}
