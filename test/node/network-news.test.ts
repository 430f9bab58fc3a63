import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { networkNews } from '../../src/node/network-news.ts'
import { toPeerId } from '../../src/wire/ids.ts'

const peer = toPeerId('ab'.repeat(32))
const nameOf = (): string => 'boron'

test('network news - a peer that went of itself left, one that was lost is gone', (t) => {
  const error = new SwarmError('PEER_GONE', 'silent')
  const left = networkNews({ type: 'link-down', peer, error, left: true }, nameOf)
  const gone = networkNews({ type: 'link-down', peer, error, left: false }, nameOf)
  t.alike(left, { kind: 'peer', text: 'boron (abababab) left', data: { peer } })
  t.is(gone?.text, 'boron (abababab) is gone')
})

test('network news - a refusal carries its code, a record is no news', (t) => {
  const error = new SwarmError('WIRE_PROOF', 'wrong secret')
  t.alike(networkNews({ type: 'refused', peer, error }, nameOf), {
    kind: 'refused',
    text: 'wrong secret',
    data: { peer, code: 'WIRE_PROOF' }
  })
  t.is(networkNews({ type: 'record', peer }, nameOf), null)
})
