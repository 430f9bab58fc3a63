import { readdirSync } from 'node:fs'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'
import test from 'brittle'

import { hostFiles } from '../../src/host/files.ts'
import { interfaceKind, isCable, type KindFacts } from '../../src/host/interface-kind.ts'
import { interfaceOf, readInterfaces } from '../../src/host/interfaces.ts'
import { card, linkDriver, madeHost } from '../helpers/made-host.ts'

const plain: KindFacts = {
  name: 'eth0',
  type: 1,
  devtype: '',
  isWireless: false,
  isBridge: false,
  isTunnel: false,
  hasDevice: true
}

test('interfaces - each kind is told from the facts that Linux gives', (t) => {
  const table: [Partial<KindFacts>, string][] = [
    [{}, 'ethernet'],
    [{ name: 'enp3s0' }, 'ethernet'],
    [{ name: 'lo', type: 772, hasDevice: false }, 'loopback'],
    [{ name: 'wlp2s0', isWireless: true }, 'wifi'],
    [{ name: 'wlan0', devtype: 'wlan' }, 'wifi'],
    [{ name: 'docker0', isBridge: true, hasDevice: false }, 'docker bridge'],
    [{ name: 'br-0123456789ab', isBridge: true, hasDevice: false }, 'docker bridge'],
    [{ name: 'br-lan', isBridge: true, hasDevice: false }, 'bridge'],
    [{ name: 'virbr0', devtype: 'bridge', hasDevice: false }, 'bridge'],
    [{ name: 'tun0', type: 65_534, isTunnel: true, hasDevice: false }, 'vpn'],
    [{ name: 'home', devtype: 'wireguard', type: 65_534, hasDevice: false }, 'vpn'],
    [{ name: 'tailscale0', isTunnel: true, hasDevice: false }, 'vpn'],
    [{ name: 'zt5u4ls7qj', isTunnel: true, hasDevice: false }, 'vpn'],
    [{ name: 'ppp0', type: 512, hasDevice: false }, 'vpn'],
    [{ name: 'veth12ab', hasDevice: false }, 'virtual'],
    [{ name: 'dummy0', hasDevice: false }, 'virtual']
  ]
  for (const [facts, kind] of table) t.is(interfaceKind({ ...plain, ...facts }), kind, facts.name)
})

test('interfaces - cables are what may join two machines, and nothing else', (t) => {
  t.alike([isCable('ethernet'), isCable('virtual')], [true, true])
  const others = ['wifi', 'docker bridge', 'bridge', 'vpn', 'loopback'] as const
  t.absent(others.some(isCable))
})

const ROUTES =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n' +
  'eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\n' +
  'eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n'
const ZERO = '0'.repeat(32)
const ROUTES_6 =
  `${ZERO} 00 ${ZERO} 00 fe800000000000000000000000000001 00000400 1 0 00000003     eth2\n` +
  `${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 1 0 00200200       lo\n`

function address(text: string, netmask = '255.255.0.0'): NetworkInterfaceInfo {
  const family = text.includes(':') ? 'IPv6' : 'IPv4'
  return { address: text, netmask, family, mac: '', internal: false, cidr: null } as never
}

test('interfaces - a made-up machine is read as it is', async (t) => {
  const made = await madeHost(t, {
    ...card('eth0'),
    ...card('eth1', { speed: '-1\n', duplex: 'unknown\n', mtu: '9000\n' }),
    // Switched off, Linux refuses to read these; here they are not there.
    ...card('eth2', { flags: '0x1002\n', carrier: '', speed: '', duplex: '' }),
    ...card('lo', { type: '772\n', flags: '0x9\n', 'device/vendor': '', mtu: '65536\n' }),
    '/sys/class/net/bonding_masters': '\n',
    '/proc/net/route': ROUTES,
    '/proc/net/ipv6_route': ROUTES_6,
    '/proc/sys/net/ipv6/conf/eth1/disable_ipv6': '1\n'
  })
  linkDriver(made, 'eth0', 'e1000e')
  const found = readInterfaces(made.files, { eth0: [address('192.168.1.5', '255.255.255.0')] })
  t.alike(
    found.map(({ name, kind }) => `${name} ${kind}`),
    ['eth0 ethernet', 'eth1 ethernet', 'eth2 ethernet', 'lo loopback']
  )
  t.alike(found[0], {
    name: 'eth0',
    kind: 'ethernet',
    isUp: true,
    hasCarrier: true,
    speedMbps: 1000,
    duplex: 'full',
    mtuBytes: 1500,
    mac: '02:00:00:00:00:04',
    driver: 'e1000e',
    addresses: [{ family: 'IPv4', address: '192.168.1.5', netmask: '255.255.255.0' }],
    hasDefaultRoute: true,
    ipv6Disabled: false
  })
  const [, eth1, eth2, lo] = found
  t.alike(
    [eth1?.speedMbps, eth1?.duplex, eth1?.mtuBytes, eth1?.ipv6Disabled],
    [null, null, 9000, true]
  )
  t.alike([eth2?.isUp, eth2?.hasCarrier, eth2?.hasDefaultRoute], [false, null, true])
  t.is(lo?.hasDefaultRoute, false)
})

test('interfaces - a machine without /sys has none', async (t) => {
  t.alike(readInterfaces((await madeHost(t, {})).files, {}), [])
})

test('interfaces - those of this very machine are read, loopback among them', (t) => {
  const found = readInterfaces(hostFiles())
  t.alike(
    found.map(({ name }) => name),
    readdirSync('/sys/class/net')
      .filter((name) => name !== 'bonding_masters')
      .toSorted()
  )
  t.is(found.find(({ name }) => name === 'lo')?.kind, 'loopback')
  const own = Object.entries(networkInterfaces()).flatMap(([, list = []]) => list)
  t.is(found.flatMap(({ addresses }) => addresses).length, own.length)
  t.ok(found.every(({ mtuBytes }) => mtuBytes > 0))
})

test('interfaces - an address belongs to its zone, its subnet, or to this machine', async (t) => {
  const made = await madeHost(t, {
    ...card('down', { carrier: '0\n' }),
    ...card('eth0'),
    ...card('eth1'),
    ...card('lo', { type: '772\n', 'device/vendor': '' })
  })
  const interfaces = readInterfaces(made.files, {
    down: [address('169.254.9.9')],
    eth0: [address('192.168.1.5', '255.255.255.0'), address('fe80::5', 'ffff:ffff:ffff:ffff::')],
    eth1: [address('169.254.3.3')],
    lo: [address('127.0.0.1', '255.0.0.0')]
  })
  const table: [string, string | null][] = [
    ['192.168.1.77', 'eth0'],
    ['192.168.2.77', null],
    ['fe80::1234%eth1', 'eth1'],
    ['fe80::1234%gone', null],
    // Two cables in one subnet: the one that is plugged in.
    ['169.254.200.1', 'eth1'],
    ['169.254.3.3', 'lo'],
    ['fe80::5%eth0', 'lo'],
    ['127.0.0.1', 'lo'],
    ['::1', 'lo'],
    ['2001:db8::1', null],
    ['', null]
  ]
  for (const [host, name] of table) t.is(interfaceOf(host, interfaces)?.name ?? null, name, host)
})
