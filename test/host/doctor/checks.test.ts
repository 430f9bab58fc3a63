// Every check of `swarm doctor`, by tables: what is wrong -> what it says and how it is mended.

import test from 'brittle'

import { diagnose } from '../../../src/host/doctor/checks.ts'
import {
  BORON,
  ETH0,
  MACHINE,
  RUNNING,
  WELL,
  withMachine,
  withPeer
} from '../../helpers/doctor-facts.ts'

import type { DoctorFacts, RunningFacts } from '../../../src/host/doctor/facts.ts'

/** Everything that is not well: level, check, the end of its fix. */
function wrong(facts: DoctorFacts): string[] {
  return diagnose(facts)
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, fix }) => `${level} ${check}: ${fix}`)
}

test('doctor - a machine that is well gets a line per check and nothing to mend', (t) => {
  t.alike(wrong(WELL), [])
  const checks = diagnose(WELL).map(({ check }) => check)
  t.is(new Set(checks).size, checks.length)
  t.ok(checks.length >= 18, checks.join())
  t.ok(diagnose(WELL).every(({ text }) => text.length > 3 && !text.includes('undefined')))
})

test('doctor - without a running peer it judges the machine alone', (t) => {
  const dataDir = { ...MACHINE.dataDir, lockHolder: null, hasSocket: false }
  const facts = { ...withMachine({ dataDir }), running: null }
  t.alike(wrong(facts), [])
  const checks = diagnose(facts).map(({ check }) => check)
  t.absent(checks.some((check) => ['dht', 'versions', 'peers'].includes(check)))
})

const dataDir = MACHINE.dataDir
const MACHINES: [string, DoctorFacts, string[]][] = [
  [
    'old Node',
    withMachine({ nodeVersion: 'v18.19.0' }),
    ['fix node: install a newer Node, for example from nodejs.org']
  ],
  [
    'no addon',
    withMachine({
      kernels: { table: null, available: [], forced: null, error: 'the native addon is not built' }
    }),
    ['fix kernels: install a C++17 compiler and CMake 3.15, then: npm rebuild']
  ],
  [
    'forced table',
    withMachine({
      kernels: { table: 'scalar', available: ['avx2', 'scalar'], forced: 'scalar', error: null }
    }),
    ['note kernels: unset SWARM_KERNELS']
  ],
  [
    'best table forced',
    withMachine({
      kernels: { table: 'avx2', available: ['avx2', 'scalar'], forced: 'avx2', error: null }
    }),
    []
  ],
  [
    'no huge pages',
    withMachine({ hugePages: 'never' }),
    ['note huge pages: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled']
  ],
  ['huge pages unknown', withMachine({ hugePages: null }), []],
  [
    'little memory',
    withMachine({ freeMemoryBytes: 2 ** 28 }),
    ['fix memory: close other programs, or raise the limit']
  ],
  ['few files', withMachine({ openFilesMax: 256 }), ['fix open files: ulimit -n 1024']],
  ['no limit of files', withMachine({ openFilesMax: null }), []],
  [
    'read-only folder',
    withMachine({ dataDir: { ...dataDir, state: 'not writable' } }),
    [`fix data: chown -R "$(id -un)" '${dataDir.path}'`]
  ],
  [
    'no folder yet',
    withMachine({ dataDir: { ...dataDir, state: 'absent', identityMode: null } }),
    []
  ],
  [
    'full disk',
    withMachine({ dataDir: { ...dataDir, freeBytes: 2 ** 20 } }),
    ['fix disk: free some space, or give a --data-dir on another disk']
  ],
  [
    'open identity',
    withMachine({ dataDir: { ...dataDir, identityMode: 0o644 } }),
    [`fix identity: chmod 600 '${dataDir.path}/identity'`]
  ],
  ['stuck process', { ...WELL, running: null }, ['fix lock: kill 4711']],
  [
    'silent peer',
    { ...WELL, running: null, silence: 'the peer did not answer within 10000 ms' },
    ['fix lock: kill 4711']
  ],
  [
    'killed peer',
    { ...withMachine({ dataDir: { ...dataDir, lockHolder: null } }), running: null },
    []
  ],
  [
    'no interface',
    withMachine({ interfaces: [{ ...ETH0, hasCarrier: false }] }),
    ['fix interfaces: plug in a cable or join a Wi-Fi; see: swarm bridge']
  ],
  ['no default route', withMachine({ interfaces: [{ ...ETH0, hasDefaultRoute: false }] }), []],
  [
    'ufw',
    withMachine({ firewall: { tool: 'ufw', input: 'drop', chain: null } }),
    ['note firewall: ufw allow in on eth0 from 192.168.1.0/24; ufw allow in on eth0 from fe80::/10']
  ],
  [
    'nftables',
    withMachine({ firewall: { tool: 'nftables', input: 'drop', chain: 'inet filter input' } }),
    [
      'note firewall: nft insert rule inet filter input iifname "eth0" ip saddr 192.168.1.0/24 accept; ' +
        'nft insert rule inet filter input iifname "eth0" ip6 saddr fe80::/10 accept'
    ]
  ],
  [
    'rules that may not be read',
    withMachine({ firewall: { tool: 'nftables', input: null, chain: null } }),
    ['note firewall: sudo swarm doctor']
  ],
  [
    'open firewall',
    withMachine({ firewall: { tool: 'nftables', input: 'accept', chain: null } }),
    []
  ],
  [
    'own port blocked',
    withMachine({
      firewall: { tool: 'iptables', input: 'accept', chain: null },
      selfReach: { tcpBlocked: ['192.168.1.5'], beaconBlocked: [], beaconError: null }
    }),
    [
      'fix tcp: iptables -I INPUT -i eth0 -s 192.168.1.0/24 -j ACCEPT; ' +
        'ip6tables -I INPUT -i eth0 -s fe80::/10 -j ACCEPT'
    ]
  ],
  [
    'beacon blocked',
    withMachine({
      firewall: { tool: 'firewalld', input: 'accept', chain: null },
      selfReach: { tcpBlocked: [], beaconBlocked: ['192.168.1.5'], beaconError: null }
    }),
    [
      'fix beacon: firewall-cmd --zone=trusted --add-source=192.168.1.0/24; ' +
        'firewall-cmd --zone=trusted --add-source=fe80::/10'
    ]
  ],
  [
    'beacon port taken',
    withMachine({ selfReach: { tcpBlocked: [], beaconBlocked: [], beaconError: 'EADDRINUSE' } }),
    ["fix beacon: see who has it: ss -ulpn 'sport = :48629'"]
  ]
]

for (const [name, facts, expected] of MACHINES) {
  test(`doctor - machine: ${name}`, (t) => t.alike(wrong(facts), expected))
}

const refused = (code: string, text: string, peer = BORON.key) => {
  return { kind: 'refused', text, data: { peer, code } }
}
const UNLINKED = { lane: null, rttMs: null, host: null, clockSkewMs: null }
const PEERS: [string, DoctorFacts, string[]][] = [
  [
    'over UDP on the same network',
    withPeer({ lane: 'udx' }),
    ['fix boron (bbbbbbbb): let the other machine in on either side; see the firewall line']
  ],
  [
    'over UDP through the internet',
    withPeer({ lane: 'udx', host: '93.184.216.34' }),
    ['note boron (bbbbbbbb): null']
  ],
  [
    'known through others only',
    withPeer(UNLINKED),
    ['fix boron (bbbbbbbb): run swarm doctor on both machines; see their firewall lines']
  ],
  ['gone', withPeer({ ...UNLINKED, state: 'left' }), ['note boron (bbbbbbbb): null']],
  [
    'of another version',
    withPeer(UNLINKED, {
      troubles: [refused('WIRE_VERSION', 'it speaks protocol 2, this machine 1')]
    }),
    ['fix boron (bbbbbbbb): install the same version of swarm on both machines']
  ],
  [
    'with another model',
    withPeer(
      { ...UNLINKED, state: 'left' },
      { troubles: [refused('MODEL_SECOND', 'it has qwen')] }
    ),
    ['fix boron (bbbbbbbb): give both machines the same model file, or another topic']
  ],
  [
    'a stranger with another secret',
    withPeer(
      {},
      {
        troubles: [
          refused('WIRE_PROOF', 'no proof', 'c'.repeat(64)),
          refused('WIRE_PROOF', 'no proof', 'd'.repeat(64))
        ]
      }
    ),
    ['note stranger dddddddd: join with the same topic and the same --secret on both machines']
  ],
  [
    'of another arithmetic',
    withPeer({ arithmeticVersion: 2 }),
    ['fix versions: install the same version of swarm on both machines']
  ],
  [
    'with a clock that is an hour off',
    withPeer({ clockSkewMs: -3_600_000 }),
    ['note clocks: timedatectl set-ntp true on the machine that is wrong']
  ],
  ['of another program version', withPeer({ version: '0.2.0' }), ['note versions: null']],
  [
    'an identity twice',
    withPeer(
      {},
      {
        troubles: [
          { kind: 'error', text: 'the identity is in use', data: { code: 'PEER_DUPLICATE' } }
        ]
      }
    ),
    [
      `fix identity in use: on the copied machine: swarm stop, rm '${dataDir.path}/identity', join again`
    ]
  ],
  [
    'linked without a lane yet',
    withPeer({ lane: null, rttMs: null }),
    ['note boron (bbbbbbbb): null']
  ],
  [
    'complaints of our own peer, twice the same',
    withPeer(
      {},
      {
        troubles: ['loading failed', 'loading failed'].map((text) => ({ kind: 'error', text }))
      }
    ),
    ['note errors: null']
  ],
  [
    'nobody',
    { ...WELL, running: { ...RUNNING, peers: RUNNING.peers.slice(0, 1) } },
    ['note peers: on the other machine: swarm join home, then look again']
  ]
]

for (const [name, facts, expected] of PEERS) {
  test(`doctor - peer: ${name}`, (t) => t.alike(wrong(facts), expected))
}

test('doctor - the newest trouble of a peer explains it, not that of another', (t) => {
  const troubles = [
    refused('WIRE_PROOF', 'old reason'),
    refused('WIRE_VERSION', 'new reason'),
    refused('WIRE_PROOF', 'of another', 'c'.repeat(64))
  ]
  const found = diagnose(withPeer(UNLINKED, { troubles })).find(({ check }) =>
    check.startsWith('boron')
  )
  t.is(found?.text, 'refused: new reason')
})

test('doctor - a clock that all others differ from in the same way is our own', (t) => {
  const [self] = RUNNING.peers as [RunningFacts['peers'][number]]
  const peers = ['b', 'c'].map((digit) => ({
    ...BORON,
    key: digit.repeat(64),
    clockSkewMs: 90_000
  }))
  const facts = { ...WELL, running: { ...RUNNING, peers: [self, ...peers] } }
  const found = diagnose(facts).find(({ check }) => check === 'clocks')
  t.is(found?.fix, 'timedatectl set-ntp true here')
  t.ok(
    found?.text.startsWith(
      'boron (bbbbbbbb) is 01:30 ahead of this machine, boron (cccccccc) is 01:30 ahead'
    )
  )
})

test('doctor - the public DHT is missed only by a topic that uses it', (t) => {
  const offline = { machine: { ...MACHINE, interfaces: [{ ...ETH0, hasDefaultRoute: false }] } }
  const dhtOf = (dht: 'none' | 'given' | 'public', more = {}) => {
    const facts = { ...WELL, ...more, running: { ...RUNNING, dht } }
    return diagnose(facts).find(({ check }) => check === 'dht')?.level
  }
  t.alike(
    [dhtOf('none', offline), dhtOf('given', offline), dhtOf('public', offline)],
    ['ok', 'ok', 'note']
  )
  t.is(dhtOf('public'), 'ok')
})

test('doctor - foreign names and topics reach neither terminal nor shell', (t) => {
  const nasty = "x'; rm -rf \u001b[31m"
  const alone = { ...RUNNING, topic: nasty, peers: RUNNING.peers.slice(0, 1) }
  const said = [
    ...diagnose(withPeer({ name: nasty, version: nasty, lane: 'udx' })),
    ...diagnose({ ...WELL, running: alone })
  ]
  t.absent(said.some(({ check, text, fix }) => `${check}${text}${fix}`.includes('\u001b')))
  const hint = said.find(({ check }) => check === 'peers')
  t.ok(
    hint?.fix?.startsWith("on the other machine: swarm join 'x'\\''; rm -rf  [31m'"),
    hint?.fix ?? ''
  )
})
