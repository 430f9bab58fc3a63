import test from 'brittle'

import {
  LOG_AUTHORS_INTRODUCED_MAX,
  LOG_AUTHORS_MAX,
  LOG_EPOCHS_MAX
} from '../../../src/base/limits.ts'
import { CardBook } from '../../../src/knowledge/store/card-book.ts'

import type { PeerId } from '../../../src/wire/ids.ts'
import type { LogCard } from '../../../src/wire/log-card.ts'

const peer = (number: number) => number.toString(16).padStart(64, '0') as PeerId
const SELF = peer(0xfff)

function card(author: PeerId, epoch = 1, basins = 'ba'): LogCard {
  const signature = new Uint8Array(64)
  return { author, epoch, basins: basins.repeat(32), facts: 'fa'.repeat(32), signature }
}

test('card book - a card is new once, and another one of its number never takes its place', (t) => {
  const book = new CardBook(SELF)
  t.is(book.take(card(peer(1)), peer(2)).is, 'new')
  t.is(book.take(card(peer(1)), peer(1)).is, 'known')
  t.is(book.take(card(peer(1), 1, 'bb'), peer(1)).is, 'contradiction')
  t.is(book.of(peer(1))[0]?.basins, 'ba'.repeat(32))
})

test('card book - the newest logs of an author are kept, however many it begins', (t) => {
  const book = new CardBook(SELF)
  for (let epoch = 1; epoch <= LOG_EPOCHS_MAX; epoch++) book.take(card(peer(1), epoch), peer(1))
  const next = book.take(card(peer(1), LOG_EPOCHS_MAX + 1), peer(1))
  t.is(next.is, 'new')
  t.alike(next.is === 'new' && next.dropped.map(({ epoch }) => epoch), [1])
  t.is(book.take(card(peer(1), 1), peer(1)).is, 'old')
  for (let epoch = 100; epoch < 400; epoch++) book.take(card(peer(1), epoch), peer(1))
  t.is(book.of(peer(1)).length, LOG_EPOCHS_MAX)
  t.is(book.of(peer(1))[0]?.epoch, 400 - LOG_EPOCHS_MAX)
})

test('card book - one peer introduces so many authors and no more', (t) => {
  const book = new CardBook(SELF)
  const verdicts = Array.from(
    { length: 100 },
    (_, at) => book.take(card(peer(at + 10)), peer(1)).is
  )
  t.is(verdicts.filter((is) => is === 'new').length, LOG_AUTHORS_INTRODUCED_MAX)
  t.is(verdicts.at(-1), 'full')
  t.is(book.take(card(peer(1)), peer(1)).is, 'new', 'its own card is another matter')
  t.is(book.take(card(peer(500)), peer(2)).is, 'new', 'and so are other peers')
})

test('card book - an author that comes itself takes the place of one that was made up', (t) => {
  const book = new CardBook(SELF)
  for (let at = 0; at < LOG_AUTHORS_INTRODUCED_MAX; at++) book.take(card(peer(at + 1000)), peer(1))
  for (let at = 0; at < 10; at++) book.take(card(peer(at + 2000)), peer(2))
  const left = LOG_AUTHORS_MAX - LOG_AUTHORS_INTRODUCED_MAX - 10
  for (let at = 0; at < left; at++) book.take(card(peer(at + 3000)), peer(at + 3000))
  t.is(book.take(card(peer(4000)), peer(3)).is, 'full', 'hearsay finds no room any more')
  const verdict = book.take(card(peer(4001)), peer(4001))
  t.is(verdict.is, 'new')
  const [dropped] = verdict.is === 'new' ? verdict.dropped : []
  t.is(dropped?.author, peer(1000 + LOG_AUTHORS_INTRODUCED_MAX - 1), 'of who introduced most')
  t.is(new Set(book.all.map(({ card }) => card.author)).size, LOG_AUTHORS_MAX)
  t.is(book.take(card(SELF), SELF).is, 'new', 'we always have room for ourselves')
})

test('card book - authors that have come themselves are never displaced', (t) => {
  const book = new CardBook(SELF)
  for (let at = 0; at < LOG_AUTHORS_MAX; at++) book.take(card(peer(at + 1)), peer(at + 1))
  t.is(book.take(card(peer(999)), peer(999)).is, 'full')
  const heard = new CardBook(SELF)
  heard.take(card(peer(5)), peer(1))
  heard.take(card(peer(5)), peer(5))
  for (let at = 0; at < 100; at++) heard.take(card(peer(at + 100)), peer(1))
  t.is(heard.all.filter(({ via }) => via === peer(1)).length, LOG_AUTHORS_INTRODUCED_MAX)
})
