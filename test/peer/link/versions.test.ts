import test from 'brittle'

import { versionRefusal } from '../../../src/peer/link/versions.ts'

import type { PeerId } from '../../../src/wire/ids.ts'

const peer = 'abcdef12'.repeat(8) as PeerId
const v1 = { protocolVersion: 1, arithmeticVersion: 4, programVersion: '0.1.0' }

test('versions - equal ones fit, whatever the program is called', (t) => {
  t.is(versionRefusal(v1, { ...v1, programVersion: '0.1.7' }, peer), null)
})

test('versions - another protocol is refused with both versions and what to upgrade', (t) => {
  const v2 = { ...v1, protocolVersion: 2, programVersion: '0.2.0' }
  const here = versionRefusal(v1, v2, peer)
  const there = versionRefusal(v2, v1, peer)
  t.is(here?.code, 'WIRE_VERSION')
  t.is(
    here?.message,
    'Peer abcdef12 runs 0.2.0 with protocol version 2, this machine runs 0.1.0 with protocol ' +
      'version 1; upgrade this machine: npm install -g swarm-grid@latest'
  )
  t.ok(there?.message.includes('upgrade peer abcdef12'))
})

test('versions - other arithmetic is refused as such', (t) => {
  const refusal = versionRefusal(v1, { ...v1, arithmeticVersion: 3 }, peer)
  t.is(refusal?.code, 'WIRE_VERSION')
  t.ok(/arithmetic version 3.*arithmetic version 4/.test(refusal?.message ?? ''))
})

test('versions - the foreign version text is made safe to print', (t) => {
  const theirs = { ...v1, protocolVersion: 9, programVersion: '\u001b[31m!' }
  t.absent(versionRefusal(v1, theirs, peer)?.message.includes('\u001b'))
})
