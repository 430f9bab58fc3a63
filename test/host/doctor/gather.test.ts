// Reading what the checks judge: firewalls and /proc by their texts, and this very machine.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import test from 'brittle'

import { systemClock, type Clock } from '../../../src/base/clock.ts'
import { lockFile } from '../../../src/base/file-lock.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { readFirewall, readIptables, readNftables } from '../../../src/host/doctor/firewall.ts'
import {
  cpuFlags,
  gatherMachine,
  hugePageMode,
  openFilesMax
} from '../../../src/host/doctor/gather.ts'
import { reachSelf } from '../../../src/host/doctor/self-reach.ts'
import { hostFiles } from '../../../src/host/files.ts'
import { programRunner } from '../../../src/host/run-program.ts'
import { madeHost } from '../../helpers/made-host.ts'
import { ownPort } from '../../helpers/own-port.ts'

const RULESET = `table inet firewall {
	chain inbound {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
`

test('firewall - nftables is read for what it does with strangers', (t) => {
  t.alike(readNftables(RULESET), {
    tool: 'nftables',
    input: 'drop',
    chain: 'inet firewall inbound'
  })
  t.is(
    readNftables(
      RULESET.replace('input priority filter; policy drop', 'input priority 0; policy accept')
    ).input,
    'accept'
  )
  t.is(readNftables('').input, 'accept')
})

test('firewall - iptables drops by policy or by its last rule', (t) => {
  t.is(readIptables('-P INPUT DROP\n').input, 'drop')
  t.is(
    readIptables('-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j REJECT --reject-with x\n')
      .input,
    'drop'
  )
  t.is(readIptables('-P INPUT ACCEPT\n-A INPUT -p tcp --dport 23 -j DROP\n').input, 'accept')
})

test('firewall - the tool that its owner uses is named, however its rules are kept', async (t) => {
  const ufw = {
    '/etc/ufw/ufw.conf': 'ENABLED=yes\n',
    '/etc/default/ufw': 'DEFAULT_INPUT_POLICY="DROP"\n'
  }
  const nft = async (file: string) => (file === 'nft' ? RULESET : null)
  const iptables = async (file: string) => (file === 'iptables' ? '-P INPUT DROP\n' : null)
  const none = async () => null
  const table: [Record<string, string>, typeof none, string | null, string | null][] = [
    [ufw, nft, 'ufw', 'drop'],
    [{ ...ufw, '/etc/default/ufw': 'DEFAULT_INPUT_POLICY="ACCEPT"\n' }, nft, 'ufw', 'accept'],
    [{ '/etc/ufw/ufw.conf': 'ENABLED=no\n' }, nft, 'nftables', 'drop'],
    [{ '/run/firewalld/': '' }, nft, 'firewalld', 'drop'],
    [{}, iptables, 'iptables', 'drop'],
    [{}, async (file: string) => (file === 'nft' ? '' : null), null, 'accept'],
    [{ '/usr/sbin/nft': '' }, none, 'nftables', null],
    [{}, none, null, 'accept']
  ] as never
  for (const [tree, run, tool, input] of table) {
    const found = await readFirewall((await madeHost(t, tree)).files, run)
    t.alike([found.tool, found.input], [tool, input])
  }
})

test('gather - texts of the kernel are read for what matters, and only that', (t) => {
  t.alike(cpuFlags('processor: 0\nflags\t\t: fpu sse4_2 fma avx2\n'), ['avx2', 'fma'])
  t.alike(cpuFlags('Features\t: fp asimd asimddp\n'), ['asimd', 'asimddp'])
  t.alike(cpuFlags(''), [])
  t.is(hugePageMode('always [madvise] never'), 'madvise')
  t.is(hugePageMode(null), null)
  t.is(
    openFilesMax('Max processes 1 2\nMax open files            1024     524288    files\n'),
    1024
  )
  t.is(openFilesMax('Max open files            unlimited   unlimited  files\n'), null)
  t.is(openFilesMax(null), null)
})

function gather(dataDir: string) {
  return gatherMachine({
    files: hostFiles(),
    env: process.env,
    dataDir,
    socketPath: join(dataDir, 'socket'),
    nodeVersion: process.version,
    programVersion: '0.1.0',
    clock: systemClock,
    random: systemRandom
  })
}

test('gather - this machine, with a data directory that is locked and open to others', async (t) => {
  const dataDir = join(await t.tmp(), 'data')
  const absent = await gather(dataDir)
  t.is(absent.dataDir.state, 'absent')
  t.ok((absent.dataDir.freeBytes ?? 0) > 0)
  mkdirSync(dataDir)
  writeFileSync(join(dataDir, 'identity'), '')
  chmodSync(join(dataDir, 'identity'), 0o640)
  const lock = lockFile(join(dataDir, 'lock'), 'it')
  const { dataDir: found, freeMemoryBytes, interfaces } = await gather(dataDir)
  lock.release()
  t.alike(
    [found.state, found.identityMode, found.lockHolder, found.hasSocket],
    ['writable', 0o640, String(process.pid), false]
  )
  t.ok(freeMemoryBytes > 2 ** 20)
  t.ok(interfaces.some(({ kind }) => kind === 'loopback'))
})

test('gather - programs that are missing, fail or hang answer nothing', async (t) => {
  const run = programRunner(process.env)
  t.is(await run('swarm-no-such-program', []), null)
  t.is(await run('false', []), null)
  t.is(await run('echo', ['yes']), 'yes\n')
  t.is(await run('sleep', ['60']), null)
})

test('self reach - own addresses answer by TCP and hear their own multicast', async (t) => {
  const port = ownPort()
  const found = await reachSelf(['127.0.0.1', '::1'], systemClock, systemRandom, port)
  t.alike(found, { tcpBlocked: [], beaconBlocked: [], beaconError: null })
})

test('self reach - a process that stands still blames no firewall', async (t) => {
  let stands = 3
  const clock: Clock = {
    ...systemClock,
    // What was sent is still unread when the first wait is over by the clock.
    after(delayMs, fn) {
      const timer = systemClock.after(delayMs, fn)
      const untilMs = systemClock.now() + (stands-- > 0 ? 1000 : 0)
      while (systemClock.now() < untilMs);
      return timer
    }
  }
  const found = await reachSelf(['127.0.0.1'], clock, systemRandom, ownPort())
  t.ok(stands <= 1, 'stood still for TCP and for the beacon')
  t.alike(found, { tcpBlocked: [], beaconBlocked: [], beaconError: null })
})

test('self reach - a beacon port that somebody keeps for himself is told', async (t) => {
  const taken = createSocket({ type: 'udp4' })
  await new Promise<void>((resolve) => taken.bind(0, '0.0.0.0', resolve))
  t.teardown(() => taken.close())
  const found = await reachSelf(['127.0.0.1'], systemClock, systemRandom, taken.address().port)
  t.ok(found.beaconError?.includes('EADDRINUSE'), found.beaconError ?? '')
})
