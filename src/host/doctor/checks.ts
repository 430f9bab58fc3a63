// Every check of `swarm doctor`, in the order in which it is printed.

import { beacon, dht, firewall, interfaces, route, tcp } from './network-checks.ts'
import { dataDir, disk, hugePages, identity, kernels, lock } from './machine-checks.ts'
import { memory, nodeVersion, openFiles, time } from './machine-checks.ts'
import { clocks, complaints, duplicates, reachOfPeers, strangers, versions } from './peer-checks.ts'

import type { Diagnosis } from './diagnosis.ts'
import type { DoctorFacts } from './facts.ts'

const CHECKS: readonly ((facts: DoctorFacts) => Diagnosis | Diagnosis[])[] = [
  nodeVersion,
  kernels,
  hugePages,
  memory,
  openFiles,
  dataDir,
  disk,
  identity,
  lock,
  time,
  interfaces,
  route,
  firewall,
  tcp,
  beacon,
  dht,
  duplicates,
  versions,
  clocks,
  reachOfPeers,
  strangers,
  complaints
]

export function diagnose(facts: DoctorFacts): Diagnosis[] {
  return CHECKS.flatMap((check) => check(facts))
}
