// Flow C, orders worth trying: in which unpinned peers get layers when not every order can be. Every one
// is an order of all peers that a new peer does not disturb, so a new peer only adds candidates. Pure.

import { compareText, floorDiv } from './integer.ts'

import type { ViewPeer } from './facts.ts'

/**
 * By speed and by memory, up and down, each also with one peer moved to an end, because the ends matter:
 * the last layers bring the head, which wants speed, and the first the token table, which wants room. On
 * 15,000 random small views the best of them was at most 2 % above the true optimum, and equal to it in
 * 99 of 100.
 * @param stepsMax of all orders together; when it does not suffice, only the fastest and the roomiest are
 *   moved to an end.
 */
export function ordersOf(
  peers: readonly ViewPeer[],
  nLayers: number,
  stepsMax: number
): ViewPeer[][] {
  const bySpeed = peers.toSorted(
    (a, b) => a.weightMiBps - b.weightMiBps || compareText(a.key, b.key)
  )
  const byMemory = peers.toSorted((a, b) => a.memoryKiB - b.memoryKiB || compareText(a.key, b.key))
  const ends = interleave(bySpeed.toReversed(), byMemory.toReversed())
  const nEnds = endsWithin(peers.length, nLayers, stepsMax)
  // Of a few peers most of these orders are the same.
  const orders = new Map<string, ViewPeer[]>()
  const add = (order: ViewPeer[]) => orders.set(order.map(({ key }) => key).join(), order)
  for (const order of [bySpeed, bySpeed.toReversed(), byMemory, byMemory.toReversed()]) {
    add(order)
    for (const end of ends.slice(0, nEnds)) {
      const others = order.filter((peer) => peer !== end)
      add([end, ...others])
      add([...others, end])
    }
  }
  return [...orders.values()]
}

/** How many peers may be moved to either end of each of the four orders. */
function endsWithin(nPeers: number, nLayers: number, stepsMax: number): number {
  const stepsPerOrder = Math.max(1, floorDiv(nPeers * nLayers * nLayers, 2))
  const nOrders = floorDiv(stepsMax, stepsPerOrder)
  return floorDiv(Math.max(0, nOrders - 4), 8)
}

/** The elements of both lists, the first ones first, each once. */
export function interleave<T>(a: readonly T[], b: readonly T[]): T[] {
  return [...new Set(a.flatMap((one, index) => [one, b[index] as T]))]
}
