// The cards of one topic on disk, so that logs are followed and passed on after a restart, whoever is there.
// Written whole, seldom. A file that is damaged is as good as none: peers tell the cards again, our own too.

import { peerIdOf } from '../../wire/ids.ts'
import { decodeLogCard, encodeLogCard } from '../../wire/log-card.ts'
import { readSaved, writeSaved } from './saved-file.ts'

import type { KnownCard } from './card-book.ts'

const VIA_BYTES = 32
const CARD_BYTES = 164
const ITEM_BYTES = VIA_BYTES + CARD_BYTES

/** @throws what reading throws. */
export async function readCards(path: string): Promise<KnownCard[]> {
  const bytes = (await readSaved(path)) ?? Buffer.alloc(0)
  const cards: KnownCard[] = []
  for (let at = 0; at + ITEM_BYTES <= bytes.byteLength; at += ITEM_BYTES) {
    try {
      const via = peerIdOf(bytes.subarray(at, at + VIA_BYTES))
      const card = decodeLogCard(new Uint8Array(bytes.subarray(at + VIA_BYTES, at + ITEM_BYTES)))
      cards.push({ card, via })
    } catch {
      continue
    }
  }
  return cards
}

/** @throws what writing throws. */
export async function writeCards(path: string, cards: KnownCard[]): Promise<void> {
  const items = cards.map(({ card, via }) => {
    return Buffer.concat([Buffer.from(via, 'hex'), encodeLogCard(card)])
  })
  await writeSaved(path, Buffer.concat(items))
}
