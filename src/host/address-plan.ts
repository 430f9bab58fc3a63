// How this machine keeps the address and MTU of a cable over a restart: the exact commands for whatever
// looks after its network. Only prints: three programs have three sets of files, and each of them would
// undo what somebody writes behind its back. Pure but for the reader it is given.

import { createHash } from 'node:crypto'

import type { HostFiles } from './files.ts'
import type { HostInterface } from './interfaces.ts'

export type NetworkManager = 'NetworkManager' | 'systemd-networkd' | 'ifupdown' | 'none'

export interface AddressPlan {
  manager: NetworkManager
  commands: string[]
  /** Takes them back. */
  undo: string[]
}

/** Who looks after interfaces here; of several, the one that takes a new cable by itself. */
export function networkManager(files: HostFiles): NetworkManager {
  if (files.has('/run/NetworkManager')) return 'NetworkManager'
  if (files.has('/run/systemd/netif/links')) return 'systemd-networkd'
  const ifupdown = files.has('/sbin/ifup') || files.has('/usr/sbin/ifup')
  return ifupdown && files.has('/etc/network/interfaces') ? 'ifupdown' : 'none'
}

/** @param mtuBytes to be kept besides; null leaves it as it is. */
export function addressPlan(
  manager: NetworkManager,
  { name, mac }: Pick<HostInterface, 'name' | 'mac'>,
  mtuBytes: number | null
): AddressPlan {
  return { manager, ...PLANS[manager](shellWord(name), mac, mtuBytes) }
}

type Plan = (name: string, mac: string, mtu: number | null) => Omit<AddressPlan, 'manager'>

const PLANS: Record<NetworkManager, Plan> = {
  NetworkManager: (name, _mac, mtu) => ({
    commands: [
      `nmcli connection add type ethernet ifname ${name} con-name swarm-${name}` +
        ' ipv4.method link-local ipv6.method link-local connection.autoconnect yes' +
        (mtu === null ? '' : ` 802-3-ethernet.mtu ${mtu}`),
      `nmcli connection up swarm-${name}`
    ],
    undo: [`nmcli connection delete swarm-${name}`]
  }),
  'systemd-networkd': (name, _mac, mtu) => {
    // The first file that matches wins, in the order of names.
    const file = `/etc/systemd/network/05-swarm-${name}.network`
    const link = mtu === null ? '' : `MTUBytes=${mtu}\\n`
    const text =
      `[Match]\\nName=${name}\\n\\n[Link]\\nRequiredForOnline=no\\n${link}\\n` +
      '[Network]\\nLinkLocalAddressing=yes\\n'
    return {
      commands: [`printf '${text}' > ${file}`, 'networkctl reload'],
      undo: [`rm ${file}`, 'networkctl reload']
    }
  },
  ifupdown: (name, mac, mtu) => {
    const file = `/etc/network/interfaces.d/swarm-${name}`
    const line = mtu === null ? '' : `  mtu ${mtu}\\n`
    const text = `auto ${name}\\niface ${name} inet static\\n  address ${linkLocalOf(mac)}/16\\n${line}`
    return {
      commands: [`printf '${text}' > ${file}`, `ifup ${name}`],
      undo: [`ifdown ${name}`, `rm ${file}`]
    }
  },
  none: (name, mac, mtu) => ({
    commands: [
      `ip link set dev ${name} up${mtu === null ? '' : ` mtu ${mtu}`}`,
      `ip addr add ${linkLocalOf(mac)}/16 dev ${name}`
    ],
    undo: [`ip addr del ${linkLocalOf(mac)}/16 dev ${name}`]
  })
}

/**
 * An address of 169.254.1.0 to 169.254.254.255 (RFC 3927, 2.1) that follows from the hardware address, so
 * that the two ends of a cable take different ones without asking each other.
 */
export function linkLocalOf(mac: string): string {
  const [high = 0, low = 0] = createHash('sha256').update(mac.toLowerCase()).digest()
  return `169.254.${1 + (high % 254)}.${low}`
}

/** A name is up to 15 bytes of anything but a slash and white space: nothing of it may reach a shell. */
function shellWord(name: string): string {
  return /^[\w.:@-]+$/.test(name) ? name : "'INTERFACE'"
}
