import test from 'brittle'

import { GOSSIP_RECORDS_BURST, GOSSIP_RECORDS_MAX } from '../../../src/base/limits.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { Directory } from '../../../src/peer/members/directory.ts'
import { Gossip } from '../../../src/peer/members/gossip.ts'
import { decodeControl, encodeControl, type ControlMessage } from '../../../src/wire/control.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { identities } from '../test-peer.ts'

import type { Identity } from '../../../src/peer/identity.ts'
import type { PeerId } from '../../../src/wire/ids.ts'

const FIRST = { name: 'n', programVersion: '1', arithmeticVersion: 1, model: null }

class Node {
  readonly directory: Directory
  readonly gossip: Gossip
  readonly identity: Identity
  sent: { to: PeerId; message: ControlMessage }[] = []

  constructor(identity: Identity, clock: FakeClock) {
    this.identity = identity
    this.directory = new Directory(identity, FIRST, clock, seededRandom(1), {
      onRecord: (peer, from) => this.gossip.push(peer, from),
      onState: () => {},
      onDuplicate: () => {},
      send: () => {}
    })
    this.gossip = new Gossip(this.directory, clock)
  }

  get id(): PeerId {
    return this.identity.id
  }
}

/** Delivers through the codec; `wire` collects what both sides sent. */
function join(a: Node, b: Node): void {
  const neighbour = (from: Node, to: Node) => ({
    peer: to.id,
    send(message: ControlMessage) {
      from.sent.push({ to: to.id, message })
      to.gossip.receive(from.id, decodeControl(encodeControl(message)))
    }
  })
  a.directory.linkUp(b.id)
  b.directory.linkUp(a.id)
  a.gossip.linkUp(neighbour(a, b))
  b.gossip.linkUp(neighbour(b, a))
}

function line(count: number): { nodes: Node[]; clock: FakeClock } {
  const clock = new FakeClock()
  const nodes = identities(count).map((identity) => new Node(identity, clock))
  for (let i = 1; i < count; i++) join(nodes[i - 1] as Node, nodes[i] as Node)
  return { nodes, clock }
}

test('gossip - records reach peers that are not linked, and they count as alive', (t) => {
  const { nodes, clock } = line(5)
  clock.advance(3000)
  for (let i = 0; i < 3; i++) {
    for (const node of nodes) node.gossip.tick()
    clock.advance(2000)
  }
  for (const node of nodes) {
    const peers = node.directory.peers()
    t.is(peers.length, 5)
    t.ok(peers.every(({ state }) => state === 'alive'))
  }
})

test('gossip - who comes late is told of the dead behind their records', (t) => {
  const { nodes, clock } = line(3)
  clock.advance(5000)
  const [a, b, c] = nodes as [Node, Node, Node]
  b.directory.linkDown(c.id, false)
  b.gossip.linkDown(c.id)
  for (let i = 0; i < 60; i++) b.directory.tick(250)
  t.is(b.directory.get(c.id)?.state, 'dead')
  const [late] = identities(1, 9).map((identity) => new Node(identity, clock)) as [Node]
  b.sent = []
  join(b, late)
  const types = b.sent.filter(({ to }) => to === late.id).map(({ message }) => message.type)
  t.ok(types.indexOf('gossip') < types.indexOf('members'), types.join(' '))
  t.is(late.directory.get(a.id)?.state, 'alive')
  t.is(late.directory.get(c.id)?.state, 'alive', 'it does not handle what is not gossip')
  const told = b.sent.map(({ message }) => message).find(({ type }) => type === 'members')
  if (told?.type === 'members') late.directory.receive(b.id, told)
  t.is(late.directory.get(c.id)?.state, 'dead')
})

test('gossip - a change is passed on at once and never back to where it came from', (t) => {
  const { nodes, clock } = line(3)
  clock.advance(5000)
  for (const node of nodes) node.sent = []
  const [a, b, c] = nodes as [Node, Node, Node]
  a.directory.publish({ held: [{ start: 0, end: 9 }] })
  clock.advance(1)
  t.alike(c.directory.get(a.id)?.record.held, [{ start: 0, end: 9 }])
  t.alike(
    b.sent.map(({ to }) => to),
    [c.id]
  )
  t.is(c.sent.length, 0)
})

test('gossip - many changes in a row travel as one', (t) => {
  const { nodes, clock } = line(2)
  clock.advance(5000)
  const [a, b] = nodes as [Node, Node]
  a.sent = []
  for (let percent = 0; percent <= 100; percent++) {
    a.directory.publish({ loading: { range: { start: 0, end: 1 }, percent } })
    clock.advance(2)
  }
  clock.advance(1000)
  t.ok(a.sent.length <= 3, `${a.sent.length} messages`)
  t.is(b.directory.get(a.id)?.record.loading?.percent, 100)
})

test('gossip - a full table is sent in batches within the bound', (t) => {
  const clock = new FakeClock()
  const [a, b, ...others] = identities(2 + 3 * GOSSIP_RECORDS_MAX).map(
    (one) => new Node(one, clock)
  )
  const [left, right] = [a as Node, b as Node]
  for (const other of others) left.directory.accept(other.directory.own.signed, other.id)
  join(left, right)
  clock.advance(1000)
  t.is(right.directory.peers().length, others.length + 2)
  const batches = left.sent.filter(({ message }) => message.type === 'gossip')
  t.ok(batches.length >= 3)
})

test('gossip - a neighbour that floods with records breaks the rules', async (t) => {
  const { nodes } = line(2)
  const [a, b] = nodes as [Node, Node]
  const flood = () => {
    for (let count = 0; count <= GOSSIP_RECORDS_BURST; count += GOSSIP_RECORDS_MAX) {
      const records = Array.from({ length: GOSSIP_RECORDS_MAX }, () => b.directory.own.signed)
      a.gossip.receive(b.id, { type: 'gossip', records })
    }
  }
  await t.exception(flood, /records per second/)
})

test('gossip - neighbours that send all they may do not make us break the rules towards others', (t) => {
  const { nodes, clock } = line(2)
  const [middle, quiet] = nodes as [Node, Node]
  const busy = identities(2, 2).map((identity) => new Node(identity, clock))
  for (const node of busy) join(middle, node)
  const others = identities(200, 3).map((identity) => new Node(identity, clock).directory)
  clock.advance(5000)
  let next = 0
  const records = () =>
    Array.from({ length: GOSSIP_RECORDS_MAX }, () => {
      const one = others[next++ % others.length] as Directory
      one.publish({})
      return one.own.signed
    })
  for (let ms = 0; ms < 8000; ms += 250) {
    for (const { id } of busy) {
      for (let i = 0; i < 3; i++) {
        middle.gossip.receive(id, { type: 'gossip', records: records() })
      }
    }
    if (ms === 4000) middle.directory.publish({ held: [{ start: 0, end: 9 }] })
    clock.advance(250)
    for (const node of [...nodes, ...busy]) node.gossip.tick()
  }
  // Records beyond the bound would have thrown where they arrived.
  t.alike(quiet.directory.get(middle.id)?.record.held, [{ start: 0, end: 9 }])
  t.is(quiet.directory.peers().length, 4 + others.length, 'and all arrive by and by')
})

test('gossip - empty digests cannot make us send everything again and again', (t) => {
  const { nodes, clock } = line(2)
  const [a, b] = nodes as [Node, Node]
  clock.advance(5000)
  a.sent = []
  for (let i = 0; i < 50; i++) a.gossip.receive(b.id, { type: 'digest', entries: [] })
  t.ok(a.sent.length >= 1 && a.sent.length <= 4, `${a.sent.length} answers`)
})

test('gossip - after the link is down nothing is sent or taken', (t) => {
  const { nodes, clock } = line(2)
  const [a, b] = nodes as [Node, Node]
  clock.advance(5000)
  a.gossip.linkDown(b.id)
  a.sent = []
  a.directory.publish({})
  b.directory.publish({})
  a.gossip.receive(b.id, { type: 'gossip', records: [b.directory.own.signed] })
  clock.advance(5000)
  a.gossip.tick()
  t.is(a.sent.length, 0)
  t.not(a.directory.get(b.id)?.record.seq, b.directory.own.record.seq)
})
