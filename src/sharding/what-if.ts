// Flow C, plans of a swarm that is not there: `+24GiB@45GB/s` adds a machine, `-PEER` takes one away, and
// what comes out is planned like any other view. Parsing is here because the command line, the API and a
// bench share it. Pure.

import { SwarmError } from '../base/errors.ts'
import { MEMORY_KIB_MAX, RATE_MIBPS_MAX, RATE_MIBPS_MIN } from '../base/limits.ts'
import { clip, formatSize, parseSize } from '../base/text.ts'
import { toPeerId, type PeerId } from '../wire/ids.ts'
import { compareText } from './integer.ts'

import type { View, ViewPeer } from './facts.ts'

export type Change =
  { kind: 'add'; memoryKiB: number; weightMiBps: number } | { kind: 'remove'; peer: string }

/** A machine of a view as people call it. */
export interface NamedPeer {
  key: PeerId
  /** Foreign text. */
  name: string
}

/**
 * @param text `+SIZE@SIZE/s`, the memory for weights and the rate at which they are read, or `-` and the
 *   name or the first digits of the key of a peer.
 * @throws USAGE_BAD_VALUE
 */
export function parseChange(text: string): Change {
  const [, memory, rate] = /^\+([^@]{1,30})@([^@]{1,30})\/s$/.exec(text) ?? []
  if (memory !== undefined && rate !== undefined) {
    const memoryKiB = Math.floor(parseSize(memory) / 1024)
    const weightMiBps = Math.floor(parseSize(rate) / 2 ** 20)
    if (memoryKiB < 1 || memoryKiB > MEMORY_KIB_MAX) throw outside(text, 'memory')
    if (weightMiBps < RATE_MIBPS_MIN || weightMiBps > RATE_MIBPS_MAX) throw outside(text, 'rate')
    return { kind: 'add', memoryKiB, weightMiBps }
  }
  const peer = /^-(.{1,64})$/.exec(text)?.[1]
  if (peer !== undefined) return { kind: 'remove', peer }
  throw new SwarmError(
    'USAGE_BAD_VALUE',
    `'${clip(text)}' changes nothing; write +24GiB@45GB/s to add a machine with so much memory, read at ` +
      'such a rate, or -PEER to take one away',
    { param: 'what-if' }
  )
}

/**
 * @param named the machines of the view by name.
 * @returns the view changed, and what to call the machines that were added.
 * @throws USAGE_BAD_VALUE when a machine to take away is unknown or ambiguous.
 */
export function changeView(
  before: View,
  changes: readonly Change[],
  named: readonly NamedPeer[]
): { view: View; added: NamedPeer[] } {
  let kept = [...before.peers]
  const added: NamedPeer[] = []
  for (const change of changes) {
    if (change.kind === 'remove') {
      const key = findPeer(change.peer, kept, named)
      kept = kept.filter((peer) => peer.key !== key)
      continue
    }
    const { memoryKiB, weightMiBps } = change
    const peer: ViewPeer = { key: keyBehind(added.length), memoryKiB, weightMiBps, pin: null }
    kept.push(peer)
    added.push({ key: peer.key, name: `new ${formatSize(memoryKiB * 1024)}` })
  }
  const peers = kept.toSorted((a, b) => compareText(a.key, b.key))
  return { view: { ...before, peers }, added }
}

/** A key after those of real peers, so that of equal machines the real ones are taken. */
function keyBehind(index: number): PeerId {
  return toPeerId('f'.repeat(60) + (0xff00 + index).toString(16).padStart(4, '0'))
}

function findPeer(text: string, peers: readonly ViewPeer[], named: readonly NamedPeer[]): PeerId {
  const nameOf = new Map(named.map(({ key, name }) => [key, name]))
  const isKey = /^[0-9a-f]{4,64}$/.test(text)
  const found = peers.filter(
    ({ key }) => nameOf.get(key) === text || (isKey && key.startsWith(text))
  )
  const [one] = found
  if (one !== undefined && found.length === 1) return one.key
  const why = found.length > 1 ? 'means several machines' : 'is no machine of this plan'
  throw new SwarmError(
    'USAGE_BAD_VALUE',
    `'${clip(text)}' ${why}; give more digits of a key that swarm peers shows`,
    { param: 'what-if' }
  )
}

function outside(text: string, what: string): SwarmError {
  return new SwarmError(
    'USAGE_BAD_VALUE',
    `the ${what} of '${clip(text)}' is beyond every machine`,
    {
      param: 'what-if'
    }
  )
}
