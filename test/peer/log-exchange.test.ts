import createTestnet from 'hyperdht/testnet.js'
import test, { type Test } from 'brittle'

import { LOG_CARDS_MAX } from '../../src/base/limits.ts'
import { LogExchange, type LogPort } from '../../src/peer/log-exchange.ts'
import { until } from '../helpers/until.ts'
import { TestPeer, identities } from './test-peer.ts'

import type { Identity } from '../../src/peer/identity.ts'
import type { ControlMessage } from '../../src/wire/control.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { LogCard } from '../../src/wire/log-card.ts'

const id = (digit: string) => digit.repeat(64) as PeerId

function card(author: PeerId, epoch = 1): LogCard {
  const [basins, facts] = ['ba'.repeat(32), 'fa'.repeat(32)]
  return { author, epoch, basins, facts, signature: new Uint8Array(64).fill(epoch) }
}

/** A store without logs: what is done to it is written down. */
class FakeStore implements LogPort {
  readonly log: string[] = []
  readonly heard: { from: PeerId; cards: LogCard[] }[] = []
  own: LogCard | null = null
  known: LogCard[] = []
  news: (cards: LogCard[], from: PeerId | null) => void = () => {}

  attach(peer: PeerId, mux: unknown): void {
    this.log.push(`attach ${peer.slice(0, 4)} ${mux === null ? 'without' : 'with'} mux`)
  }

  detach(peer: PeerId): void {
    this.log.push(`detach ${peer.slice(0, 4)}`)
  }

  ownCard(): LogCard | null {
    return this.own
  }

  cards(): LogCard[] {
    return this.known
  }

  onCards(from: PeerId, cards: LogCard[]): void {
    this.heard.push({ from, cards })
  }

  onNews(handler: FakeStore['news']): void {
    this.news = handler
  }
}

function link(peer: PeerId, logs: LogCard | null = null) {
  const sent: ControlMessage[] = []
  return {
    peer,
    mux: {},
    hello: { logs },
    sent,
    send: (one: ControlMessage) => void sent.push(one)
  }
}

test('log exchange - a link that was up before the store gets the logs as soon as it opens', (t) => {
  const exchange = new LogExchange()
  const a = link(id('a'), card(id('a')))
  exchange.linkUp(a)
  exchange.receive(a.peer, [card(id('b')), card(id('c'))])
  t.is(exchange.ownCard, null)
  const store = new FakeStore()
  store.own = card(id('d'))
  store.known = [store.own]
  exchange.open(store)
  t.alike(store.log, ['attach aaaa with mux'])
  t.alike(a.sent, [{ type: 'log-cards', cards: store.known }])
  t.alike(store.heard, [{ from: a.peer, cards: [card(id('a')), card(id('b')), card(id('c'))] }])
  t.is(exchange.ownCard, store.own)
})

test('log exchange - what comes before the store is open is bounded, and gone with its link', (t) => {
  const exchange = new LogExchange()
  const [a, b] = [link(id('a')), link(id('b'))]
  for (const one of [a, b]) exchange.linkUp(one)
  const many = Array.from({ length: LOG_CARDS_MAX }, (_, at) => card(id('c'), at))
  for (let round = 0; round < 5; round++) exchange.receive(a.peer, many)
  exchange.receive(b.peer, many)
  exchange.linkDown(b.peer)
  const store = new FakeStore()
  exchange.open(store)
  t.is(store.heard.length, 1)
  t.is(store.heard[0]?.cards.length, LOG_CARDS_MAX)
  t.alike(store.log, ['attach aaaa with mux'])
})

test('log exchange - news go to every link but the one they came from', (t) => {
  const exchange = new LogExchange()
  const store = new FakeStore()
  exchange.open(store)
  const links = [link(id('a')), link(id('b')), link(id('c'))] as const
  for (const one of links) exchange.linkUp(one)
  store.news([card(id('d'))], id('b'))
  store.news([card(id('e'))], null)
  exchange.linkDown(id('c'))
  store.news([card(id('f'))], null)
  t.alike(
    links.map(({ sent }) => sent.length),
    [3, 2, 2]
  )
  t.is(store.log.at(-1), 'detach cccc')
})

test('log exchange - more cards than one message takes go in several', (t) => {
  const exchange = new LogExchange()
  const store = new FakeStore()
  store.known = Array.from({ length: 2 * LOG_CARDS_MAX + 1 }, (_, at) => card(id('d'), at))
  exchange.open(store)
  const a = link(id('a'))
  exchange.linkUp(a)
  t.alike(
    a.sent.map((message) => (message.type === 'log-cards' ? message.cards.length : 0)),
    [LOG_CARDS_MAX, LOG_CARDS_MAX, 1]
  )
})

async function pair(t: Test): Promise<[TestPeer, TestPeer]> {
  const { bootstrap } = await createTestnet(4, { host: '127.0.0.1', teardown: t.teardown })
  const [a, b] = identities(2) as [Identity, Identity]
  const open = (identity: Identity) =>
    TestPeer.open(t, { identity, topic: 'log exchange', bootstrap })
  return [await open(a), await open(b)]
}

test('log exchange - cards are in hello, and on links that were up before', async (t) => {
  const [a, b] = await pair(t)
  const [store, late] = [new FakeStore(), new FakeStore()]
  store.own = card(a.id)
  store.known = [store.own, card(id('9'))]
  a.network.shareLogs(store)
  await Promise.all([a.event('link-up', b.id), b.event('link-up', a.id)])
  late.known = [card(b.id)]
  b.network.shareLogs(late)
  await until(() => store.heard.length > 0 && late.heard.length > 0)
  t.alike(
    store.heard.flatMap(({ cards }) => cards.map(({ author }) => author)),
    [b.id]
  )
  await until(() => late.heard.flatMap(({ cards }) => cards).length >= 2)
  const cards = late.heard.flatMap((one) => one.cards)
  const authors = new Set(cards.map(({ author }) => author))
  t.ok(authors.has(a.id) && authors.has(id('9')))
  t.ok(late.log[0]?.endsWith('with mux'))
  await b.network.close()
  await until(() => store.log.length === 2)
  t.is(store.log[1], `detach ${b.id.slice(0, 4)}`)
})
