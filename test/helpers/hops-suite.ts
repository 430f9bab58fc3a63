// What every implementation of Hops promises (pipeline/hop.ts), as tests that any of them can be run
// through: in one process, simulated, and over sockets.

import test, { type Test } from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { seededRandom } from '../../src/base/random.ts'
import { sessionIdOf, toPeerId, type PeerId } from '../../src/wire/ids.ts'
import { encodeSessionMessage } from '../../src/wire/session-codec.ts'
import { MESSAGE_TYPES, randomMessage } from './session-messages.ts'

import type { Hops } from '../../src/pipeline/hop.ts'
import type { SessionMessage } from '../../src/wire/session.ts'

export interface HopsFixture {
  /** Three peers, each of which reaches the others. */
  hops: [Hops, Hops, Hops]
  /** Lets things happen until the condition holds; fails the test if it never does. */
  until(condition: () => boolean): Promise<void>
  /** Resolves when no way between two of them is replaced by another any more; absent: none ever is. */
  settled?(): Promise<void>
  /** Peer `index` is cut off or dies without a word. */
  lose(index: number): void
}

interface Received {
  from: PeerId
  message: SessionMessage
}

/** @param open a fresh network; registers its own teardown. */
export function hopsSuite(name: string, open: (t: Test) => Promise<HopsFixture>): void {
  const random = seededRandom(77)

  test(`${name} - every message arrives unchanged, with its proven sender`, async (t) => {
    const { hops, until } = await open(t)
    const received = listen(hops[1])
    const sent = MESSAGE_TYPES.map((type) => randomMessage(random, type))
    for (const message of sent) send(hops[0], hops[1].self, message)
    await until(() => received.length === sent.length)
    t.alike(
      received.map(({ message }) => message),
      sent
    )
    t.ok(received.every(({ from }) => from === hops[0].self))
  })

  test(`${name} - messages of one hop arrive in order, large and small`, async (t) => {
    const { hops, until } = await open(t)
    const received = listen(hops[1])
    const sent: string[] = []
    for (let i = 0; i < 200; i++) {
      const isLarge = i % 7 === 3
      const message = isLarge ? activation(i, 32, 256) : token(i)
      sent.push(hashOf(message))
      send(hops[0], hops[1].self, message)
    }
    await until(() => received.length === sent.length)
    t.alike(
      received.map(({ message }) => hashOf(message)),
      sent
    )
  })

  test(`${name} - hops to and from several peers do not mix`, async (t) => {
    const { hops, until } = await open(t)
    const received = hops.map(listen)
    for (let i = 0; i < 60; i++) {
      for (const from of hops) for (const to of hops) send(from, to.self, token(i))
    }
    await until(() => received.every((messages) => messages.length === 180))
    for (const messages of received) {
      for (const { self } of hops) {
        const positions = messages
          .filter(({ from }) => from === self)
          .map(({ message }) => (message.type === 'token' ? message.position : -1))
        t.alike(
          positions,
          Array.from({ length: 60 }, (_, i) => i)
        )
      }
    }
  })

  test(`${name} - a large activation arrives bit by bit`, async (t) => {
    const { hops, until } = await open(t)
    const received = listen(hops[1])
    const sent = activation(5, 128, 8192)
    send(hops[0], hops[1].self, sent)
    await until(() => received.length === 1)
    t.is(hashOf((received[0] as Received).message), hashOf(sent))
  })

  test(`${name} - frames travel in the order of send, not of allocate`, async (t) => {
    const { hops, until } = await open(t)
    const received = listen(hops[1])
    const hop = hops[0].to(hops[1].self)
    const frames = [0, 1, 2].map((position) => hop.allocate(activation(position, 1, 4)))
    // The first is never sent: it must neither arrive nor hold up the others.
    frames[2]?.send()
    frames[1]?.send()
    send(hops[0], hops[1].self, token(9))
    await until(() => received.length === 3)
    const positions = received.map(({ message }) => 'position' in message && message.position)
    t.alike(positions, [2, 1, 9])
  })

  test(`${name} - a kept payload is not overwritten by later ones`, async (t) => {
    const { hops, until } = await open(t)
    const received = listen(hops[1])
    const sent = Array.from({ length: 40 }, (_, i) => activation(i, 4, 64))
    for (const message of sent) send(hops[0], hops[1].self, message)
    await until(() => received.length === sent.length)
    t.alike(
      received.map(({ message }) => hashOf(message)),
      sent.map(hashOf)
    )
  })

  test(`${name} - a peer reaches itself, and never before send returns`, async (t) => {
    const { hops, until } = await open(t)
    const received = listen(hops[0])
    send(hops[0], hops[0].self, token(1))
    send(hops[0], hops[0].self, activation(2, 1, 4))
    t.is(received.length, 0)
    await until(() => received.length === 2)
    t.ok(received.every(({ from }) => from === hops[0].self))
  })

  test(`${name} - the backlog is empty once everything has arrived`, async (t) => {
    const { hops, until } = await open(t)
    const received = listen(hops[1])
    for (let i = 0; i < 10; i++) send(hops[0], hops[1].self, activation(i, 32, 256))
    await until(() => received.length === 10)
    await until(() => hops[0].to(hops[1].self).backlogBytes === 0)
    t.pass()
  })

  test(`${name} - there is no hop to a peer that nobody knows`, async (t) => {
    const { hops } = await open(t)
    t.is(
      codeOf(() => hops[0].to(toPeerId('0'.repeat(64)))),
      'PEER_GONE'
    )
  })

  test(`${name} - a lost peer is reported once to each of the others, then unreachable`, async (t) => {
    const { hops, until, lose, settled } = await open(t)
    // A way that is replaced is lost as well.
    await settled?.()
    const reports: string[] = []
    for (const [index, { self }] of hops.entries()) {
      hops[index]?.onGone((peer) => reports.push(`${index} lost ${nameOf(hops, peer)}`))
      for (const other of hops) send(other, self, token(0))
    }
    lose(2)
    await until(() => reports.includes('0 lost 2') && reports.includes('1 lost 2'))
    const told = reports.filter((report) => !report.startsWith('2'))
    t.alike(told.toSorted(), ['0 lost 2', '1 lost 2'])
    t.is(
      codeOf(() => hops[0].to(hops[2].self)),
      'PEER_GONE'
    )
  })

  test(`${name} - the others still reach each other`, async (t) => {
    const { hops, until, lose } = await open(t)
    const received = listen(hops[1])
    let isGone = false
    hops[0].onGone(() => (isGone = true))
    send(hops[0], hops[2].self, token(0))
    lose(2)
    await until(() => isGone)
    send(hops[0], hops[1].self, token(3))
    await until(() => received.length === 1)
    t.pass()
  })
}

function listen(hops: Hops): Received[] {
  const received: Received[] = []
  hops.onMessage((from, message) => received.push({ from, message }))
  return received
}

function send(hops: Hops, to: PeerId, message: SessionMessage): void {
  const hop = hops.to(to)
  if (message.type !== 'activation') return hop.send(message)
  const { type: _, payload, ...header } = message
  const frame = hop.allocate(header)
  frame.payload.set(payload)
  frame.send()
}

const SESSION = sessionIdOf(seededRandom(3).bytes(16))

function token(position: number): SessionMessage {
  const logitsHash = '0123456789abcdef'
  return {
    type: 'token',
    session: SESSION,
    epoch: 1,
    position,
    finish: 'none',
    tokens: [{ id: 7, logitsHash }]
  }
}

function activation(position: number, nTokens: number, dim: number) {
  const payload = seededRandom(position).bytes(nTokens * dim * 4)
  const header = {
    session: SESSION,
    epoch: 1,
    index: 1,
    stop: 1,
    position,
    nTokens,
    dim,
    sample: false,
    drafted: false,
    company: 0
  }
  return { type: 'activation' as const, ...header, payload }
}

/** Large payloads are compared by their bytes without printing them. */
function hashOf(message: SessionMessage): string {
  const bytes = encodeSessionMessage(message)
  let hash = bytes.byteLength
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) >>> 0
  return `${message.type} ${hash}`
}

function nameOf(hops: Hops[], peer: PeerId): number {
  return hops.findIndex(({ self }) => self === peer)
}

function codeOf(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    return error instanceof SwarmError ? error.code : String(error)
  }
}
