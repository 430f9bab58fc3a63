// A machine and a running peer with which nothing is wrong, to be made wrong in one place at a time.

import type {
  DoctorFacts,
  MachineFacts,
  RunningFacts,
  RunningPeer
} from '../../src/host/doctor/facts.ts'
import type { HostInterface } from '../../src/host/interfaces.ts'

export const ETH0: HostInterface = {
  name: 'eth0',
  kind: 'ethernet',
  isUp: true,
  hasCarrier: true,
  speedMbps: 1000,
  duplex: 'full',
  mtuBytes: 1500,
  mac: '02:00:00:00:00:01',
  driver: null,
  addresses: [
    { family: 'IPv4', address: '192.168.1.5', netmask: '255.255.255.0' },
    { family: 'IPv6', address: 'fe80::5', netmask: 'ffff:ffff:ffff:ffff::' }
  ],
  hasDefaultRoute: true,
  ipv6Disabled: false
}

export const MACHINE: MachineFacts = {
  nodeVersion: 'v20.20.2',
  programVersion: '0.1.0',
  wallMs: 1_700_000_000_000,
  kernels: { table: 'avx2', available: ['avx2', 'scalar'], forced: null, error: null },
  cpuFlags: ['avx2', 'fma'],
  hugePages: 'madvise',
  freeMemoryBytes: 8 * 2 ** 30,
  openFilesMax: 1024,
  dataDir: {
    path: '/home/a/.local/share/swarm',
    state: 'writable',
    freeBytes: 50 * 2 ** 30,
    identityMode: 0o600,
    lockHolder: '4711',
    hasSocket: true
  },
  interfaces: [ETH0],
  firewall: { tool: null, input: 'accept', chain: null },
  selfReach: { tcpBlocked: [], beaconBlocked: [], beaconError: null }
}

export const BORON: RunningPeer = {
  key: 'b'.repeat(64),
  name: 'boron',
  self: false,
  state: 'alive',
  version: '0.1.0',
  arithmeticVersion: 1,
  rttMs: 0.2,
  clockSkewMs: 40,
  lane: 'tcp',
  host: '192.168.1.6'
}

export const RUNNING: RunningFacts = {
  key: 'a'.repeat(64),
  topic: 'home',
  reach: "Anyone who knows or guesses its name can join 'home', on this local network.",
  version: '0.1.0',
  arithmeticVersion: 1,
  dht: 'none',
  troubles: [],
  peers: [
    { ...BORON, key: 'a'.repeat(64), name: 'atlas', self: true, lane: 'self', clockSkewMs: null },
    BORON
  ]
}

export const WELL: DoctorFacts = { machine: MACHINE, running: RUNNING, silence: null }

export function withMachine(differs: Partial<MachineFacts>): DoctorFacts {
  return { ...WELL, machine: { ...MACHINE, ...differs } }
}

export function withPeer(
  differs: Partial<RunningPeer>,
  running: Partial<RunningFacts> = {}
): DoctorFacts {
  const [self] = RUNNING.peers as [RunningPeer]
  return { ...WELL, running: { ...RUNNING, peers: [self, { ...BORON, ...differs }], ...running } }
}
