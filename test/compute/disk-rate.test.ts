import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { measureDisk } from '../../src/compute/disk-rate.ts'

const SLOW_MS = 2000

test('disk rate - a file of some size is read past the cache, in little time', async (t) => {
  const path = join(await t.tmp(), 'large')
  // On the disk before it is read from there.
  writeFileSync(path, new Uint8Array(32 * 2 ** 20).fill(7), { flush: true })
  const startedMs = performance.now()
  const rate = await measureDisk(path)
  const tookMs = performance.now() - startedMs
  t.ok(tookMs < SLOW_MS, `${tookMs} ms`)
  // Where this file system has no such reads nothing is said.
  t.ok(rate === null || rate > 2 ** 20, `${rate} bytes per second`)
})

test('disk rate - it is the time that was read that counts', async (t) => {
  const path = join(await t.tmp(), 'large')
  writeFileSync(path, new Uint8Array(8 * 2 ** 20))
  let nowMs = 0
  const clock = { now: () => (nowMs += 10), wallMs: () => 0, after: () => ({ cancel: () => {} }) }
  const rate = await measureDisk(path, clock)
  // Eight pieces of a MiB; the time is asked before each of them and at the end.
  t.ok(rate === null || rate === Math.floor((8 * 2 ** 20) / 0.09), `${rate} bytes per second`)
})

test('disk rate - a small, an absent and an unreadable file tell nothing', async (t) => {
  const folder = await t.tmp()
  const path = join(folder, 'small')
  writeFileSync(path, new Uint8Array(2 ** 20))
  t.is(await measureDisk(path), null)
  t.is(await measureDisk(join(folder, 'absent')), null)
  t.is(await measureDisk(folder), null)
})
