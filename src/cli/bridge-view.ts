// What `swarm bridge` found, as lines for people. Pure; foreign text (names of other machines) is made
// harmless by whoever prints a line.

import { clip } from '../base/text.ts'
import { wrap } from './help.ts'
import { renderTable, type Column } from './table.ts'
import { interfaceOf, type HostInterface } from '../host/interfaces.ts'

import type { PeerStatus } from '../api/service.ts'
import type { FoundEnd } from '../peer/probe/end-table.ts'
import type { Throughput } from '../peer/probe/probe-session.ts'
import type { AddressPlan } from '../host/address-plan.ts'
import type { Outcome } from '../host/apply.ts'
import type { Finding } from '../host/finding.ts'
import type { ModelBurden, WireBudget } from '../host/wire-budget.ts'

const COLUMNS: Column[] = [
  { title: 'interface' },
  { title: 'kind' },
  { title: 'state' },
  { title: 'speed', align: 'right' },
  { title: 'mtu', align: 'right' },
  { title: 'addresses' }
]

export function interfaceLines(interfaces: readonly HostInterface[], width: number): string[] {
  const rows = interfaces.map((one) => [
    one.name,
    one.kind,
    stateOf(one),
    one.speedMbps === null ? '-' : `${one.speedMbps} Mbit/s`,
    String(one.mtuBytes),
    one.addresses.map(({ address }) => address).join(' ') || '-'
  ])
  return renderTable(COLUMNS, rows, width)
}

function stateOf({ isUp, hasCarrier }: HostInterface): string {
  if (!isUp) return 'off'
  return hasCarrier === false ? 'no cable' : 'up'
}

/** A peer that the running peer of this machine has a link to. */
export function linkedLine(
  { name, key, host, rttMs }: PeerStatus,
  interfaces: readonly HostInterface[]
): string {
  const own = host === null ? null : interfaceOf(host, interfaces)
  const where = own === null ? 'linked' : `on ${own.name}`
  const rtt = rttMs === null ? '' : `, round trip ${rttMs.toFixed(2)} ms`
  return `${where}: ${clip(name, 40)} (${key.slice(0, 8)}), linked to the peer that runs here${rtt}`
}

export function endLines(end: FoundEnd): string[] {
  const where = end.interfaceName === null ? `at ${end.host}` : `on ${end.interfaceName}`
  const key = end.key.slice(0, 8)
  if (end.kind === 'other-topic') {
    return [
      `${where}: a swarm bridge with another topic or none (${end.host});`,
      '  give both the same topic to measure'
    ]
  }
  if (end.kind === 'peer') {
    const state = `${where}: peer ${key} of the topic (${end.host})`
    if (end.error !== null) return [state, `  ${end.error.message}`]
    return [
      `${state}, round trip ${ms(end.connectMs)}`,
      '  run swarm bridge there too to measure the throughput'
    ]
  }
  const name = clip(end.figures?.name ?? key, 40)
  const head = `${where}: ${name} (${end.host}) runs swarm bridge`
  if (end.figures === null) return [head, `  ${end.error?.message ?? 'it was not measured'}`]
  const { rttMs, activationRttMs, plain, noise } = end.figures
  return [
    head,
    `  round trip   ${ms(rttMs)}, with an activation ${ms(activationRttMs)}`,
    ...(noise.toBytesPerSecond === null && noise.fromBytesPerSecond === null
      ? ['  throughput   not measured; name a topic at both ends: swarm bridge home']
      : [`  plain TCP    ${rates(plain)}`, `  encrypted    ${rates(noise)}`]),
    ...(end.error === null ? [] : [`  ${end.error.message}`])
  ]
}

function ms(value: number | null): string {
  return value === null ? 'unknown' : `${value.toFixed(2)} ms`
}

function rates({ toBytesPerSecond, fromBytesPerSecond }: Throughput): string {
  return `${mbps(toBytesPerSecond)} there, ${mbps(fromBytesPerSecond)} back`
}

function mbps(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? 'unknown' : `${((8 * bytesPerSecond) / 1e6).toFixed(0)} Mbit/s`
}

/** What is to be changed, with its reason and commands; what is good in one line each. */
export function findingLines(findings: readonly Finding[], width: number): string[] {
  const good = findings.filter(({ isGood }) => isGood)
  const bad = findings.filter(({ isGood }) => !isGood)
  return [
    ...good.flatMap(({ subject, current, reason }) =>
      hanging(`ok      `, `${subject}: ${current} (${reason})`, width)
    ),
    ...bad.flatMap(({ subject, current, wanted, reason, gain, commands }) => [
      ...hanging('change  ', `${subject}: ${current} -> ${wanted}`, width),
      ...hanging('        ', `why: ${reason}`, width),
      ...hanging('        ', `gain: ${gain}`, width),
      ...commands.map((command) => `        $ ${command}`)
    ])
  ]
}

function hanging(head: string, text: string, width: number): string[] {
  const lines = wrap(text, Math.max(40, width - head.length)).split('\n')
  return lines.map((line, index) => (index === 0 ? head : ' '.repeat(head.length)) + line)
}

export function outcomeLines(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ name, result, from, to, now, reason }) => {
    const shown = (value: string | null) => (value === null ? 'nothing' : valueText(value))
    switch (result) {
      case 'changed':
        return `changed  ${name}: ${shown(from)} -> ${shown(to)}`
      case 'kept':
        return `kept     ${name}: it is ${shown(now)} already`
      case 'foreign':
        return `left     ${name}: it is ${shown(now)}, which somebody else has made of it`
      case 'failed':
        return `FAILED   ${name}: it stays ${shown(now)}, because ${reason}`
    }
  })
}

/** A file of several lines is told by their number. */
function valueText(value: string): string {
  const lines = value.trim().split('\n').length
  return lines === 1 ? value.trim().replace(/\s+/g, ' ') : `${lines} lines`
}

export function planLinesOf(
  { manager, commands, undo }: AddressPlan,
  interfaceName: string
): string[] {
  return [
    `to keep the address of ${interfaceName} over a restart (${manager}):`,
    ...commands.map((command) => `  $ ${command}`),
    'to take that back:',
    ...undo.map((command) => `  $ ${command}`)
  ]
}

export function budgetLines(model: ModelBurden, budget: WireBudget, where: string): string[] {
  const rate = (value: number) => `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} tokens/s`
  const verdict = budget.outruns
    ? 'the cable outruns the processor: a token waits for weights, not for the wire'
    : 'the wire takes longer than the kernels: split this model only if one machine cannot hold it'
  return [
    `${clip(model.name, 60)} on ${where}: ${model.activationBytes} bytes per activation`,
    `  kernels here   ${rate(budget.kernelTokensPerSecond)} (${budget.kernelMs.toFixed(2)} ms each)`,
    `  there and back ${rate(budget.hopTokensPerSecond)} (${budget.hopsMs.toFixed(2)} ms each)`,
    `  bulk           ${rate(budget.wireTokensPerSecond)} through the wire`,
    `  ${verdict}`
  ]
}
