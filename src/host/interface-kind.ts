// What a network interface is, from the few facts that Linux gives about it. Pure. A cable of our own is
// 'ethernet', or 'virtual' inside a container or a test; the rest is told apart so that nobody is
// advised to tune a VPN.

export type InterfaceKind =
  'ethernet' | 'wifi' | 'docker bridge' | 'bridge' | 'vpn' | 'loopback' | 'virtual'

export interface KindFacts {
  name: string
  /** ARPHRD number of /sys/class/net/NAME/type: 1 Ethernet, 772 loopback, 65534 none. */
  type: number
  /** DEVTYPE of its uevent file, such as wlan, bridge, wireguard; empty for plain Ethernet. */
  devtype: string
  isWireless: boolean
  isBridge: boolean
  /** A tun or tap device. */
  isTunnel: boolean
  /** There is a device (PCI, USB, virtio, Thunderbolt) behind it. */
  hasDevice: boolean
}

const ARPHRD_ETHER = 1
const ARPHRD_LOOPBACK = 772
/** PPP, IP-in-IP, SIT, GRE, and "none", which tun and WireGuard are. */
const ARPHRD_TUNNELS = new Set([512, 768, 769, 776, 778, 65_534])

export function interfaceKind(facts: KindFacts): InterfaceKind {
  const { name, type, devtype } = facts
  if (type === ARPHRD_LOOPBACK) return 'loopback'
  if (facts.isWireless || devtype === 'wlan') return 'wifi'
  if (facts.isBridge || devtype === 'bridge') {
    return /^(docker\d|docker_|br-[0-9a-f]{12}$|podman\d|cni\d)/.test(name)
      ? 'docker bridge'
      : 'bridge'
  }
  if (facts.isTunnel || devtype === 'wireguard' || ARPHRD_TUNNELS.has(type)) return 'vpn'
  if (/^(tun|tap|wg|tailscale|zt|utun|ppp)\d*/.test(name)) return 'vpn'
  return type === ARPHRD_ETHER && facts.hasDevice ? 'ethernet' : 'virtual'
}

/** Whether two machines may be joined by it alone: what `swarm bridge` looks at. */
export function isCable(kind: InterfaceKind): boolean {
  return kind === 'ethernet' || kind === 'virtual'
}
