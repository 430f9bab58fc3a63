import { randomBytes } from 'node:crypto'
import test from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { BlockAssembly } from '../../../src/peer/lane/weights-piece.ts'
import { LINK_PIECE_BYTES, WeightsWay } from '../../../src/peer/lane/weights-way.ts'
import { linked } from '../link/link-sides.ts'

import type { Link } from '../../../src/peer/link/link.ts'

const BLOCK = new Uint8Array(randomBytes(2 ** 20))
const PIECES = BLOCK.byteLength / LINK_PIECE_BYTES

test('weights on a link - pings and frames pass between the pieces of a block', async (t) => {
  const { sideA, sideB } = await linked(t)
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  const [link] = sideA.up as [Link]
  const way = new WeightsWay(link, systemClock, true, {
    carrier: () => link,
    dial: () => t.fail('no lane is to be had') as never,
    onBlock: () => {}
  })
  t.teardown(() => way.close())
  const sent = way.send(BLOCK)
  await sideB.until(() => sideB.frames.length > 0)
  sideA.tick(125, true)
  link.ship(Buffer.from('a frame'))
  while (link.rttMs === null) await new Promise(setImmediate)
  t.ok(
    sideB.frames.length < PIECES / 2,
    `answered after ${sideB.frames.length} of ${PIECES} pieces`
  )
  const isFrame = (frame: Uint8Array) => Buffer.from(frame).toString() === 'a frame'
  await sent
  await sideB.until(() => sideB.frames.length === PIECES + 1)
  const place = sideB.frames.findIndex(isFrame)
  t.ok(place > 0 && place < PIECES / 2, `the frame came after ${place} pieces`)
  const assembly = new BlockAssembly()
  const pieces = sideB.frames.filter((frame) => !isFrame(frame))
  const block = pieces.map((piece) => assembly.take(piece.subarray(1))).at(-1)
  t.is(Buffer.compare(Buffer.concat(block ?? []), BLOCK), 0)
})
