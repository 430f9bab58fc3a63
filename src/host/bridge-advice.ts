// All that `swarm bridge` advises, from all that was found: what the cables need, what the kernel limits,
// and how the address of a cable survives a restart. Pure: facts in, findings out.

import { addressPlan, type AddressPlan, type NetworkManager } from './address-plan.ts'
import { cableAdvice, type CableEnd } from './cable-advice.ts'
import { isCable } from './interface-kind.ts'
import { offloadAdvice, type Offloads } from './offloads.ts'
import { mtuSetting, type Change } from './setting.ts'

import type { Finding } from './finding.ts'
import type { HostInterface } from './interfaces.ts'

export interface BridgeFacts {
  interfaces: readonly HostInterface[]
  /** By interface; only where somebody of ours was found. */
  ends: ReadonlyMap<string, CableEnd>
  offloads: ReadonlyMap<string, Offloads>
  /** What kernelAdvice said. */
  kernel: readonly Finding[]
  manager: NetworkManager
}

export function bridgeAdvice({ interfaces, ends, offloads, kernel }: BridgeFacts): Finding[] {
  const cables = interfaces.flatMap((own) => {
    const offload = isCable(own.kind)
      ? offloadAdvice(own.name, offloads.get(own.name) ?? new Map())
      : null
    return [...cableAdvice({ own, end: ends.get(own.name) ?? null }), ...(offload ? [offload] : [])]
  })
  return [...kernel, ...cables]
}

/**
 * Commands that keep address and MTU, for each cable that is not the way to the internet.
 * @param changed what --apply has changed, earlier or now.
 */
export function addressPlans(
  { interfaces, ends, manager }: BridgeFacts,
  changed: readonly Change[]
): (AddressPlan & { interfaceName: string })[] {
  return interfaces
    .filter(({ kind, isUp, hasCarrier, hasDefaultRoute }) => {
      return isCable(kind) && isUp && hasCarrier !== false && !hasDefaultRoute
    })
    .filter(({ name, addresses }) => ends.has(name) || addresses.every(isLinkLocal))
    .map((own) => {
      const mtu = changed.findLast(({ path }) => path === mtuSetting(own.name).path)?.to ?? null
      const plan = addressPlan(manager, own, mtu === null ? null : Number(mtu))
      return { interfaceName: own.name, ...plan }
    })
}

function isLinkLocal({ address }: { address: string }): boolean {
  return /^(fe[89ab]|169\.254\.)/i.test(address)
}
