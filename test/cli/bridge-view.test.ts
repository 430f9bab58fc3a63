import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { budgetLines, endLines, findingLines } from '../../src/cli/bridge-view.ts'
import { interfaceLines, outcomeLines } from '../../src/cli/bridge-view.ts'
import { doctorLines } from '../../src/cli/command/doctor.ts'
import { ETH0 } from '../helpers/doctor-facts.ts'

import type { FoundEnd } from '../../src/peer/probe/end-table.ts'
import type { PeerId } from '../../src/wire/ids.ts'

const NONE = { toBytesPerSecond: null, fromBytesPerSecond: null }
const END: FoundEnd = {
  kind: 'bridge',
  key: 'b'.repeat(64) as PeerId,
  host: 'fe80::2%eth0',
  port: 4000,
  interfaceName: 'eth0',
  connectMs: null,
  figures: {
    name: 'boron',
    mtuBytes: 1500,
    rttMs: 0.094,
    activationRttMs: 0.31,
    noise: { toBytesPerSecond: 115e6, fromBytesPerSecond: 114.5e6 },
    plain: { toBytesPerSecond: 117.5e6, fromBytesPerSecond: null }
  },
  error: null
}

test('bridge view - interfaces are a table', (t) => {
  const off = { ...ETH0, name: 'eth1', isUp: false, speedMbps: null, addresses: [] }
  t.alike(interfaceLines([ETH0, off, { ...off, isUp: true, hasCarrier: false }], 80), [
    'interface  kind      state           speed   mtu  addresses',
    'eth0       ethernet  up        1000 Mbit/s  1500  192.168.1.5 fe80::5',
    'eth1       ethernet  off                 -  1500  -',
    'eth1       ethernet  no cable            -  1500  -'
  ])
})

test('bridge view - each kind of other end is told in words', (t) => {
  t.alike(endLines(END), [
    'on eth0: boron (fe80::2%eth0) runs swarm bridge',
    '  round trip   0.09 ms, with an activation 0.31 ms',
    '  plain TCP    940 Mbit/s there, unknown back',
    '  encrypted    920 Mbit/s there, 916 Mbit/s back'
  ])
  const figures = END.figures && { ...END.figures, noise: NONE, plain: NONE }
  t.ok(endLines({ ...END, figures })[2]?.endsWith('name a topic at both ends: swarm bridge home'))
  const error = new SwarmError('PEER_GONE', 'the other end hung up')
  t.is(endLines({ ...END, figures: null, error })[1], '  the other end hung up')
  t.ok(endLines({ ...END, kind: 'other-topic', figures: null })[0]?.includes('another topic'))
  const [peer, hint] = endLines({ ...END, kind: 'peer', figures: null, connectMs: 0.07 })
  t.is(peer, 'on eth0: peer bbbbbbbb of the topic (fe80::2%eth0), round trip 0.07 ms')
  t.is(hint, '  run swarm bridge there too to measure the throughput')
})

test('bridge view - a foreign name cannot steer the terminal', (t) => {
  const figures = END.figures && { ...END.figures, name: '\u001b[31mred\nline' }
  t.is(endLines({ ...END, figures })[0], 'on eth0:  [31mred line (fe80::2%eth0) runs swarm bridge')
})

test('bridge view - a finding has its reason, gain and command', (t) => {
  const finding = {
    subject: 'MTU of eth0',
    current: '1400',
    wanted: '1500',
    isGood: false,
    reason: 'smaller packets',
    gain: 'fewer of them',
    changes: [],
    commands: ['ip link set dev eth0 mtu 1500']
  }
  t.alike(findingLines([finding, { ...finding, isGood: true, subject: 'good one' }], 80), [
    'ok      good one: 1400 (smaller packets)',
    'change  MTU of eth0: 1400 -> 1500',
    '        why: smaller packets',
    '        gain: fewer of them',
    '        $ ip link set dev eth0 mtu 1500'
  ])
})

test('bridge view - what became of a change is told, whatever it was', (t) => {
  const change = {
    path: '/x',
    name: 'MTU of eth0',
    from: '1400',
    to: '1500',
    now: '1480',
    reason: null
  }
  const lines = (['changed', 'kept', 'foreign'] as const).map((result) => {
    return outcomeLines([{ ...change, result }])[0]
  })
  t.alike(lines, [
    'changed  MTU of eth0: 1400 -> 1500',
    'kept     MTU of eth0: it is 1480 already',
    'left     MTU of eth0: it is 1480, which somebody else has made of it'
  ])
  t.alike(outcomeLines([{ ...change, result: 'failed', reason: 'EINVAL' }]), [
    'FAILED   MTU of eth0: it stays 1480, because EINVAL'
  ])
})

test('bridge view - a budget ends with its verdict', (t) => {
  const model = { name: 'qwen', nLayers: 32, activationBytes: 16_384, weightBytesPerToken: 4e9 }
  const budget = {
    wireTokensPerSecond: 7000,
    hopTokensPerSecond: 2000,
    kernelTokensPerSecond: 10,
    kernelMs: 100,
    hopsMs: 0.5,
    outruns: true
  }
  const lines = budgetLines(model, budget, 'eth0')
  t.is(lines[0], 'qwen on eth0: 16384 bytes per activation')
  t.ok(lines.at(-1)?.includes('the cable outruns the processor'))
  t.ok(
    budgetLines(model, { ...budget, outruns: false }, 'eth0')
      .at(-1)
      ?.includes('longer than the kernels')
  )
})

test('doctor view - a line per check, and under it the way out', (t) => {
  const text = 'the text of a check that is long enough for a second line of it'
  t.alike(doctorLines({ check: 'disk', level: 'fix', text, fix: 'rm x' }, 60), [
    'fix   disk: the text of a check that is long enough for a',
    '      second line of it',
    '      fix: rm x'
  ])
  t.alike(doctorLines({ check: 'node', level: 'ok', text: 'v20', fix: null }, 60), [
    'ok    node: v20'
  ])
})
