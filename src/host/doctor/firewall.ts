// Which firewall this machine has, what it does with packets that nobody asked for, and the exact line
// that lets the neighbours in. Reading the rules needs root; without it only their presence is told.

import type { HostFiles } from '../files.ts'
import type { HostInterface } from '../interfaces.ts'
import type { Run } from '../run-program.ts'

export interface Firewall {
  tool: 'ufw' | 'firewalld' | 'nftables' | 'iptables' | null
  /** What becomes of a packet that no rule is about; null: it may not be read. */
  input: 'accept' | 'drop' | null
  /** nftables: table and chain that drop, such as `inet filter input`. */
  chain: string | null
}

/** The tool that its owner would use: ufw and firewalld write nftables rules, which are not to be edited. */
export async function readFirewall(files: HostFiles, run: Run): Promise<Firewall> {
  if (/^ENABLED=yes/m.test(files.read('/etc/ufw/ufw.conf') ?? '')) {
    const policy = /^DEFAULT_INPUT_POLICY="?(\w+)/m.exec(files.read('/etc/default/ufw') ?? '')?.[1]
    return { tool: 'ufw', input: policy === 'ACCEPT' ? 'accept' : 'drop', chain: null }
  }
  if (files.has('/run/firewalld')) return { tool: 'firewalld', input: 'drop', chain: null }
  const rules = await run('nft', ['list', 'ruleset'])
  if (rules !== null && rules.trim() !== '') return readNftables(rules)
  const chain = await run('iptables', ['-S', 'INPUT'])
  if (chain !== null) return readIptables(chain)
  if (rules !== null) return { tool: null, input: 'accept', chain: null }
  const isInstalled = files.has('/usr/sbin/nft') || files.has('/usr/sbin/iptables')
  return isInstalled
    ? { tool: 'nftables', input: null, chain: null }
    : { tool: null, input: 'accept', chain: null }
}

/** @param rules what `nft list ruleset` printed. */
export function readNftables(rules: string): Firewall {
  let table = ''
  let chain = ''
  for (const line of rules.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table
    chain = /^\s+chain (\S+) \{/.exec(line)?.[1] ?? chain
    if (/type filter hook input\b.*policy drop/.test(line)) {
      return { tool: 'nftables', input: 'drop', chain: `${table} ${chain}` }
    }
  }
  return { tool: 'nftables', input: 'accept', chain: null }
}

/** @param rules what `iptables -S INPUT` printed. */
export function readIptables(rules: string): Firewall {
  const drops = /^-P INPUT (DROP|REJECT)$/m.test(rules)
  const rejectsRest = /^-A INPUT -j (DROP|REJECT)( |$)/m.test(rules)
  return { tool: 'iptables', input: drops || rejectsRest ? 'drop' : 'accept', chain: null }
}

/**
 * Lets in whoever is on the same network: the ports of links and lanes are the system's choice, so that
 * no line could name them. One line for each network of the interface.
 */
export function openingLines({ tool, chain }: Firewall, own: HostInterface): string[] {
  return networksOf(own).map(({ network, family }) => {
    switch (tool) {
      case 'ufw':
        return `ufw allow in on ${own.name} from ${network}`
      case 'firewalld':
        return `firewall-cmd --zone=trusted --add-source=${network}`
      case 'nftables': {
        const ip = family === 'IPv4' ? 'ip' : 'ip6'
        const where = chain ?? 'inet filter input'
        return `nft insert rule ${where} iifname "${own.name}" ${ip} saddr ${network} accept`
      }
      case 'iptables':
      case null: {
        const program = family === 'IPv4' ? 'iptables' : 'ip6tables'
        return `${program} -I INPUT -i ${own.name} -s ${network} -j ACCEPT`
      }
    }
  })
}

function networksOf({ addresses }: HostInterface): { network: string; family: string }[] {
  const found = addresses.map(({ family, address, netmask }) => {
    if (family === 'IPv6') return { family, network: 'fe80::/10' }
    const [parts, mask] = [address, netmask].map((text) => text.split('.').map(Number))
    const network = (parts ?? []).map((part, at) => part & (mask?.[at] ?? 0)).join('.')
    const bits = (mask ?? []).map((part) => part.toString(2).replaceAll('0', '').length)
    return { family, network: `${network}/${bits.reduce((sum, one) => sum + one, 0)}` }
  })
  return found.filter((one, at) => found.findIndex(({ network }) => network === one.network) === at)
}
