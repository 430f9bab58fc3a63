// What can be wrong between this machine and its neighbours: interfaces, routes, firewall, DHT. One small
// function per check, facts in, a diagnosis out.

import { clip } from '../../base/text.ts'
import { BEACON_PORT } from '../../peer/find/beacon.ts'
import { mend, note, ok, type Diagnosis } from './diagnosis.ts'
import { openingLines } from './firewall.ts'

import type { HostInterface } from '../interfaces.ts'
import type { DoctorFacts } from './facts.ts'

export function interfaces({ machine }: DoctorFacts): Diagnosis {
  const usable = machine.interfaces.filter(isUsable)
  if (usable.length === 0) {
    const text =
      'no interface but loopback is up with an address, so no other machine can be reached'
    return mend('interfaces', text, 'plug in a cable or join a Wi-Fi; see: swarm bridge')
  }
  const names = usable.map(({ name, kind }) => `${name} (${kind})`)
  return ok('interfaces', names.join(', '))
}

export function route({ machine }: DoctorFacts): Diagnosis {
  const outward = machine.interfaces.filter(({ hasDefaultRoute }) => hasDefaultRoute)
  if (outward.length > 0) {
    return ok('route', `to the internet through ${outward.map(({ name }) => name).join(', ')}`)
  }
  return ok('route', 'none to the internet, and none is needed for peers on the same network')
}

export function firewall({ machine }: DoctorFacts): Diagnosis {
  const { tool, input } = machine.firewall
  if (tool === null) return ok('firewall', 'none')
  const fix = machine.interfaces
    .filter(isUsable)
    .flatMap((one) => openingLines(machine.firewall, one))
    .join('; ')
  if (input === 'drop') {
    const text =
      `${tool} drops what nobody here has asked for, so others may not be able to open a connection ` +
      `to this machine or be heard at UDP port ${BEACON_PORT}`
    // One open direction is enough for a link and a lane; with two such machines there is none.
    return note('firewall', text, fix === '' ? null : fix)
  }
  if (input === null) {
    return note(
      'firewall',
      `${tool} may be in use; reading its rules needs root`,
      'sudo swarm doctor'
    )
  }
  return ok('firewall', `${tool} lets everything in`)
}

/** Whatever blocks a machine's way to itself blocks the others' too. */
export function tcp({ machine }: DoctorFacts): Diagnosis {
  const { tcpBlocked } = machine.selfReach
  if (tcpBlocked.length === 0) return ok('tcp', 'own ports answer at every own address')
  const text = `a TCP port of this machine does not answer at its own ${tcpBlocked.join(', ')}`
  return mend('tcp', text, openingFor(machine.interfaces, tcpBlocked, machine.firewall))
}

export function beacon({ machine }: DoctorFacts): Diagnosis {
  const { beaconBlocked, beaconError } = machine.selfReach
  if (beaconError !== null) {
    const text = `UDP port ${BEACON_PORT} cannot be opened (${beaconError}), so peers are not found here`
    return mend('beacon', text, `see who has it: ss -ulpn 'sport = :${BEACON_PORT}'`)
  }
  if (beaconBlocked.length === 0) return ok('beacon', `UDP port ${BEACON_PORT} hears multicast`)
  const text = `multicast from ${beaconBlocked.join(', ')} is not heard at UDP port ${BEACON_PORT}`
  return mend('beacon', text, openingFor(machine.interfaces, beaconBlocked, machine.firewall))
}

export function dht({ machine, running }: DoctorFacts): Diagnosis[] {
  if (running === null) return []
  if (running.dht === 'none')
    return [ok('dht', `topic '${clip(running.topic, 64)}' does not use one`)]
  const isOnline = machine.interfaces.some(({ hasDefaultRoute }) => hasDefaultRoute)
  if (running.dht === 'public' && !isOnline) {
    const text = 'the public DHT is out of reach without a route to the internet; the LAN is not'
    return [note('dht', text, 'nothing, unless peers elsewhere are expected')]
  }
  const which = running.dht === 'public' ? 'the public one' : 'the one given with --bootstrap'
  return [ok('dht', `${which} is used; it is not asked from here`)]
}

function isUsable({ kind, isUp, hasCarrier, addresses }: HostInterface): boolean {
  return kind !== 'loopback' && isUp && hasCarrier !== false && addresses.length > 0
}

function openingFor(
  all: readonly HostInterface[],
  hosts: readonly string[],
  firewall: DoctorFacts['machine']['firewall']
): string {
  const near = all.filter(({ addresses }) =>
    addresses.some(({ address }) => hosts.includes(address))
  )
  return near.flatMap((one) => openingLines(firewall, one)).join('; ') || 'see the firewall rules'
}
