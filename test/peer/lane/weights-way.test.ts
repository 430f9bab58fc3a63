import { randomBytes } from 'node:crypto'
import test from 'brittle'

import {
  PATH_SEARCHES_BURST,
  WEIGHTS_BLOCK_BYTES_MAX,
  WEIGHTS_QUEUE_BYTES_MAX
} from '../../../src/base/limits.ts'
import { LINK_PIECE_NUMBER } from '../../../src/peer/lane/weights-way.ts'
import { Relay } from '../../helpers/net/relay.ts'
import { lanesUp, sides, ticking, type Side } from './lane-sides.ts'

import type { Lane } from '../../../src/peer/lane/lane.ts'

function same(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0
}

async function arrived(side: Side, count: number): Promise<void> {
  await side.until(() => side.blocks.length >= count)
}

test('weights way - blocks arrive whole and in order on a lane of their own, both ways', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  const sizes = [1, 2 ** 20, 7, 2 ** 18, 2 ** 18 + 1, WEIGHTS_BLOCK_BYTES_MAX]
  for (const [from, to] of [
    [upper, lower],
    [lower, upper]
  ] as const) {
    const blocks = sizes.map((sizeBytes) => new Uint8Array(randomBytes(sizeBytes)))
    await Promise.all(blocks.map((block) => from.slot.weights.send(block)))
    await arrived(to, blocks.length)
    t.ok(blocks.every((block, index) => same(to.blocks[index], block)))
    t.is(from.slot.weights.kind, 'tcp')
  }
  t.is(lower.slot.nSpares + upper.slot.nSpares, 0)
  t.alike(
    lower.log.filter((line) => /^(tcp|lost|link)/.test(line)),
    ['tcp']
  )
})

test('weights way - no lane is opened before it is needed', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  t.is(lower.slot.weights.kind, null)
  await lower.slot.weights.send(new Uint8Array(9))
  t.is(lower.slot.weights.kind, 'tcp')
})

test('weights way - both sides that begin at once share one lane', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  const blocks = Array.from({ length: 6 }, () => new Uint8Array(randomBytes(2 ** 20)))
  await Promise.all(
    blocks.flatMap((block) => [lower.slot.weights.send(block), upper.slot.weights.send(block)])
  )
  await Promise.all([arrived(lower, 6), arrived(upper, 6)])
  t.ok(blocks.every((block, index) => same(lower.blocks[index], block)))
  t.ok(blocks.every((block, index) => same(upper.blocks[index], block)))
})

test('weights way - where no lane can be had pieces go over the link, between the rest', async (t) => {
  const [lower, upper] = await sides(t)
  lower.linkUp(false)
  upper.linkUp(false)
  await Promise.all([lower.until('udx'), upper.until('udx')])
  const block = new Uint8Array(randomBytes(100_000))
  const sent = lower.slot.weights.send(block)
  lower.carrier?.ship(Buffer.from('between'))
  await sent
  await arrived(upper, 1)
  t.ok(same(upper.blocks[0], block))
  t.is(lower.slot.weights.kind, null)
  t.ok(upper.log.indexOf('frame between') < upper.log.indexOf('block 100000'))
})

test('weights way - what waits is bounded: a caller that does not await is refused', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  const block = new Uint8Array(WEIGHTS_BLOCK_BYTES_MAX)
  const fits = WEIGHTS_QUEUE_BYTES_MAX / WEIGHTS_BLOCK_BYTES_MAX
  const sends = Array.from({ length: fits }, () => lower.slot.weights.send(block))
  await t.exception(lower.slot.weights.send(new Uint8Array(1)), /await the sends/)
  await Promise.all(sends)
  await lower.slot.weights.send(new Uint8Array(1))
  await t.exception(lower.slot.weights.send(new Uint8Array(0)), /not 0/)
  await t.exception(
    lower.slot.weights.send(new Uint8Array(WEIGHTS_BLOCK_BYTES_MAX + 1)),
    /A block of weights has/
  )
})

test('weights way - a receiver that is busy slows the sender down, and loses nothing', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  let take = () => {}
  upper.taking = new Promise((resolve) => (take = resolve))
  const block = new Uint8Array(2 ** 20)
  let sent = 0
  const all = (async () => {
    for (let i = 0; i < 64; i++) {
      await lower.slot.weights.send(block)
      sent++
    }
  })()
  await arrived(upper, 1)
  for (let turn = 0, last = -1; turn < 200 || sent !== last; turn++) {
    last = sent
    await new Promise(setImmediate)
  }
  t.is(upper.blocks.length, 1, 'not read on')
  t.ok(sent < 60, `${sent} blocks in the buffers of two sockets`)
  upper.taking = undefined
  take()
  await all
  await arrived(upper, 64)
  t.is(upper.blocks.length, 64)
})

test('weights way - frames pass while weights are stuck, and weights while frames are', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  let take = () => {}
  upper.taking = new Promise((resolve) => (take = resolve))
  const blocks = Promise.all(
    Array.from({ length: 8 }, () => lower.slot.weights.send(new Uint8Array(2 ** 20)))
  )
  await arrived(upper, 1)
  for (let trip = 0; trip < 100; trip++) {
    lower.carrier?.ship(Buffer.from(`there ${trip}`))
    await upper.until(`frame there ${trip}`)
    upper.carrier?.ship(Buffer.from(`back ${trip}`))
    await lower.until(`frame back ${trip}`)
  }
  t.is(upper.blocks.length, 1)
  upper.taking = undefined
  take()
  await blocks
  await arrived(upper, 8)
  ;(upper.carrier as Lane).hold()
  for (let i = 0; i < 32; i++) lower.carrier?.ship(new Uint8Array(2 ** 20))
  await lower.slot.weights.send(new Uint8Array(77))
  await upper.until('block 77')
  t.ok((lower.carrier?.backlogBytes ?? 0) > 2 ** 20)
})

test('weights way - a block whose lane breaks goes again, whole, on a new one', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  let take = () => {}
  upper.taking = new Promise((resolve) => (take = resolve))
  await lower.slot.weights.send(new Uint8Array(1))
  await arrived(upper, 1)
  // The receiver holds the lane, so these get stuck on it.
  const blocks = Array.from({ length: 8 }, () => new Uint8Array(randomBytes(2 ** 20)))
  const sends = Promise.all(blocks.map((block) => lower.slot.weights.send(block)))
  await new Promise(setImmediate)
  upper.taking = undefined
  upper.slot.weights.closeLane()
  take()
  await sends
  await upper.until(() => same(upper.blocks.at(-1), blocks.at(-1) as Uint8Array))
  const whole = upper.blocks.slice(1)
  t.ok(whole.every((block) => blocks.some((one) => same(block, one))))
  t.absent([...lower.log, ...upper.log].some((line) => /^lost|^link/.test(line)))
})

test('weights way - a signal takes back what has not begun to leave', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  const controller = new AbortController()
  const first = lower.slot.weights.send(new Uint8Array(2 ** 20))
  const second = lower.slot.weights.send(new Uint8Array(5), controller.signal)
  const third = lower.slot.weights.send(new Uint8Array(6))
  controller.abort()
  await t.exception(second)
  await t.exception(lower.slot.weights.send(new Uint8Array(5), controller.signal))
  await Promise.all([first, third])
  await arrived(upper, 2)
  t.alike(
    upper.blocks.map(({ byteLength }) => byteLength),
    [2 ** 20, 6]
  )
})

test('weights way - with the link everything that waits is refused, and later sends too', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  upper.taking = new Promise(() => {})
  const { weights } = lower.slot
  const sends = Array.from({ length: 8 }, () => weights.send(new Uint8Array(2 ** 20)))
  const refused = sends.map((send) => t.exception(send, /link is down/))
  await lower.lanes.linkDown(upper.identity.id)
  await Promise.all(refused)
  await t.exception(weights.send(new Uint8Array(1)), /link is down/)
})

test('weights way - an idle lane is closed, and the next block opens another', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  ticking(t, lower, upper)
  await lower.slot.weights.send(new Uint8Array(1))
  t.is(lower.slot.weights.kind, 'tcp')
  while (lower.slot.weights.kind !== null) await new Promise(setImmediate)
  await lower.slot.weights.send(new Uint8Array(2))
  await upper.until('block 2')
  t.alike(lower.log, ['tcp'])
})

test('weights way - who asks for lanes without end gets a few', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  for (let i = 0; i < PATH_SEARCHES_BURST; i++) {
    lower.slot.weights.wanted()
    while (lower.slot.weights.kind === null) await new Promise(setImmediate)
    lower.slot.weights.closeLane()
  }
  lower.slot.weights.wanted()
  // Many times the few round trips that a lane takes to open.
  for (let trip = 0; trip < 50; trip++) {
    lower.carrier?.ship(Buffer.from(`there ${trip}`))
    await upper.until(`frame there ${trip}`)
    upper.carrier?.ship(Buffer.from(`back ${trip}`))
    await lower.until(`frame back ${trip}`)
  }
  t.is(lower.slot.weights.kind, null)
})

test('weights way - on the link a piece out of place ends the link', async (t) => {
  const [lower, upper] = await sides(t)
  lower.linkUp(false)
  upper.linkUp(false)
  await Promise.all([lower.until('udx'), upper.until('udx')])
  lower.carrier?.ship(new Uint8Array([LINK_PIECE_NUMBER, 255, 255, 255, 255, 0, 0, 0, 0, 1]))
  await upper.until('link WIRE_TOO_LARGE')
  lower.carrier?.ship(new Uint8Array([LINK_PIECE_NUMBER, 1, 2]))
  await upper.until('link WIRE_BAD_FRAME')
  t.is(upper.blocks.length, 0)
})

test('weights way - what a path carries is measured, to its rate', async (t) => {
  const [lower, upper] = await sides(t)
  const at = { host: '127.0.0.6', port: upper.port }
  const relay = await Relay.tcp({ port: upper.port, at, bytesPerSecond: 25e6, delayMs: 3 })
  t.teardown(() => relay.close())
  lower.linkUp({ remoteHost: '127.0.0.6' })
  upper.linkUp({ port: false })
  await Promise.all([lower.until('tcp'), upper.until('tcp')])
  const path = await lower.slot.weights.measure()
  t.ok(
    path && path.mbps > 100 && path.mbps < 400,
    `${path?.mbps} of 200 Mbit/s, ${path?.rttMs} ms away`
  )
  // A timer may fire up to a millisecond before its time.
  t.ok(path && path.rttMs >= 4 && path.rttMs < 40, `${path?.rttMs} ms`)
  t.is(upper.blocks.length, 0)
})

test('weights way - weights wait for a measurement, and nothing is measured beside weights', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  const measured = lower.slot.weights.measure()
  const sent = lower.slot.weights.send(new Uint8Array(randomBytes(2 ** 20)))
  t.is(await lower.slot.weights.measure(), null)
  t.ok(((await measured)?.mbps ?? 0) > 0)
  await sent
  await arrived(upper, 1)
})

test('weights way - without a lane, or when it is lost, nothing is measured', async (t) => {
  const [lower, upper] = await sides(t)
  lower.linkUp(false)
  upper.linkUp(false)
  await Promise.all([lower.until('udx'), upper.until('udx')])
  t.is(await lower.slot.weights.measure(), null)
  const [near, far] = await sides(t)
  await lanesUp(near, far)
  const measured = near.slot.weights.measure()
  far.slot.close()
  near.slot.close()
  t.is(await measured, null)
})
