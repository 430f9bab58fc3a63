// A host and a port, and this machine's own addresses. Owns no socket.

import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'

import { LANE_ADDRESSES_MAX } from '../base/limits.ts'

export interface Address {
  host: string
  port: number
}

/** One address of one network interface. */
export interface InterfaceAddress {
  name: string
  family: 'IPv4' | 'IPv6'
  address: string
  netmask: string
  internal: boolean
}

/** All addresses of this machine now; a cable may be plugged in at any time. */
export function interfaceAddresses(): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ family, address, netmask, internal }) => {
      return { name, family, address, netmask, internal }
    })
  )
}

/**
 * Own addresses worth telling others, so that they can dial: IPv4 first, no loopback, no IPv6
 * link-local (it means nothing without the other machine's interface). At most LANE_ADDRESSES_MAX.
 */
export function announcedAddresses(all: InterfaceAddress[] = interfaceAddresses()): string[] {
  const useful = all.filter(({ address, internal }) => !internal && !/^fe[89ab]/i.test(address))
  return useful
    .toSorted((a, b) => a.family.localeCompare(b.family))
    .slice(0, LANE_ADDRESSES_MAX)
    .map(({ address }) => address)
}

/** Directed broadcast of an IPv4 interface, or null when it is a point-to-point one. */
export function broadcastOf({ address, netmask }: InterfaceAddress): string | null {
  if (!isIPv4(address) || netmask === '255.255.255.255') return null
  const mask = netmask.split('.').map(Number)
  return address
    .split('.')
    .map((part, index) => Number(part) | (~(mask[index] as number) & 255))
    .join('.')
}
