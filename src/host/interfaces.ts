// This machine's network interfaces as Linux shows them: /sys/class/net joined with the addresses that
// Node knows. Reads and changes nothing. A value that a driver does not tell is null, never a guess.

import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'

import { interfaceKind, type InterfaceKind } from './interface-kind.ts'

import type { HostFiles } from './files.ts'

export interface HostInterface {
  name: string
  kind: InterfaceKind
  /** Switched on (`ip link set NAME up`). */
  isUp: boolean
  /** A cable is plugged in and the other end answers; null while the interface is off. */
  hasCarrier: boolean | null
  /** Null for what has no speed of its own: virtual cables, Wi-Fi, most virtual machines. */
  speedMbps: number | null
  duplex: 'full' | 'half' | null
  mtuBytes: number
  /** Hardware address, or empty. */
  mac: string
  driver: string | null
  addresses: HostAddress[]
  /** The way to the internet leads through it, so its MTU is the network's, not ours. */
  hasDefaultRoute: boolean
  /** Without IPv6 there is no link-local address. */
  ipv6Disabled: boolean
}

export interface HostAddress {
  family: 'IPv4' | 'IPv6'
  address: string
  netmask: string
}

type NodeInterfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

const IFF_UP = 0x1

/** @param addresses as os.networkInterfaces() gives them. */
export function readInterfaces(
  files: HostFiles,
  addresses: NodeInterfaces = networkInterfaces()
): HostInterface[] {
  const outward = defaultRoutes(files)
  return files.list('/sys/class/net').flatMap((name) => {
    // bonding_masters and the like are files, not interfaces.
    if (!files.has(`/sys/class/net/${name}/mtu`)) return []
    const own = (addresses[name] ?? []).map(({ family, address, netmask }) => {
      return { family, address, netmask }
    })
    return [{ ...readOne(files, name), addresses: own, hasDefaultRoute: outward.has(name) }]
  })
}

function readOne(
  files: HostFiles,
  name: string
): Omit<HostInterface, 'addresses' | 'hasDefaultRoute'> {
  const folder = `/sys/class/net/${name}`
  const read = (file: string) => files.read(`${folder}/${file}`)
  const number = (file: string) => {
    const text = read(file)
    return text === null || text === '' || Number.isNaN(Number(text)) ? null : Number(text)
  }
  const kind = interfaceKind({
    name,
    type: number('type') ?? 0,
    devtype: /^DEVTYPE=(.*)$/m.exec(read('uevent') ?? '')?.[1] ?? '',
    isWireless: files.has(`${folder}/wireless`) || files.has(`${folder}/phy80211`),
    isBridge: files.has(`${folder}/bridge`),
    isTunnel: files.has(`${folder}/tun_flags`),
    hasDevice: files.has(`${folder}/device`)
  })
  const carrier = number('carrier')
  const speed = number('speed')
  const duplex = read('duplex')
  return {
    name,
    kind,
    isUp: ((number('flags') ?? 0) & IFF_UP) !== 0,
    hasCarrier: carrier === null ? null : carrier === 1,
    // A virtual cable claims 10 Gbit/s whatever it does; an unknown speed reads -1.
    speedMbps: kind === 'ethernet' && speed !== null && speed > 0 ? speed : null,
    duplex: duplex === 'full' || duplex === 'half' ? duplex : null,
    mtuBytes: number('mtu') ?? 0,
    mac: read('address') ?? '',
    driver: files.target(`${folder}/device/driver`),
    ipv6Disabled: files.read(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`) === '1'
  }
}

/** Names of the interfaces with a default route, of IPv4 or IPv6. */
function defaultRoutes(files: HostFiles): Set<string> {
  const names = new Set<string>()
  for (const line of (files.read('/proc/net/route') ?? '').split('\n').slice(1)) {
    const [name, destination, , , , , , mask] = line.split(/\s+/)
    if (name && destination === '00000000' && mask === '00000000') names.add(name)
  }
  for (const line of (files.read('/proc/net/ipv6_route') ?? '').split('\n')) {
    const fields = line.trim().split(/\s+/)
    const isDefault = /^0{32}$/.test(fields[0] ?? '') && fields[1] === '00'
    // The kernel's own refusal of everything else is listed too, at the loopback interface.
    const name = fields[9]
    if (isDefault && name !== undefined && name !== 'lo') names.add(name)
  }
  return names
}

/**
 * The interface that an address on the cable belongs to: by its zone, else by the subnet. An address of
 * this very machine belongs to the loopback interface, which its packets take.
 */
export function interfaceOf(
  host: string,
  interfaces: readonly HostInterface[]
): HostInterface | null {
  const [address = '', zone] = host.split('%')
  const loopback = interfaces.find(({ kind }) => kind === 'loopback') ?? null
  const isOwn = (one: HostInterface) => one.addresses.some((own) => own.address === address)
  if (address === '::1' || address.startsWith('127.') || interfaces.some(isOwn)) return loopback
  if (zone !== undefined) return interfaces.find(({ name }) => name === zone) ?? null
  const near = interfaces.filter(({ addresses }) => addresses.some((own) => shares(own, address)))
  // Of two cables in one subnet the kernel takes the first that works.
  return near.find(({ isUp, hasCarrier }) => isUp && hasCarrier !== false) ?? near[0] ?? null
}

function shares(own: HostAddress, address: string): boolean {
  if (own.family !== 'IPv4' || !/^\d+(\.\d+){3}$/.test(address)) return false
  const [a, b, mask] = [own.address, address, own.netmask].map((text) =>
    text.split('.').map(Number)
  )
  return (mask ?? []).every((bits, at) => ((a?.[at] ?? 0) & bits) === ((b?.[at] ?? 0) & bits))
}
