// How rare a feature is, looked up by its hash in the frozen table.

import { inflateRawSync } from 'node:zlib'
import { IDF_TABLE } from './idf-table.ts'

/** Buckets of the table; two features in one share the rarity of the commoner one. */
export const BUCKETS = 2 ** 17
/** What is as rare as this, or was never counted, is rare: finer steps would rest on few counts. */
export const RARE_BITS = 11

const packed = inflateRawSync(Buffer.from(IDF_TABLE, 'base64'))

export function bucketOf(hash: number): number {
  return hash >>> 15
}

/** @returns 0 (in every passage) to RARE_BITS. */
export function rarityOf(hash: number): number {
  const bucket = bucketOf(hash)
  return ((packed[bucket >> 1] ?? 0) >> (4 * (bucket & 1))) & 15
}
