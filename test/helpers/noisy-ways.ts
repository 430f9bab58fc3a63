// The ways between the machines of a simulated swarm and what those machines publish of them: round trips
// of a cable or of a wireless network, noise that only adds, now and then something in the way.

import { below, type Random } from '../../src/base/random.ts'
import { NeighbourTable } from '../../src/node/neighbour-table.ts'
import { linksBetween, type Measured } from '../../src/sharding/claims.ts'
import { toRecord } from './views.ts'

import type { ModelFacts, ViewLink, ViewPeer } from '../../src/sharding/facts.ts'
import type { PeerId } from '../../src/wire/ids.ts'

export class NoisyWays {
  readonly #random: Random
  readonly #model: ModelFacts
  readonly #peers: readonly ViewPeer[]
  readonly #tables: readonly NeighbourTable[]
  /** Of machine i and machine j > i. */
  readonly #rttsMs: number[][]

  constructor(random: Random, model: ModelFacts, peers: readonly ViewPeer[]) {
    this.#random = random
    this.#model = model
    this.#peers = peers
    this.#tables = peers.map(() => new NeighbourTable())
    this.#rttsMs = peers.map(() =>
      // Four of five on a cable, the others over the air.
      peers.map(() => (below(random, 5) > 0 ? 0.2 + below(random, 40) / 100 : 3 + below(random, 5)))
    )
    this.#each((table, peer, rttMs) => {
      table.delay(peer.key, 'tcp', rttMs, 0)
      table.path(peer.key, { rttMs, mbps: rttMs < 1 ? 900 : 400 }, 0)
    })
  }

  /** Every machine looks at its links once more. @param noisePercent mean of what noise adds. */
  look(noisePercent: number, nowMs: number): void {
    this.#each((table, peer, rttMs) => {
      const noise = (below(this.#random, 2 * noisePercent + 1) * rttMs) / 100
      const spikeMs = below(this.#random, 10) === 0 ? 5 : 0
      table.delay(peer.key, 'tcp', rttMs + noise + spikeMs, nowMs)
    })
  }

  /** What plans count with, by the machine that tells it. */
  links(nowMs: number): Map<PeerId, ViewLink[]> {
    return linksBetween(
      this.#peers.map((peer, index) => {
        const record = toRecord(peer, this.#model) as Measured
        const neighbours = this.#tables[index]?.records(nowMs) ?? []
        return { ...record, profile: { ...record.profile, neighbours } }
      })
    )
  }

  #each(visit: (table: NeighbourTable, peer: ViewPeer, rttMs: number) => void): void {
    for (const [i, table] of this.#tables.entries()) {
      for (const [j, peer] of this.#peers.entries()) {
        const rttMs = this.#rttsMs[Math.min(i, j)]?.[Math.max(i, j)] as number
        if (i !== j) visit(table, peer, rttMs)
      }
    }
  }
}
