// Machines made of network namespaces: hosts with cables between them or a switch, each with the addresses
// that a test wants and nothing else: no default route, no DHCP, no loopback. Owns that nothing outlives
// the process: namespaces take their interfaces with them, and what a killed process left behind is
// removed by the next one.

import { execFileSync } from 'node:child_process'
import type { Test } from 'brittle'

/** What is put before a command so that it runs on a host. */
export type Inside = string[]

export interface Host {
  readonly name: string
  readonly inside: Inside
}

/** One end of a cable. Without an address there is nothing but fe80::, without `ipv6` not even that. */
export interface Plug {
  host: Host
  /** Name of the interface; at most 15 characters. */
  port?: string
  /** With its prefix length. */
  ipv4?: string
  ipv6?: boolean
}

/** How the two ends of a bare cable are addressed. */
export const CABLES = {
  'static IPv4': ['10.77.0.1/24', '10.77.0.2/24'],
  '169.254/16': ['169.254.77.1/16', '169.254.77.2/16'],
  'fe80:: only': [null, null]
} as const

export type CableKind = keyof typeof CABLES

const PREFIX = 'swarm-net'
const open = new Set<Net>()
let nHosts = 0

export class Net {
  readonly #hosts: Host[] = []

  /** @returns why this machine does not permit it, or null. */
  static missing(): string | null {
    const name = `${PREFIX}-${process.pid}-try`
    try {
      sweep()
      ip(['netns', 'add', name])
      ip([
        'link',
        'add',
        'try',
        'netns',
        name,
        'type',
        'veth',
        'peer',
        'name',
        'yrt',
        'netns',
        name
      ])
      return null
    } catch (error) {
      return `network namespaces are not permitted here: ${lastLine(error)}`
    } finally {
      quietly(['netns', 'del', name])
    }
  }

  /** @returns a net that is removed after the test; or why this machine does not allow one. */
  static open(t: Test): Net | string {
    const missing = Net.missing()
    if (missing !== null) return missing
    const net = new Net()
    // Processes inside end before: order 0.
    t.teardown(() => net.close(), { force: true, order: 1 })
    return net
  }

  constructor() {
    if (open.size === 0) process.once('exit', closeAll)
    open.add(this)
  }

  /** A machine with nothing plugged in. */
  host(): Host {
    const name = `${PREFIX}-${process.pid}-${nHosts++}`
    ip(['netns', 'add', name])
    const host = { name, inside: ['ip', 'netns', 'exec', name] }
    this.#hosts.push(host)
    // Detection of duplicate addresses would keep fe80:: from use for a second or two after each plugging.
    for (const key of ['accept_dad', 'dad_transmits', 'addr_gen_mode']) {
      for (const which of ['all', 'default']) sysctl(host, `net.ipv6.conf.${which}.${key}`, '0')
    }
    return host
  }

  /** A cable between two hosts. */
  cable(a: Plug, b: Plug): void {
    this.#veth(a.host, portOf(a), b.host, portOf(b))
    for (const plug of [a, b]) configure(plug)
  }

  /** A switch with a cable to each, at its ports `to0`, `to1` and so on. @returns the switch. */
  bridge(plugs: readonly Plug[]): Host {
    const hub = this.host()
    ip(['-n', hub.name, 'link', 'add', 'hub', 'type', 'bridge'])
    ip(['-n', hub.name, 'link', 'set', 'hub', 'up'])
    for (const [index, plug] of plugs.entries()) {
      this.#veth(hub, `to${index}`, plug.host, portOf(plug))
      enslave(hub, `to${index}`)
      configure(plug)
    }
    return hub
  }

  /** A cable between two switches, at the port `port` of both: without it nobody's own cable looks cut. */
  trunk(a: Host, b: Host, port: string): void {
    this.#veth(a, port, b, port)
    for (const hub of [a, b]) enslave(hub, port)
  }

  /** Two machines with nothing but a cable between them. */
  bareCable(kind: CableKind): [Host, Host] {
    const [a, b] = [this.host(), this.host()]
    const [first, second] = CABLES[kind]
    const ipv6 = first === null
    this.cable(
      { host: a, ipv6, ...(first === null ? {} : { ipv4: first }) },
      { host: b, ipv6, ...(second === null ? {} : { ipv4: second }) }
    )
    return [a, b]
  }

  /** Pulls a cable out at one end, or plugs it in again. IPv6 addresses come back by themselves. */
  plug(host: Host, port: string, isIn: boolean): void {
    ip(['-n', host.name, 'link', 'set', port, isIn ? 'up' : 'down'])
  }

  /** Runs `ip` on a host. */
  ip(host: Host, argv: readonly string[]): string {
    return ip(['-n', host.name, ...argv])
  }

  close(): void {
    for (const { name } of this.#hosts.splice(0)) quietly(['netns', 'del', name])
    open.delete(this)
  }

  #veth(a: Host, portA: string, b: Host, portB: string): void {
    const near = ['link', 'add', portA, 'netns', a.name, 'type', 'veth']
    ip([...near, 'peer', 'name', portB, 'netns', b.name])
  }
}

/** Turns one setting of a host; slashes and dots as sysctl(8) takes them. */
export function sysctl(host: Host, key: string, value: string): void {
  const [file = '', ...rest] = [...host.inside, 'sysctl', '-qw', `${key}=${value}`]
  execFileSync(file, rest, { stdio: 'pipe' })
}

function configure(plug: Plug): void {
  const { host, ipv4, ipv6 = true } = plug
  const port = portOf(plug)
  sysctl(host, `net/ipv6/conf/${port}/disable_ipv6`, ipv6 ? '0' : '1')
  sysctl(host, `net/ipv6/conf/${port}/addr_gen_mode`, '0')
  sysctl(host, `net/ipv6/conf/${port}/accept_dad`, '0')
  if (ipv4 !== undefined) {
    ip(['-n', host.name, 'addr', 'add', ipv4, 'broadcast', '+', 'dev', port])
  }
  ip(['-n', host.name, 'link', 'set', port, 'up'])
}

function enslave(hub: Host, port: string): void {
  ip(['-n', hub.name, 'link', 'set', port, 'master', 'hub', 'up'])
}

function portOf({ port = 'cable' }: Plug): string {
  return port
}

function closeAll(): void {
  for (const net of open) net.close()
}

/** Removes what processes that are no more have left. */
function sweep(): void {
  for (const line of ip(['netns', 'list']).split('\n')) {
    const [name = ''] = line.split(' ')
    const pid = Number(new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1])
    if (pid > 0 && !isRunning(pid)) quietly(['netns', 'del', name])
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function ip(argv: readonly string[]): string {
  return execFileSync('ip', argv, { stdio: 'pipe' }).toString()
}

function quietly(argv: readonly string[]): void {
  try {
    ip(argv)
  } catch {
    // It was never made, or is gone already.
  }
}

function lastLine(error: unknown): string {
  return (
    String((error as Error).message)
      .trim()
      .split('\n')
      .at(-1) ?? ''
  )
}
