import test from 'brittle'

import { loadKernels } from '../../src/compute/addon.ts'
import { usedBytes } from '../helpers/heap.ts'

const BLOCK_BYTES = 1000
const N_BLOCKS = 100_000
/** One of so many stays: below it the C library keeps all that is freed. */
const KEPT = 500

test('freed memory - what lies between blocks that are still used goes back to the system', (t) => {
  // Each of them a block of the C library's, and none from a pool.
  let blocks = Array.from({ length: N_BLOCKS }, () => Buffer.allocUnsafeSlow(BLOCK_BYTES).fill(1))
  blocks = blocks.filter((_, index) => index % KEPT === KEPT - 1)
  usedBytes()
  const beforeBytes = process.memoryUsage.rss()
  loadKernels().addon.giveBackFreed()
  const gainBytes = beforeBytes - process.memoryUsage.rss()
  const isGlibc = 'glibcVersionRuntime' in (process.report.getReport() as { header: object }).header
  t.comment(`${(gainBytes / 2 ** 20).toFixed(0)} MiB given back`)
  t.ok(!isGlibc || gainBytes > (N_BLOCKS * BLOCK_BYTES) / 2, 'most of what was freed')
  t.ok(blocks.every((block) => block.every((byte) => byte === 1)))
})
