// A swarm of real processes that come and go: three stay, of which any two have room for the whole model, so
// that layers can stand by; up to two guests join, leave as a user would, or are killed. Most come back with
// the key and the logs that they had, as the machines of a home do; some are new. Nobody is pinned, so that
// every event is another plan, and layers move while answers run. Owns who is there and the memory that the
// stayers take; what is asked is churn.ts's.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { below, type Random } from '../../src/base/random.ts'
import { demoModelSpec } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { until } from './until.ts'
import type { JoinOptions, Lab, LabPeer } from './swarm-lab.ts'

export type ChurnEvent = 'join' | 'leave' | 'kill'

type Join = (name: string, options?: JoinOptions) => LabPeer

/** Of some 33 MiB that the model takes with its context: two peers hold it. */
const SHARE = ['--memory', '22MiB']
const GUESTS_MAX = 2
/** Those whose memory is measured let garbage be collected. */
const COLLECTS = { preload: new URL('collect-on-signal.js', import.meta.url) }
/** Guests of which there are so many before the first comes back. */
const MACHINES = 8
/** Of those who join then, one in so many is new. The logs of all are followed, up to LOG_AUTHORS_MAX. */
const NEW_ONE_IN = 8

export class ChurnSwarm {
  readonly model: string
  /** The first one asks. */
  readonly stayers: readonly LabPeer[]
  readonly #join: Join
  readonly #random: Random
  /** Each machine as it was there last. */
  readonly #machines: LabPeer[] = []
  #guests: LabPeer[] = []

  static async open(lab: Lab, random: Random): Promise<ChurnSwarm> {
    const model = join(lab.folder, 'churn.gguf')
    await writeSyntheticModel(model, demoModelSpec)
    const topic = lab.topic('churn')
    const bootstrap = await lab.bootstrap()
    const flags = ['--model', model, '--threads', '1', '--bootstrap', bootstrap, ...SHARE]
    const swarm = new ChurnSwarm(model, random, (name, options) =>
      lab.join(name, topic, flags, options)
    )
    await Promise.all(swarm.stayers.map((peer) => peer.event('plan')))
    await until(async () => (await swarm.origin.client.plan()).ready)
    return swarm
  }

  private constructor(model: string, random: Random, join: Join) {
    this.model = model
    this.#random = random
    this.#join = join
    this.stayers = ['origin', 'stayer', 'spare'].map((name) => join(name, COLLECTS))
  }

  get origin(): LabPeer {
    return this.stayers[0] as LabPeer
  }

  get nGuests(): number {
    return this.#guests.length
  }

  /** One peer joins, leaves or is killed; the ones that left may take their time. */
  change(): ChurnEvent {
    const random = this.#random
    this.#guests = this.#guests.filter(({ command }) => command.isRunning)
    const n = this.#guests.length
    const joins = n === 0 || (n < GUESTS_MAX && below(random, 2) === 0)
    if (joins) {
      this.#guests.push(this.#joinOne())
      return 'join'
    }
    const [guest] = this.#guests.splice(below(random, n), 1) as [LabPeer]
    const isPlanned = below(random, 2) === 0
    // What `swarm stop` does, without the start of a process.
    if (isPlanned) guest.client.stop().catch(() => guest.command.signal('SIGKILL'))
    else guest.command.signal('SIGKILL')
    return isPlanned ? 'leave' : 'kill'
  }

  #joinOne(): LabPeer {
    const nMachines = this.#machines.length
    const away = this.#machines.flatMap(({ command }, i) => (command.isRunning ? [] : [i]))
    const isFirst = nMachines < MACHINES || away.length === 0
    const isNew = isFirst || below(this.#random, NEW_ONE_IN) === 0
    const machine = isNew ? nMachines : (away[below(this.#random, away.length)] as number)
    const peer = this.#join(`guest ${machine}`)
    this.#machines[machine] = peer
    return peer
  }

  /** KiB of it that are weights, keys and values: they come and go within what --memory allows. */
  async heldKiB(): Promise<number[]> {
    const all = await Promise.all(this.stayers.map(({ client }) => client.status()))
    return all.map(({ weightBytes, kvBytes }) => Math.round((weightBytes + kvBytes) / 1024))
  }

  /** Seconds of a processor that each of those that stay has used. */
  usedSeconds(): number[] {
    return this.stayers.map(({ command }) => {
      const stat = readFileSync(`/proc/${command.child.pid}/stat`, 'utf8')
      // The name may hold spaces; user and system time are fields 14 and 15, in hundredths.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    })
  }

  /** Those that stay begin to collect their garbage. */
  collect(): void {
    for (const { command } of this.stayers) process.kill(command.child.pid as number, 'SIGUSR2')
  }

  /** KiB of memory that each of those that stay holds now, as Linux counts it. */
  residentKiB(): number[] {
    return this.stayers.map(({ command }) => {
      // Not by a process that is started for it: the reader of the answers would wait for that.
      const status = readFileSync(`/proc/${command.child.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1])
    })
  }
}
