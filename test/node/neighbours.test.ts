import test from 'brittle'

import { presentRecords, nameOf, reachableRecords } from '../../src/node/neighbours.ts'
import { seededRandom } from '../../src/base/random.ts'
import { keyOf, randomModel, toRecord } from '../helpers/views.ts'

import type { PeerNetwork } from '../../src/peer/network.ts'
import type { LinkInfo } from '../../src/peer/network-options.ts'
import type { MemberState } from '../../src/peer/members/member-state.ts'

const model = randomModel(seededRandom(1), 4)

function peer(digit: string, state: MemberState = 'alive') {
  const view = { key: keyOf(digit), memoryKiB: 1000, weightMiBps: 1000, pin: null }
  return { record: toRecord(view, model, { name: `host ${digit}` }), state }
}

function link(digit: string, lane: 'tcp' | 'udx' | null) {
  return { peer: keyOf(digit), lane } as LinkInfo
}

const peers = [
  peer('a'),
  peer('b'),
  peer('c', 'left'),
  peer('d', 'suspect'),
  peer('e'),
  peer('f', 'dead')
]
const network = {
  directory: {
    peers: () => peers,
    get: (key) => peers.find(({ record }) => record.key === key) ?? null
  },
  links: () => [
    link('b', 'tcp'),
    link('c', 'tcp'),
    link('d', null),
    link('e', 'udx'),
    link('f', 'tcp')
  ]
} as Pick<PeerNetwork, 'directory' | 'links'>

const digits = (records: { key: string }[]) => records.map(({ key }) => key[0]).join('')

test('neighbours - plans are made of all that are alive or suspect', (t) => {
  t.is(digits(presentRecords(network)), 'abde')
})

test('neighbours - within reach are oneself and those that activations have a way to', (t) => {
  t.is(digits(reachableRecords(network, keyOf('a'))), 'abe')
})

test('neighbours - a peer has the name it gave, or else the beginning of its key', (t) => {
  t.is(nameOf(network, keyOf('b')), 'host b')
  t.is(nameOf(network, keyOf('9')), '99999999')
})
