// What a network card does by itself instead of the processor. Linux tells it through ethtool only, which
// may not be installed; then nothing is claimed. Owns the reading of its output; runs nothing.

import type { Finding } from './finding.ts'

/** ethtool's names, the letters that `ethtool -K` takes, and what the card does. */
const OFFLOADS = [
  ['tcp-segmentation-offload', 'tso', 'cuts what is sent into packets'],
  ['generic-receive-offload', 'gro', 'joins packets that arrive before they are passed on'],
  ['rx-checksumming', 'rx', 'checks what arrives'],
  ['tx-checksumming', 'tx', 'computes the checksums of what is sent']
] as const

export type Offloads = Map<string, 'on' | 'off' | 'off, fixed'>

/** @param text what `ethtool -k NAME` printed; null when it could not be run. */
export function readOffloads(text: string | null): Offloads {
  const found: Offloads = new Map()
  for (const [name] of OFFLOADS) {
    const [, state, fixed] = new RegExp(`^${name}: (on|off)( \\[.*fixed.*\\])?`, 'm').exec(
      text ?? ''
    ) ?? ['', '', '']
    if (state === 'on') found.set(name, 'on')
    else if (state === 'off') found.set(name, fixed ? 'off, fixed' : 'off')
  }
  return found
}

/** One finding for all offloads of one interface; null when nothing is known of them. */
export function offloadAdvice(interfaceName: string, offloads: Offloads): Finding | null {
  if (offloads.size === 0) return null
  const off = OFFLOADS.filter(([name]) => offloads.get(name) === 'off')
  const current = OFFLOADS.filter(([name]) => offloads.has(name))
    .map(([name, short]) => `${short} ${offloads.get(name)}`)
    .join(', ')
  const isGood = off.length === 0
  const flags = off.map(([, short]) => `${short} on`).join(' ')
  return {
    subject: `offloads of ${interfaceName}`,
    current,
    wanted: isGood ? current : flags,
    isGood,
    reason: isGood
      ? 'the card takes the work per packet from the processor'
      : `the processor does what the card could: it ${off.map(([, , what]) => what).join(', ')}`,
    gain: isGood ? '' : 'less processor time per byte on bulk transfers; little for single tokens',
    changes: [],
    commands: isGood ? [] : [`ethtool -K ${interfaceName} ${flags}`]
  }
}
