// What `swarm bridge` advises, by tables: facts of a machine and a cable -> what is to be changed.

import { join } from 'node:path'
import test from 'brittle'

import { addressPlan, linkLocalOf, networkManager } from '../../src/host/address-plan.ts'
import { addressPlans, bridgeAdvice, type BridgeFacts } from '../../src/host/bridge-advice.ts'
import { cableAdvice, type CableEnd } from '../../src/host/cable-advice.ts'
import { kernelAdvice } from '../../src/host/kernel-advice.ts'
import { offloadAdvice, readOffloads } from '../../src/host/offloads.ts'
import { readBurden, wireBudget } from '../../src/host/wire-budget.ts'
import { demoModelSpec } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { madeHost } from '../helpers/made-host.ts'

import type { Finding } from '../../src/host/finding.ts'
import type { HostInterface } from '../../src/host/interfaces.ts'

const own: HostInterface = {
  name: 'eth1',
  kind: 'ethernet',
  isUp: true,
  hasCarrier: true,
  speedMbps: 1000,
  duplex: 'full',
  mtuBytes: 1500,
  mac: '02:00:00:00:00:01',
  driver: 'e1000e',
  addresses: [{ family: 'IPv6', address: 'fe80::1', netmask: 'ffff:ffff:ffff:ffff::' }],
  hasDefaultRoute: false,
  ipv6Disabled: false
}
const end: CableEnd = { mtuBytes: 1500, plainBytesPerSecond: 117e6, noiseBytesPerSecond: 115e6 }

/** What is to be changed: subject, current and wanted value. */
function bad(findings: readonly Finding[]): string[] {
  return findings
    .filter(({ isGood }) => !isGood)
    .map(({ subject, current, wanted }) => `${subject}: ${current} -> ${wanted}`)
}

test('advice - a good cable needs nothing', (t) => {
  const findings = cableAdvice({ own, end })
  t.alike(bad(findings), [])
  t.alike(
    findings.map(({ subject }) => subject),
    ['address of eth1', 'speed of eth1', 'MTU of eth1', 'throughput at eth1', 'encryption at eth1']
  )
  t.absent(findings.some(({ changes, commands }) => changes.length + commands.length > 0))
})

test('advice - each fault of a cable is named with what it should be', (t) => {
  const table: [string, Partial<HostInterface>, CableEnd | null, string[]][] = [
    [
      'off',
      { isUp: false, hasCarrier: null, addresses: [], speedMbps: null },
      null,
      ['cable at eth1: switched off -> on']
    ],
    [
      'unplugged',
      { hasCarrier: false, addresses: [], speedMbps: null },
      null,
      ['cable at eth1: nobody at the other end -> plugged in at both ends']
    ],
    ['slow', { speedMbps: 100 }, null, ['speed of eth1: 100 Mbit/s -> 1000 Mbit/s or more']],
    ['half', { duplex: 'half' }, null, ['duplex of eth1: half -> full']],
    ['no address', { addresses: [] }, null, ['address of eth1: none -> fe80:: or 169.254.x.y']],
    [
      'no IPv6',
      { addresses: [], ipv6Disabled: true },
      null,
      ['address of eth1: none, IPv6 is disabled -> fe80::, from the kernel']
    ],
    ['small MTU', { mtuBytes: 1400 }, { ...end, mtuBytes: 1400 }, ['MTU of eth1: 1400 -> 1500']],
    [
      '10 Gbit/s',
      { speedMbps: 10_000 },
      { ...end, plainBytesPerSecond: 1170e6 },
      ['MTU of eth1: 1500 -> 9000']
    ],
    [
      'unlike ends',
      {},
      { ...end, mtuBytes: 9000 },
      ['MTU of both ends of eth1: 1500 here, 9000 at the other end -> the same']
    ],
    [
      'slow TCP',
      {},
      { ...end, plainBytesPerSecond: 25e6, noiseBytesPerSecond: 25e6 },
      ['throughput at eth1: 200 of 1000 Mbit/s -> 940 Mbit/s']
    ]
  ]
  for (const [name, facts, other, expected] of table) {
    t.alike(bad(cableAdvice({ own: { ...own, ...facts }, end: other })), expected, name)
  }
})

test('advice - every fault says why, and what mends it', (t) => {
  const faults = [{ isUp: false }, { hasCarrier: false }, { speedMbps: 10 }, { ipv6Disabled: true }]
  for (const fault of faults) {
    for (const finding of cableAdvice({
      own: { ...own, ...fault },
      end: { ...end, mtuBytes: 1 }
    })) {
      if (finding.isGood) continue
      t.ok(finding.reason.length > 20 && finding.gain.length > 5, finding.subject)
      t.ok(finding.commands.length > 0, finding.subject)
    }
  }
})

test('advice - the MTU of the way to the internet, and of a cable of nobody, is left alone', (t) => {
  const small = { ...own, mtuBytes: 1400 }
  t.alike(
    bad(cableAdvice({ own: { ...small, hasDefaultRoute: true }, end: { ...end, mtuBytes: 1400 } })),
    []
  )
  t.alike(bad(cableAdvice({ own: small, end: null })), [])
})

test('advice - a processor that cannot encrypt as fast as the cable is told, not changed', (t) => {
  const fast = { ...end, plainBytesPerSecond: 1100e6, noiseBytesPerSecond: 450e6 }
  const [cipher] = cableAdvice({ own: { ...own, speedMbps: null }, end: fast }).slice(-1)
  t.alike(
    [cipher?.subject, cipher?.current, cipher?.isGood],
    ['encryption at eth1', '450 of 1100 MB/s', true]
  )
})

test('advice - a VPN, a Wi-Fi and loopback are no cables', (t) => {
  for (const kind of ['vpn', 'wifi', 'loopback', 'docker bridge'] as const) {
    t.alike(cableAdvice({ own: { ...own, kind, mtuBytes: 1280 }, end }), [], kind)
  }
})

const SYSCTLS = {
  '/proc/sys/net/core/rmem_max': '212992\n',
  '/proc/sys/net/core/wmem_max': '212992\n',
  '/proc/sys/net/ipv4/tcp_rmem': '4096\t131072\t6291456\n',
  '/proc/sys/net/ipv4/tcp_wmem': '4096\t16384\t4194304\n'
}

test('advice - the limits of a stock kernel are raised where they bind us', async (t) => {
  const findings = kernelAdvice((await madeHost(t, SYSCTLS)).files)
  t.alike(bad(findings), [
    'net.core.rmem_max: 212992 -> 4194304',
    'net.core.wmem_max: 212992 -> 4194304'
  ])
  t.alike(findings[0]?.changes, [
    {
      path: '/proc/sys/net/core/rmem_max',
      name: 'net.core.rmem_max',
      from: '212992',
      to: '4194304'
    }
  ])
  t.alike(findings[0]?.commands, ['sysctl -w net.core.rmem_max=4194304'])
})

test('advice - of three numbers only the limit is raised, and never lowered', async (t) => {
  const path = '/proc/sys/net/ipv4/tcp_rmem'
  const small = await madeHost(t, { [path]: '4096\t87380\t200000\n' })
  const [finding] = kernelAdvice(small.files)
  t.is(finding?.wanted, '4096 87380 4194304')
  t.alike(finding?.commands, ["sysctl -w net.ipv4.tcp_rmem='4096 87380 4194304'"])
  const large = await madeHost(t, { [path]: '4096\t87380\t33554432\n' })
  t.alike(bad(kernelAdvice(large.files)), [])
})

test('advice - a system without these settings, or with others, gets no advice on them', async (t) => {
  t.alike(kernelAdvice((await madeHost(t, {})).files), [])
  const odd = await madeHost(t, { '/proc/sys/net/core/rmem_max': 'many\n' })
  t.alike(kernelAdvice(odd.files), [])
})

const ETHTOOL = `Features for eth1:
rx-checksumming: on
tx-checksumming: on
	tx-checksum-ipv4: off [fixed]
tcp-segmentation-offload: off
	tx-tcp-segmentation: off
generic-receive-offload: off [fixed]
`

test('advice - offloads that are off and could be on are named, fixed ones are not', (t) => {
  const offloads = readOffloads(ETHTOOL)
  t.alike([...offloads.values()], ['off', 'off, fixed', 'on', 'on'])
  const finding = offloadAdvice('eth1', offloads)
  t.alike([finding?.isGood, finding?.wanted], [false, 'tso on'])
  t.alike(finding?.commands, ['ethtool -K eth1 tso on'])
  t.is(offloadAdvice('eth1', readOffloads(null)), null)
  t.is(offloadAdvice('eth1', readOffloads('Cannot get device features')), null)
})

test('advice - whoever looks after the network is found', async (t) => {
  const table: [Record<string, string>, string][] = [
    [{ '/run/NetworkManager/': '', '/run/systemd/netif/links/': '' }, 'NetworkManager'],
    [{ '/run/systemd/netif/links/': '' }, 'systemd-networkd'],
    [{ '/sbin/ifup': '', '/etc/network/interfaces': '' }, 'ifupdown'],
    [{ '/etc/network/interfaces': '' }, 'none'],
    [{}, 'none']
  ]
  for (const [tree, name] of table) t.is(networkManager((await madeHost(t, tree)).files), name)
})

test('advice - each network manager gets its exact commands and the way back', (t) => {
  t.alike(addressPlan('NetworkManager', own, 9000), {
    manager: 'NetworkManager',
    commands: [
      'nmcli connection add type ethernet ifname eth1 con-name swarm-eth1 ipv4.method link-local ' +
        'ipv6.method link-local connection.autoconnect yes 802-3-ethernet.mtu 9000',
      'nmcli connection up swarm-eth1'
    ],
    undo: ['nmcli connection delete swarm-eth1']
  })
  const networkd = addressPlan('systemd-networkd', own, null)
  t.alike(networkd.commands, [
    "printf '[Match]\\nName=eth1\\n\\n[Link]\\nRequiredForOnline=no\\n\\n[Network]\\n" +
      "LinkLocalAddressing=yes\\n' > /etc/systemd/network/05-swarm-eth1.network",
    'networkctl reload'
  ])
  t.alike(networkd.undo, ['rm /etc/systemd/network/05-swarm-eth1.network', 'networkctl reload'])
  const ifupdown = addressPlan('ifupdown', own, 1500)
  t.ok(ifupdown.commands[0]?.includes(`address ${linkLocalOf(own.mac)}/16\\n  mtu 1500`))
  t.alike(ifupdown.undo, ['ifdown eth1', 'rm /etc/network/interfaces.d/swarm-eth1'])
  t.ok(addressPlan('none', own, null).commands[1]?.startsWith('ip addr add 169.254.'))
})

test('advice - nothing of an odd interface name reaches a shell', (t) => {
  for (const manager of ['NetworkManager', 'systemd-networkd', 'ifupdown', 'none'] as const) {
    const plan = addressPlan(manager, { name: "x';rm -rf *", mac: '' }, 1500)
    t.absent(
      [...plan.commands, ...plan.undo].some((command) => command.includes('rm -rf')),
      manager
    )
  }
})

test('advice - link-local addresses follow from the hardware, inside what RFC 3927 leaves', (t) => {
  const macs = Array.from({ length: 500 }, (_, i) => `02:00:00:00:${(i >> 8) & 255}:${i & 255}`)
  const found = macs.map(linkLocalOf)
  t.ok(
    found.every((address) => /^169\.254\.([1-9]\d?|1\d\d|2[0-4]\d|25[0-4])\.\d{1,3}$/.test(address))
  )
  t.is(linkLocalOf('AA:BB:CC:00:00:01'), linkLocalOf('aa:bb:cc:00:00:01'))
  t.ok(new Set(found).size > 490)
})

const facts: BridgeFacts = {
  interfaces: [
    own,
    { ...own, name: 'eth0', hasDefaultRoute: true },
    { ...own, name: 'wlan0', kind: 'wifi' }
  ],
  ends: new Map([['eth1', end]]),
  offloads: new Map([['eth1', readOffloads(ETHTOOL)]]),
  kernel: [],
  manager: 'none'
}

test('advice - of several interfaces each cable gets its own', (t) => {
  const subjects = bridgeAdvice(facts).map(({ subject }) => subject)
  t.ok(subjects.includes('offloads of eth1'))
  t.ok(subjects.includes('address of eth0'))
  t.absent(subjects.some((subject) => subject.includes('wlan0')))
})

test('advice - commands for a restart are for cables alone, with the MTU that was set', (t) => {
  const changed = [
    { path: '/sys/class/net/eth1/mtu', name: 'MTU of eth1', from: '1400', to: '1500' }
  ]
  const plans = addressPlans(facts, changed)
  t.alike(
    plans.map(({ interfaceName }) => interfaceName),
    ['eth1']
  )
  t.is(plans[0]?.commands[0], 'ip link set dev eth1 up mtu 1500')
})

test('advice - a model is weighed by its header', async (t) => {
  const path = join(await t.tmp(), 'demo.gguf')
  await writeSyntheticModel(path, demoModelSpec)
  const burden = await readBurden(path)
  t.alike([burden.name, burden.nLayers, burden.activationBytes], ['swarm demo', 12, 1024])
  // Layers and head, without the token table of 4096 x 256.
  t.ok(
    burden.weightBytesPerToken > 4e6 && burden.weightBytesPerToken < 9e6,
    `${burden.weightBytesPerToken}`
  )
})

test('advice - a wire outruns the kernels exactly when its hops take less than their token', (t) => {
  const model = { name: 'm', nLayers: 32, activationBytes: 16_384, weightBytesPerToken: 4e9 }
  const rates = { noiseBytesPerSecond: 115e6, weightBytesPerSecond: 40e9 }
  const fast = wireBudget(model, { ...rates, activationRttMs: 0.5 })
  t.alike([fast.kernelMs, fast.hopsMs, fast.outruns], [100, 0.5, true])
  t.is(Math.round(fast.kernelTokensPerSecond), 10)
  t.is(Math.round(fast.wireTokensPerSecond), Math.round(115e6 / 16_448))
  t.is(wireBudget(model, { ...rates, activationRttMs: 100.1 }).outruns, false)
})
