// Facts of one interface and of what was measured on it -> what is good and what is to be changed. Pure:
// a table of small rules, each about one thing; a rule that has nothing to say about an interface says
// nothing. Addresses are in address-plan.ts, limits of the kernel in kernel-advice.ts.

import { isCable } from './interface-kind.ts'
import { ipv6Setting, mtuSetting } from './setting.ts'

import type { Finding } from './finding.ts'
import type { HostInterface } from './interfaces.ts'

/** What is known of the other end of the cable at an interface. */
export interface CableEnd {
  mtuBytes: number | null
  /** Best of both directions, bytes per second; null when it was not measured. */
  plainBytesPerSecond: number | null
  noiseBytesPerSecond: number | null
}

export interface CableFacts {
  own: HostInterface
  /** Null: nobody of ours has been found there. */
  end: CableEnd | null
}

/** Ethernet's payload of a packet, and the largest that common cards take. */
const MTU_STANDARD = 1500
const MTU_JUMBO = 9000
/** From here on the number of packets, not the cable, may be the limit of one processor core. */
const JUMBO_FROM_MBPS = 10_000
/** Below this the cable or a connector is bad: everything sold in 20 years does 1000. */
const GOOD_SPEED_MBPS = 1000
/** Part of the nominal speed that TCP over Ethernet reaches with 1500-byte packets, 94 %, less noise. */
const EXPECTED_SHARE = 0.85

type Rule = (facts: CableFacts) => Finding | null

const RULES: readonly Rule[] = [carrier, address, speed, duplex, mtu, mtuOfBoth, throughput, cipher]

export function cableAdvice(facts: CableFacts): Finding[] {
  if (!isCable(facts.own.kind)) return []
  return RULES.flatMap((rule) => rule(facts) ?? [])
}

function carrier({ own }: CableFacts): Finding | null {
  if (own.kind !== 'ethernet') return null
  const { name } = own
  const subject = `cable at ${name}`
  if (!own.isUp) {
    return {
      ...byHand(subject, 'switched off', 'on', 'an interface that is off sees no cable'),
      gain: 'the cable can be used',
      commands: [`ip link set dev ${name} up`]
    }
  }
  if (own.hasCarrier !== false) return null
  return {
    ...byHand(
      subject,
      'nobody at the other end',
      'plugged in at both ends',
      'the card sees no signal'
    ),
    gain: 'the cable can be used',
    commands: ['plug the cable in at both ends; any straight Ethernet cable will do, no crossover']
  }
}

/** Without any address nothing can be said on a cable; with IPv6 the kernel makes one by itself. */
function address({ own }: CableFacts): Finding | null {
  if (!own.isUp || own.hasCarrier === false) return null
  const subject = `address of ${own.name}`
  const linkLocal = own.addresses.find(({ address }) => /^fe[89ab]/i.test(address))
  const first = own.addresses.find(({ family }) => family === 'IPv4') ?? own.addresses[0]
  if (linkLocal !== undefined || (first !== undefined && !own.ipv6Disabled)) {
    const current = own.addresses.map(({ address }) => address).join(', ')
    return good(subject, current, 'two machines on a cable need no more than link-local addresses')
  }
  if (own.ipv6Disabled) {
    const { name } = own
    return {
      subject,
      current:
        first === undefined ? 'none, IPv6 is disabled' : `${first.address}, IPv6 is disabled`,
      wanted: 'fe80::, from the kernel',
      isGood: false,
      reason: 'IPv6 link-local addresses come by themselves and need no DHCP and no router',
      gain: first === undefined ? 'the cable can be used' : 'a second way that needs no set-up',
      changes: [{ ...ipv6Setting(name), from: '1', to: '0' }],
      commands: [`sysctl -w net.ipv6.conf.${name}.disable_ipv6=0`]
    }
  }
  return {
    ...byHand(subject, 'none', 'fe80:: or 169.254.x.y', 'without an address nothing can be sent'),
    gain: 'the cable can be used'
  }
}

function speed({ own: { name, speedMbps } }: CableFacts): Finding | null {
  if (speedMbps === null) return null
  const subject = `speed of ${name}`
  const current = `${speedMbps} Mbit/s`
  if (speedMbps >= GOOD_SPEED_MBPS) return good(subject, current, 'what the two cards agreed on')
  const reason = 'both cards can do 1000 Mbit/s or more, so a pair of wires is broken or missing'
  return {
    ...byHand(subject, current, '1000 Mbit/s or more', reason),
    gain: `${GOOD_SPEED_MBPS / speedMbps} times the throughput`,
    commands: ['replace the cable by one of category 5e or better, without an adapter between']
  }
}

function duplex({ own: { name, duplex } }: CableFacts): Finding | null {
  if (duplex !== 'half') return null
  const reason = 'each side waits while the other one sends; one of the cards does not negotiate'
  return {
    ...byHand(`duplex of ${name}`, 'half', 'full', reason),
    gain: 'both directions at once, no collisions',
    commands: [`ethtool -s ${name} autoneg on`]
  }
}

function mtu({ own, end }: CableFacts): Finding | null {
  const { name, mtuBytes, speedMbps } = own
  const subject = `MTU of ${name}`
  // Where the network decides (a default route, a PPPoE modem), or nobody of ours is, it is left alone.
  if (own.hasDefaultRoute || end === null) return null
  const isFast = (speedMbps ?? 0) >= JUMBO_FROM_MBPS
  const wanted = isFast ? MTU_JUMBO : MTU_STANDARD
  if (mtuBytes >= wanted) {
    return good(subject, String(mtuBytes), 'packets are as large as this cable needs them')
  }
  const packets = (bytes: number) => Math.ceil(16_384 / (bytes - 40 - 12))
  return {
    subject,
    current: String(mtuBytes),
    wanted: String(wanted),
    isGood: false,
    reason: isFast
      ? 'at 10 Gbit/s the processor is kept busy by the number of packets; both ends have to agree'
      : 'smaller packets than Ethernet takes cost headers and processor time on both ends',
    gain:
      `an activation of 16 KiB in ${packets(wanted)} packets instead of ${packets(mtuBytes)}, ` +
      `${headerPercent(mtuBytes)} % of the cable for headers down to ${headerPercent(wanted)} %`,
    changes: [{ ...mtuSetting(name), from: String(mtuBytes), to: String(wanted) }],
    commands: [`ip link set dev ${name} mtu ${wanted}`]
  }
}

/** The preamble, addresses and gap of Ethernet (38) with IPv4 and TCP and its time stamps (52). */
function headerPercent(mtuBytes: number): string {
  return (100 * (1 - (mtuBytes - 52) / (mtuBytes + 38))).toFixed(1)
}

function mtuOfBoth({ own, end }: CableFacts): Finding | null {
  if (end === null || end.mtuBytes === null || end.mtuBytes === own.mtuBytes) return null
  const current = `${own.mtuBytes} here, ${end.mtuBytes} at the other end`
  const reason = 'TCP agrees on the smaller one, but larger UDP packets are lost without a word'
  return {
    ...byHand(`MTU of both ends of ${own.name}`, current, 'the same', reason),
    gain: 'no packets that vanish',
    commands: ['run swarm bridge at the other end too, and change the smaller one']
  }
}

function throughput({ own, end }: CableFacts): Finding | null {
  const { speedMbps, name } = own
  if (speedMbps === null || end === null || end.plainBytesPerSecond === null) return null
  const mbps = (end.plainBytesPerSecond * 8) / 1e6
  const subject = `throughput at ${name}`
  const current = `${mbps.toFixed(0)} of ${speedMbps} Mbit/s`
  if (mbps >= EXPECTED_SHARE * speedMbps) return good(subject, current, 'the cable is used up')
  const reason =
    'TCP should reach 94 %; the processors, a driver or something else on the cable wait'
  return {
    ...byHand(subject, current, `${(0.94 * speedMbps).toFixed(0)} Mbit/s`, reason),
    gain: `${((0.94 * speedMbps) / mbps).toFixed(1)} times the throughput`,
    commands: [`measure again while both machines do nothing else; see ethtool -S ${name}`]
  }
}

/** Where the processors cannot encrypt as fast as the cable carries, a faster one brings nothing. */
function cipher({ own, end }: CableFacts): Finding | null {
  const { plainBytesPerSecond: plain = null, noiseBytesPerSecond: noise = null } = end ?? {}
  if (plain === null || noise === null || plain === 0) return null
  const subject = `encryption at ${own.name}`
  const current = `${megabytes(noise)} of ${megabytes(plain)} MB/s`
  const isCable = noise >= 0.9 * plain
  const reason = isCable
    ? 'encrypted as fast as the cable carries'
    : 'the processors are the limit of what is encrypted here, not the cable; no setting changes that'
  return good(subject, current, reason)
}

function megabytes(bytesPerSecond: number): string {
  return (bytesPerSecond / 1e6).toFixed(0)
}

function good(subject: string, current: string, reason: string): Finding {
  return {
    subject,
    current,
    wanted: current,
    isGood: true,
    reason,
    gain: '',
    changes: [],
    commands: []
  }
}

function byHand(subject: string, current: string, wanted: string, reason: string): Finding {
  return { subject, current, wanted, isGood: false, reason, gain: '', changes: [], commands: [] }
}
