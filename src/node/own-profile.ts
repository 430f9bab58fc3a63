// Flow C, what this peer says of itself to plans: the machine as measured, what its user asks to have room
// for, what its links are like and what it saw of others. Owns the watches behind these parts and publishes
// the whole whenever one changes; what is measured when is theirs to decide.

import { NeighbourWatch } from './neighbour-watch.ts'
import { MemoryWatch } from './memory-watch.ts'
import { seenRates } from './seen-rates.ts'

import type { Clock } from '../base/clock.ts'
import type { PeerNetwork } from '../peer/network.ts'
import type { Machine } from '../sharding/probe.ts'
import type { View } from '../sharding/facts.ts'
import type { GenerateResult } from '../wire/generation.ts'
import type { NeighbourRecord, Profile } from '../wire/record.ts'
import type { NodeOptions } from './options.ts'

export interface OwnProfileOptions {
  network: Pick<PeerNetwork, 'links' | 'measurePath' | 'publish' | 'hops'>
  wishes: Pick<NodeOptions, 'contextTokens' | 'sessions'>
  clock: Clock
}

export class OwnProfile {
  readonly #options: OwnProfileOptions
  readonly #links: NeighbourWatch
  #memory: MemoryWatch | null = null
  #machine: Machine | null = null
  #neighbours: NeighbourRecord[] = []

  constructor(options: OwnProfileOptions) {
    const { network, clock } = options
    this.#options = options
    this.#links = new NeighbourWatch({
      self: network.hops.self,
      clock,
      links: () => network.links(),
      measurePath: (peer) => network.measurePath(peer),
      onChange: (neighbours) => {
        this.#neighbours = neighbours
        if (this.#machine !== null) network.publish({ profile: this.#profile(this.#machine) })
      }
    })
  }

  /** Whether a link is so new that what plans count with is still to come. */
  get isSettling(): boolean {
    return this.#links.isSettling
  }

  /** Bytes of weights and KV that are claimed now; 0 before the machine was measured. */
  get claimBytes(): number {
    return (this.#machine?.memoryKiB ?? 0) * 1024
  }

  /**
   * The machine is measured: from now on its claim of memory follows what is free.
   * @param claimNow what could be claimed at this moment; null while that cannot be told.
   * @returns the profile, to be published with whatever else is new.
   */
  begin(machine: Machine, claimNow: () => number | null): Profile {
    const { network, clock } = this.#options
    this.#machine = machine
    this.#memory = new MemoryWatch({
      clock,
      claimKiB: machine.memoryKiB,
      claimNow,
      onChange: (memoryKiB) => {
        this.#machine = { ...machine, memoryKiB }
        network.publish({ profile: this.#profile(this.#machine) })
      }
    })
    return this.#profile(machine)
  }

  /** What an answer that was asked for here tells of the stages it came through. */
  note(view: View, result: GenerateResult): void {
    for (const { peer, mibps } of seenRates(view, result)) {
      if (peer !== this.#options.network.hops.self) this.#links.seen(peer, mibps)
    }
  }

  close(): void {
    this.#links.close()
    this.#memory?.close()
  }

  #profile(machine: Machine): Profile {
    const { contextTokens, sessions } = this.#options.wishes
    return {
      ...machine,
      contextTokens: contextTokens ?? 0,
      sessions: sessions ?? 0,
      neighbours: this.#neighbours
    }
  }
}
