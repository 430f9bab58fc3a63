import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import test, { type Test } from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { interfaceAddresses } from '../../../src/peer/address.ts'
import { Beacon, type Hint } from '../../../src/peer/find/beacon.ts'
import { ownPort } from '../../helpers/own-port.ts'
import { identities } from '../test-peer.ts'

import type { PeerId } from '../../../src/wire/ids.ts'

const PORT = ownPort()
const KEY = new Uint8Array(32).fill(6)

class Side {
  readonly hints: Hint[] = []
  readonly duplicates: string[] = []
  readonly key: PeerId
  readonly beacon: Beacon
  #waiting: (() => void)[] = []

  constructor(t: Test, key: PeerId, options: { instance?: string; beaconKey?: Uint8Array } = {}) {
    this.key = key
    const note = (work: () => void) => {
      work()
      for (const look of this.#waiting.splice(0)) look()
    }
    this.beacon = new Beacon({
      beaconKey: options.beaconKey ?? KEY,
      own: { key, instance: options.instance ?? '00'.repeat(8), dhtPort: 4321, lanePort: 1234 },
      clock: systemClock,
      port: PORT,
      onHint: (hint) => note(() => this.hints.push(hint)),
      onDuplicate: (host) => note(() => this.duplicates.push(host))
    })
    t.teardown(() => this.beacon.close())
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

const [A, B, C] = identities(3).map(({ id }) => id) as [PeerId, PeerId, PeerId]

test('beacon - processes of one machine hear each other, each all the others', async (t) => {
  const all = [A, B, C].map((key) => new Side(t, key))
  for (const { beacon } of all) beacon.open()
  for (const side of all) {
    const others = all.filter((other) => other !== side)
    await side.until(() => others.every(({ key }) => side.hints.some((hint) => hint.key === key)))
    t.ok(side.hints.every(({ dhtPort, lanePort }) => dhtPort === 4321 && lanePort === 1234))
    t.absent(side.hints.some(({ key }) => key === side.key))
  }
})

test('beacon - a port that another program has is listened at once it gives it back', async (t) => {
  const other = createSocket('udp4')
  other.bind(PORT)
  await once(other, 'listening')
  const [a, b] = [new Side(t, A), new Side(t, B)]
  a.beacon.open()
  b.beacon.open()
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.absent(a.hints.some(({ family }) => family === 'IPv4'))
  other.close()
  await a.until(() => a.hints.some(({ family }) => family === 'IPv4'))
  t.pass()
})

test('beacon - is heard over IPv4, and over IPv6 where there is an interface for it', async (t) => {
  const [a, b] = [new Side(t, A), new Side(t, B)]
  a.beacon.open()
  b.beacon.open()
  await a.until(() => a.hints.some(({ family }) => family === 'IPv4'))
  const linkLocal = interfaceAddresses().some(({ address }) => /^fe80/i.test(address))
  if (linkLocal) await a.until(() => a.hints.some(({ family }) => family === 'IPv6'))
  t.pass(linkLocal ? 'both' : 'no IPv6 here')
})

test('beacon - the first that comes is answered at once, not at the next second', async (t) => {
  const a = new Side(t, A)
  a.beacon.open()
  const b = new Side(t, B)
  const startMs = performance.now()
  b.beacon.open()
  await b.until(() => b.hints.length > 0)
  const tookMs = performance.now() - startMs
  t.ok(tookMs < 500, `${tookMs} ms`)
})

test('beacon - another topic hears nothing of it', async (t) => {
  const stranger = new Side(t, C, { beaconKey: new Uint8Array(32).fill(7) })
  const [a, b] = [new Side(t, A), new Side(t, B)]
  for (const { beacon } of [stranger, a, b]) beacon.open()
  await Promise.all([a.until(() => a.hints.length > 5), b.until(() => b.hints.length > 5)])
  t.is(stranger.hints.length, 0)
  t.absent([...a.hints, ...b.hints].some(({ key }) => key === C))
})

test('beacon - our own voice is not a duplicate, our key from another process is', async (t) => {
  const [a, copy] = [new Side(t, A, { instance: '11'.repeat(8) }), new Side(t, A)]
  const b = new Side(t, B)
  a.beacon.open()
  b.beacon.open()
  await b.until(() => b.hints.length > 3)
  t.is(a.duplicates.length, 0)
  copy.beacon.open()
  await Promise.all([
    a.until(() => a.duplicates.length > 0),
    copy.until(() => copy.duplicates.length > 0)
  ])
  t.is(b.duplicates.length, 0)
})

test('beacon - closed at once or twice, it is quiet', (t) => {
  const a = new Side(t, A)
  a.beacon.open()
  a.beacon.close()
  a.beacon.close()
  new Side(t, B).beacon.close()
  t.pass()
})
