// Two sides with their lanes on real sockets, and a stand-in for the link between them that carries what
// they say there: in order, a turn of the event loop later.

import type { Test } from 'brittle'

import { every, systemClock } from '../../../src/base/clock.ts'
import { toSwarmError, type SwarmError } from '../../../src/base/errors.ts'
import { DirectServer } from '../../../src/peer/find/direct-server.ts'
import { Lanes } from '../../../src/peer/lane/lanes.ts'
import { identities } from '../test-peer.ts'

import type { Carrier } from '../../../src/peer/lane/carrier.ts'
import type { LaneSlot } from '../../../src/peer/lane/lane-slot.ts'
import type { Identity } from '../../../src/peer/identity.ts'
import type { Link } from '../../../src/peer/link/link.ts'
import type { ControlMessage } from '../../../src/wire/control.ts'

export const KEY = new Uint8Array(32).fill(4)

export interface Reachable {
  /** False: the other side accepts no lanes, so far as we are told. */
  port?: boolean
  remoteHost?: string | null
  addresses?: string[]
}

export class Side {
  readonly identity: Identity
  readonly lanes: Lanes
  readonly server: DirectServer
  readonly log: string[] = []
  readonly blocks: Uint8Array[] = []
  /** What onBlock returns: reading goes on when it has settled. */
  taking: Promise<void> | undefined
  expects = true
  port = 0
  other: Side | null = null
  link: Link | null = null
  #waiting: (() => void)[] = []

  constructor(identity: Identity, proofKey = KEY) {
    this.identity = identity
    this.lanes = new Lanes(
      { self: identity.id, keyPair: identity.keyPair, proofKey, clock: systemClock },
      {
        expects: () => this.expects,
        onCarrier: (_, { kind }) => this.note(kind),
        onCarrierLost: (_, error) => this.note(`lost ${error.code}`),
        onFrame: (_, frame) => this.note(`frame ${Buffer.from(frame).toString()}`),
        onBlock: (_, block) => {
          const whole = Buffer.concat(block)
          this.blocks.push(whole)
          this.note(`block ${whole.byteLength}`)
          return this.taking
        }
      }
    )
    this.server = new DirectServer(identity.keyPair, systemClock, (stream) => {
      this.lanes.receive(stream)
    })
  }

  note(text: string): void {
    this.log.push(text)
    for (const look of this.#waiting.splice(0)) look()
  }

  async until(wanted: string | (() => boolean)): Promise<void> {
    const done = typeof wanted === 'string' ? () => this.log.includes(wanted) : wanted
    while (!done()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  get slot(): LaneSlot {
    return this.lanes.slot((this.other as Side).identity.id) as LaneSlot
  }

  get carrier(): Carrier | null {
    return this.lanes.slot((this.other as Side).identity.id)?.carrier ?? null
  }

  linkUp(reachable: Reachable | boolean): void {
    const other = this.other as Side
    const { port, remoteHost, addresses } =
      typeof reachable === 'boolean' ? { port: reachable } : reachable
    const ship = (bytes: Uint8Array) => {
      const copy = new Uint8Array(bytes)
      setImmediate(() => other.#onLink(() => other.lanes.receiveOnLink(this.identity.id, copy)))
    }
    const link: Partial<Link> & { kind: string } = {
      kind: 'udx',
      peer: other.identity.id,
      remoteHost: remoteHost === undefined ? '127.0.0.1' : remoteHost,
      rttMs: 5,
      backlogBytes: 0,
      hello: {
        lane: { port: port === false ? 0 : other.port, addresses: addresses ?? [] }
      } as unknown as Link['hello'],
      heard: () => {},
      close: (error: SwarmError) => this.note(`link ${error.code}`),
      send: (message: ControlMessage) => {
        setImmediate(() => other.#onLink(() => other.#control(message)))
      },
      ship,
      allocate: (sizeBytes) => {
        const bytes = new Uint8Array(sizeBytes)
        return { bytes, ship: () => ship(bytes) }
      }
    }
    this.link = link as Link
    this.lanes.linkUp(this.link)
  }

  #onLink(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.note(`link ${toSwarmError(error, 'WIRE_BAD_FRAME').code}`)
    }
  }

  #control(message: ControlMessage): void {
    const slot = this.lanes.slot((this.other as Side).identity.id)
    if (message.type === 'no-lane') slot?.theirFailed()
    else if (message.type === 'addresses') slot?.paths.heard(message.addresses)
    else if (message.type === 'frames-end') slot?.linkEnded(message.move)
  }
}

/** @returns the one with the lower key first; both closed after the test. */
export async function sides(t: Test, upperKey = KEY): Promise<[Side, Side]> {
  const [one, two] = identities(2) as [Identity, Identity]
  const [lower, upper] = [new Side(one), new Side(two, upperKey)]
  lower.other = upper
  upper.other = lower
  for (const side of [lower, upper]) {
    side.port = await side.server.open({ host: '127.0.0.1' })
    t.teardown(() => {
      side.server.close()
      side.lanes.close()
    })
  }
  return [lower, upper]
}

/** Both sides with the same lane. */
export async function lanesUp(lower: Side, upper: Side): Promise<void> {
  lower.linkUp(true)
  upper.linkUp(true)
  await Promise.all([lower.until('tcp'), upper.until('tcp')])
}

/** Time of the links passes, faster than that of the machine so that nothing has to be waited for. */
export function ticking(t: Test, ...all: Side[]): void {
  let count = 0
  const timer = every(systemClock, 10, () => {
    count++
    for (const { lanes } of all) lanes.tick(125, count % 10 === 0)
  })
  // A pending immediate keeps the process alive, which the clock's timers do not.
  let isOver = false
  const stay = () => {
    if (!isOver) setImmediate(stay)
  }
  stay()
  t.teardown(() => {
    isOver = true
    timer.cancel()
  })
}
