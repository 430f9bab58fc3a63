// How commands tell what a peer holds: its own stage, and what stands by for others.

import test from 'brittle'

import { peerRow } from '../../src/cli/command/peers.ts'
import { statusRows } from '../../src/cli/command/status.ts'
import { formatHeld } from '../../src/cli/words.ts'
import { ScriptedService } from '../helpers/scripted-service.ts'

const range = (start: number, end: number) => ({ start, end })
const service = new ScriptedService()

test('held view - the own stage first, then each range that stands by', (t) => {
  t.is(formatHeld([], []), '-')
  t.is(formatHeld([range(0, 4)], []), '0-3')
  t.is(formatHeld([range(0, 8)], [range(4, 8)]), '0-3, standby 4-7')
  const standby = [range(0, 2), range(6, 7)]
  t.is(
    formatHeld([range(0, 2), range(3, 5), range(6, 7)], standby),
    '3-4, standby 0-1, standby 6-6'
  )
  t.is(formatHeld([range(0, 2)], [range(0, 2)]), 'standby 0-1')
})

test('held view - swarm status and swarm peers say so', (t) => {
  const held = [range(0, 3), range(4, 5)]
  const standby = [range(4, 5)]
  const layersOf = (rows: [string, string][]) => rows.find(([name]) => name === 'layers')?.[1]
  t.is(layersOf(statusRows({ ...service.status(), held, standby })), '0-2, standby 4-4 of 5')
  t.is(layersOf(statusRows({ ...service.status(), held: [], standby: [] })), 'none yet of 5')
  const onDisk = statusRows({ ...service.status(), held, standby: [], onDisk: [0, 1, 2] })
  t.ok(
    layersOf(onDisk)?.endsWith(' of 5, 3 of them, whole or in part, from disk for each token'),
    layersOf(onDisk)
  )
  const [peer] = service.peers()
  t.ok(peerRow({ ...peer!, held, standby }).includes('0-2, standby 4-4'))
  const loading = { ...range(3, 5), percent: 41 }
  t.ok(peerRow({ ...peer!, held, standby, loading }).includes('3-4 41 %'))
})
