import test from 'brittle'

import {
  announcedAddresses,
  broadcastOf,
  interfaceAddresses,
  type InterfaceAddress
} from '../../src/peer/address.ts'

const eth: InterfaceAddress = {
  name: 'eth0',
  family: 'IPv4',
  address: '192.168.7.4',
  netmask: '255.255.254.0',
  internal: false
}

test('address - a directed broadcast covers exactly the subnet', (t) => {
  t.is(broadcastOf(eth), '192.168.7.255')
  t.is(broadcastOf({ ...eth, netmask: '255.255.255.0', address: '10.1.2.3' }), '10.1.2.255')
  t.is(broadcastOf({ ...eth, netmask: '255.0.0.0', address: '127.0.0.1' }), '127.255.255.255')
  t.is(broadcastOf({ ...eth, netmask: '255.255.255.255' }), null)
  t.is(broadcastOf({ ...eth, family: 'IPv6', address: 'fe80::1', netmask: 'ffff::' }), null)
})

test('address - loopback and link-local IPv6 are not announced, IPv4 comes first', (t) => {
  const all: InterfaceAddress[] = [
    { ...eth, family: 'IPv6', address: 'fd00::5' },
    { ...eth, family: 'IPv6', address: 'fe80::5' },
    { ...eth, address: '127.0.0.1', internal: true },
    eth
  ]
  t.alike(announcedAddresses(all), ['192.168.7.4', 'fd00::5'])
  t.is(announcedAddresses(Array.from({ length: 20 }, () => eth)).length, 8)
})

test('address - this machine has a loopback interface', (t) => {
  t.ok(interfaceAddresses().some(({ address }) => address === '127.0.0.1'))
})
