import test, { type Test } from 'brittle'

import { ADDRESS_CHANGES_BURST } from '../../../src/base/limits.ts'
import { slowPath } from '../../helpers/slow-path.ts'
import { lanesUp, sides, ticking, type Side } from './lane-sides.ts'

/** Sends numbered frames at every turn of the event loop, until stopped. */
function streaming(side: Side): { stop(): number } {
  let sent = 0
  let isOver = false
  const next = () => {
    if (isOver) return
    // Of several sizes, so that frames are cut at the borders of reads.
    side.carrier?.ship(Buffer.from(`${sent++} ${'x'.repeat((sent * 7919) % 5000)}`))
    setImmediate(next)
  }
  next()
  return {
    stop() {
      isOver = true
      return sent
    }
  }
}

function numbersOf({ log }: Side): number[] {
  const frames = log.filter((line) => line.startsWith('frame '))
  return frames.map((line) => Number.parseInt(line.slice('frame '.length), 10))
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

async function allArrived(t: Test, from: Side, to: Side, sent: number): Promise<void> {
  await to.until(() => numbersOf(to).length >= sent)
  t.alike(numbersOf(to), upTo(sent), `${from.identity.id.slice(0, 4)} sent ${sent} frames`)
}

for (const dials of ['lower', 'upper'] as const) {
  test(`lane paths - a better path takes over in mid-stream, found by the ${dials} key`, async (t) => {
    const [lower, upper] = await sides(t)
    const finder = dials === 'lower' ? lower : upper
    const found = dials === 'lower' ? upper : lower
    await slowPath(t, '127.0.0.2', found.port, 8)
    finder.linkUp({ remoteHost: '127.0.0.2' })
    found.linkUp({ port: false })
    await Promise.all([lower.until('tcp'), upper.until('tcp')])
    t.is(finder.slot.laneHost, '127.0.0.2')
    ticking(t, lower, upper)
    const streams = [streaming(lower), streaming(upper)] as const
    finder.slot.paths.heard(['127.0.0.1'])
    const moved = ({ log }: Side) => log.filter((line) => line === 'tcp').length === 2
    await Promise.all([lower.until(() => moved(lower)), upper.until(() => moved(upper))])
    t.is(finder.slot.laneHost, '127.0.0.1')
    const before = [numbersOf(lower).length, numbersOf(upper).length] as const
    await Promise.all([
      lower.until(() => numbersOf(lower).length > before[0] + 200),
      upper.until(() => numbersOf(upper).length > before[1] + 200)
    ])
    await allArrived(t, lower, upper, streams[0].stop())
    await allArrived(t, upper, lower, streams[1].stop())
    const lost = [...lower.log, ...upper.log].filter((line) => /^lost|^link/.test(line))
    t.alike(lost, [])
  })
}

test('lane paths - a worse path does not take over, and its lane is closed again', async (t) => {
  const [lower, upper] = await sides(t)
  const slow = await slowPath(t, '127.0.0.3', upper.port, 8)
  await lanesUp(lower, upper)
  ticking(t, lower, upper)
  lower.slot.paths.heard(['127.0.0.3'])
  while (slow.taken === 0) await new Promise(setImmediate)
  while (upper.slot.nSpares === 0) await new Promise(setImmediate)
  while (upper.slot.nSpares > 0) await new Promise(setImmediate)
  t.is(lower.slot.laneHost, '127.0.0.1')
  t.alike(lower.log, ['tcp'])
  t.alike(upper.log, ['tcp'])
})

test('lane paths - where only the link was left, a cable plugged in later takes over', async (t) => {
  const [lower, upper] = await sides(t)
  lower.linkUp({ remoteHost: null })
  upper.linkUp({ remoteHost: null })
  await Promise.all([lower.until('udx'), upper.until('udx')])
  ticking(t, lower, upper)
  const streams = [streaming(lower), streaming(upper)] as const
  // The upper side reaches the lower one, but not the other way: enough for a lane.
  upper.slot.paths.heard(['127.0.0.1'])
  await Promise.all([lower.until('tcp'), upper.until('tcp')])
  const before = numbersOf(upper).length
  await upper.until(() => numbersOf(upper).length > before + 100)
  await allArrived(t, lower, upper, streams[0].stop())
  await allArrived(t, upper, lower, streams[1].stop())
  t.absent([...lower.log, ...upper.log].some((line) => /^lost|^link/.test(line)))
})

test('lane paths - a path that is cut while it takes over is a loss that is told, once', async (t) => {
  const [lower, upper] = await sides(t)
  const slow = await slowPath(t, '127.0.0.4', upper.port, 8)
  lower.linkUp({ remoteHost: '127.0.0.4' })
  upper.linkUp({ port: false })
  await Promise.all([lower.until('tcp'), upper.until('tcp')])
  ticking(t, lower, upper)
  lower.slot.paths.heard(['127.0.0.1'])
  await lower.until(() => lower.log.length === 2)
  // The lower side has moved; the end of the old lane is still on its way.
  slow.cut()
  await Promise.all([lower.until('lost PEER_GONE'), upper.until('lost PEER_GONE')])
  const again = (side: Side) => side.log.slice(side.log.indexOf('lost PEER_GONE')).includes('tcp')
  await Promise.all([lower.until(() => again(lower)), upper.until(() => again(upper))])
  t.is(lower.log.filter((line) => line.startsWith('lost')).length, 1)
  t.is(upper.log.filter((line) => line.startsWith('lost')).length, 1)
  lower.carrier?.ship(Buffer.from('7'))
  await upper.until('frame 7')
})

test('lane paths - each side tells the other its addresses when they change, and only then', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  const heard: string[][] = []
  upper.slot.paths.heard = (addresses) => heard.push(addresses) as unknown as void
  for (const addresses of [['10.0.0.1'], ['10.0.0.1'], ['10.0.0.1', '169.254.3.4'], ['10.0.0.1']]) {
    lower.lanes.announce(addresses)
  }
  while (heard.length < 3) await new Promise(setImmediate)
  t.alike(heard, [['10.0.0.1'], ['10.0.0.1', '169.254.3.4'], ['10.0.0.1']])
})

test('lane paths - a peer whose addresses change all the time loses its link', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  for (let i = 0; i < ADDRESS_CHANGES_BURST; i++) upper.slot.paths.heard([`10.0.0.${i}`])
  t.alike(upper.log, ['tcp'])
  upper.slot.paths.heard(['10.0.1.1'])
  t.alike(upper.log, ['tcp', 'link WIRE_BAD_FRAME'])
})
