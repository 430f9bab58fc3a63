// Two homes behind routers that translate addresses, and a machine that both can reach: what peers on the
// internet have. Made with nftables, where there is an nft command and the kernel lets it.

import { execFileSync } from 'node:child_process'

import { sysctl, type Host, type Net } from './namespaces.ts'

/**
 * Translates all that leaves, and lets in only what answers it. A stray packet is dropped before the router
 * takes note of it, or its port would be taken for the peer's own packet the other way.
 */
const RULES = `
table ip home {
  chain out { type nat hook postrouting priority 100; oifname "out" masquerade; }
  chain stray { type filter hook input priority 0; iifname "out" drop; }
  chain through {
    type filter hook forward priority 0; policy drop;
    iifname "in" accept
    ct state established,related accept
  }
}`

export interface DoubleNat {
  /** One machine in each home. */
  homes: [Host, Host]
  /** Reached by both at `address`; reaches neither by itself. */
  outside: Host
  address: string
}

/**
 * The net between the routers has addresses that look public, since the DHT passes over private ones; no
 * route leads out of the namespaces.
 * @returns the machines, or why address translation is not to be had here.
 */
export function doubleNat(net: Net): DoubleNat | string {
  const [outside, address] = [net.host(), '11.81.0.254']
  const routers = [net.host(), net.host()] as const
  const homes: [Host, Host] = [net.host(), net.host()]
  net.ip(outside, ['link', 'set', 'lo', 'up'])
  net.bridge([
    { host: outside, ipv4: `${address}/24`, ipv6: false },
    ...routers.map((host, index) => {
      return { host, port: 'out', ipv4: `11.81.0.${index + 1}/24`, ipv6: false }
    })
  ])
  for (const [index, router] of routers.entries()) {
    const home = homes[index] as Host
    const gateway = `192.168.${81 + index}.254`
    const inner = { host: router, port: 'in', ipv4: `${gateway}/24`, ipv6: false }
    net.cable({ host: home, ipv4: `192.168.${81 + index}.1/24`, ipv6: false }, inner)
    net.ip(home, ['route', 'add', 'default', 'via', gateway])
    sysctl(router, 'net.ipv4.ip_forward', '1')
    try {
      const [file = '', ...rest] = [...router.inside, 'nft', '-f', '-']
      execFileSync(file, rest, { input: RULES, stdio: 'pipe' })
    } catch (error) {
      const [reason = ''] = String((error as { stderr?: Buffer }).stderr ?? error).split('\n')
      return `addresses cannot be translated here: ${reason.trim()}`
    }
  }
  return { homes, outside, address }
}
