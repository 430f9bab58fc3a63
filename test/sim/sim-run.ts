// One whole run of a small swarm from a seed: several sessions at once over one to six stages, some of
// them cancelled, some with a second turn, a peer that dies or a link that breaks at a random message.
// Says what went wrong; the same seed goes wrong in the same way.
//
// What must hold: tokens equal those of one stage; who is not touched by a fault finishes; who is, gets
// PEER_GONE or PEER_NO_LINK within two seconds; a new route works afterwards; nothing is left anywhere.

import { SwarmError, isAbort } from '../../src/base/errors.ts'
import { below, unit, type Random } from '../../src/base/random.ts'
import { SimSwarm, TurnRun, routeOf } from '../helpers/sim-swarm.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'

import type { Route } from '../../src/pipeline/route.ts'
import type { Session } from '../../src/pipeline/session.ts'
import type { Turn } from '../../src/pipeline/session-types.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { SimPeer } from '../helpers/sim-swarm.ts'
import type { Tamper } from '../helpers/sim-network.ts'

const REPORT_MS_MAX = 2000
// Longer than every timeout of the pipeline: what is not over by then hangs.
const HANG_MS = 400_000

export interface SimOptions {
  seed: number
  /** No delay and no fault: for the test that notices. */
  isCalm?: boolean
  /** Damage on the way that the pipeline must not survive unnoticed. */
  tamper?: Tamper
}

export interface SimReport {
  seed: number
  /** Empty when all held. */
  problems: string[]
  counts: Record<string, number>
}

interface Asked {
  origin: SimPeer
  session: Session
  turn: Turn
  run: TurnRun
  startMs: number
  isCancelled: boolean
}

interface Fault {
  atMs: number
  peers: PeerId[]
  isCrash: boolean
}

class SimRun {
  readonly swarm: SimSwarm
  readonly random: Random
  readonly isCalm: boolean
  readonly asked: Asked[] = []
  readonly problems: string[] = []
  readonly counts: Record<string, number> = {}
  fault: Fault | null = null
  #toAsk = 0

  constructor({ seed, isCalm = false, tamper }: SimOptions) {
    const shape = { nLayers: 6 + (seed % 9), dim: 4 + (seed % 5), vocabSize: 500 }
    const model = { ...shape, cycle: seed % 2 === 0 ? 0 : 2 + (seed % 7) }
    const stepMs = [0.3, 2, 9][seed % 3] as number
    const isSlow = seed % 4 === 0
    this.isCalm = isCalm
    this.swarm = new SimSwarm({
      seed,
      model,
      stepMs: (nTokens, nLayers) => stepMs * (1 + nTokens / 32) * (1 + nLayers / 8),
      network: isCalm
        ? { delayMs: 0, jitterMs: 0, bytesPerMs: Infinity, detectMs: 700 }
        : {
            delayMs: isSlow ? 30 : 0.3,
            jitterMs: isSlow ? 40 : 2,
            bytesPerMs: isSlow ? 500 : 100_000,
            detectMs: 700
          }
    })
    if (tamper) this.swarm.network.tamper = tamper
    this.random = this.swarm.random
  }

  async perform(): Promise<void> {
    const { swarm, random } = this
    const route = await swarm.addStages(this.#randomCuts(1 + below(random, 6)))
    await swarm.addPeer()
    if (!this.isCalm) this.#plantFault(route)
    this.#toAsk = 1 + below(random, 5)
    for (let left = this.#toAsk; left > 0; left--) {
      swarm.clock.after(below(random, 300), () => this.#ask(route))
    }
    await this.#allOver()
    await this.#secondTurns()
    await this.#check()
    await this.#nextRoute()
    const { clock, network } = swarm
    await clock.pass(REPORT_MS_MAX)
    for (const leak of swarm.leaks()) this.problems.push(`left behind: ${leak}`)
    Object.assign(this.counts, network.counts, { asked: this.asked.length })
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  #randomCuts(nStages: number): number[] {
    const cuts = new Set<number>()
    while (cuts.size < nStages - 1) cuts.add(1 + below(this.random, this.swarm.model.nLayers - 1))
    return [...cuts].toSorted((a, b) => a - b)
  }

  /** At a random message: a crash, or a broken link between two peers. */
  #plantFault({ stages }: Route): void {
    const { swarm, random } = this
    const { network, clock } = swarm
    const kind = below(random, 10)
    const at = below(random, 20 + 30 * stages.length)
    const [a, b] = [pickPeer(swarm, random), pickPeer(swarm, random)]
    network.onDelivery = (count) => {
      if (this.fault !== null || count !== at || kind >= 8) return
      const isCrash = kind < 6
      if (isCrash) network.crash(a)
      else if (a !== b) network.cut(a, b)
      this.fault = { atMs: clock.now(), peers: isCrash ? [a] : [a, b], isCrash }
    }
  }

  #ask(route: Route): void {
    const { swarm, random } = this
    this.#toAsk--
    const living = swarm.peers.filter(({ id }) => swarm.network.isAlive(id))
    const origin = living[below(random, living.length)] as SimPeer
    const length = 1 + below(random, below(random, 3) === 0 ? 700 : 30)
    const ids = Array.from({ length }, () => below(random, swarm.model.vocabSize))
    const temperature = below(random, 2)
    const turn: Turn = {
      ids,
      sampling: sampling({ temperature, seed: random.uint32() }),
      stopIds: Array.from({ length: 8 }, () => below(random, swarm.model.vocabSize)),
      positionEnd: ids.length + 1 + below(random, 60),
      speculates: below(random, 4) > 0
    }
    const session = origin.pipeline.createSession({
      route,
      model: swarm.sessionModel,
      kvType: 'f16',
      contextTokens: turn.positionEnd + 100
    })
    const run = new TurnRun(session, turn, swarm.clock)
    const asked = { origin, session, turn, run, startMs: swarm.clock.now(), isCancelled: false }
    this.asked.push(asked)
    if (below(random, 4) > 0) return
    swarm.clock.after(unit(random) * 400, () => {
      if (run.isOver) return
      asked.isCancelled = true
      run.abort.abort()
    })
  }

  async #allOver(): Promise<void> {
    const { clock } = this.swarm
    // Whoever asked on a machine that died waits for nothing any more.
    const isOver = () =>
      this.#toAsk === 0 && this.asked.every((asked) => asked.run.isOver || !this.#hasUser(asked))
    if (!(await clock.until(isOver, HANG_MS))) this.problems.push('a session hangs')
  }

  #hasUser({ origin }: Asked): boolean {
    return this.swarm.network.isAlive(origin.id)
  }

  /** Some of those that finished go on; all others close. */
  async #secondTurns(): Promise<void> {
    const { random, swarm } = this
    const again: Asked[] = []
    for (const asked of this.asked.filter((asked) => this.#hasUser(asked))) {
      const { session, turn, run } = asked
      if (run.error === null && session.isOpen && below(random, 2) === 0) {
        await this.#check(asked)
        const keep = below(random, turn.ids.length) + 1
        const ids = [...turn.ids.slice(0, keep), ...run.ids, below(random, 500)]
        const next = {
          ...turn,
          ids,
          sampling: sampling({ seed: random.uint32() }),
          positionEnd: ids.length + 1 + below(random, 10)
        }
        this.count('second')
        again.push({
          ...asked,
          turn: next,
          startMs: swarm.clock.now(),
          run: new TurnRun(session, next, swarm.clock)
        })
      } else {
        void session.close()
      }
    }
    this.asked.push(...again)
    await this.#allOver()
    for (const { session } of again) void session.close()
  }

  async #check(only?: Asked): Promise<void> {
    for (const asked of only ? [only] : this.asked) {
      if (!this.#hasUser(asked) || !asked.run.isOver) continue
      const problem = await this.#problemOf(asked)
      const name = asked.session.id.slice(0, 6)
      if (problem !== null) this.problems.push(`session ${name}: ${problem}`)
    }
  }

  async #problemOf(asked: Asked): Promise<string | null> {
    const { turn, run, isCancelled, session } = asked
    const { model } = this.swarm
    const most = turn.positionEnd - turn.ids.length
    const expected = await toyContinue(model, turn.ids, turn.sampling, most, turn.stopIds)
    const { error } = run
    if (run.ids.some((id, i) => id !== expected.ids[i])) return 'other tokens than one stage gives'
    if (error === null) {
      this.count('finished')
      if (session.route.stages.length > 1) this.count('split')
      if (run.ids.length !== expected.ids.length) return 'ended early'
      return run.logitsHash === expected.logitsHash ? null : 'another logits hash'
    }
    if (isCancelled && isAbort(error)) {
      this.count('cancelled')
      return null
    }
    const { fault } = this
    if (!(error instanceof SwarmError) || !['PEER_GONE', 'PEER_NO_LINK'].includes(error.code)) {
      return `failed: ${String(error)}`
    }
    if (fault === null || !this.#isTouched(asked, fault)) return `without cause: ${error.message}`
    const lateMs = run.endedMs - Math.max(fault.atMs, asked.startMs)
    this.count('failed')
    return lateMs <= REPORT_MS_MAX ? null : `was told ${Math.round(lateMs)} ms after the fault`
  }

  #isTouched({ origin, session }: Asked, { peers }: Fault): boolean {
    const concerned = new Set([origin.id, ...session.route.stages.map(({ peer }) => peer)])
    return peers.every((peer) => concerned.has(peer))
  }

  /** The living share the layers anew, with a cut somewhere else, and one more question is asked. */
  async #nextRoute(): Promise<void> {
    const { swarm, random } = this
    const { network, clock } = swarm
    network.onDelivery = () => {}
    await clock.pass(REPORT_MS_MAX)
    if (this.fault !== null && !this.fault.isCrash) {
      const [a, b] = this.fault.peers as [PeerId, PeerId]
      if (a !== b) network.heal(a, b)
    }
    const living = swarm.peers.filter(({ id }) => network.isAlive(id))
    const nStages = Math.min(living.length, 1 + below(random, 6))
    const edges = [0, ...this.#randomCuts(nStages), swarm.model.nLayers]
    const stages = []
    for (const [index, peer] of living.slice(-nStages).entries()) {
      const range = { start: edges[index] as number, end: edges[index + 1] as number }
      peer.host.restrict([range])
      let isIdle = false
      void peer.host.idle().then(() => (isIdle = true))
      if (!(await clock.until(() => isIdle, REPORT_MS_MAX))) {
        this.problems.push('a peer does not get idle')
        peer.host.evict()
      }
      await peer.stage.load([range])
      peer.host.restrict(null)
      stages.push({ peer: peer.id, ...range })
    }
    const before = this.asked.length
    this.#toAsk = 1
    this.#ask(routeOf(stages))
    await this.#allOver()
    const last = this.asked[before] as Asked
    if (last.run.error !== null && !last.isCancelled) {
      this.problems.push(`the next route fails: ${String(last.run.error)}`)
    }
    await this.#check(last)
    void last.session.close()
  }
}

function pickPeer({ peers }: SimSwarm, random: Random): PeerId {
  return (peers[below(random, peers.length)] as SimPeer).id
}

export async function simRun(options: SimOptions): Promise<SimReport> {
  const run = new SimRun(options)
  await run.perform()
  return { seed: options.seed, problems: run.problems, counts: run.counts }
}

/** Adds a report's counts to totals. */
export function addCounts(totals: Record<string, number>, { counts }: SimReport): void {
  for (const [what, count] of Object.entries(counts)) totals[what] = (totals[what] ?? 0) + count
}

// What a batch of runs must have seen to be worth anything.
const PHENOMENA = [
  'finished',
  'split',
  'second',
  'cancelled',
  'failed',
  'crashes',
  'cuts',
  'lost',
  'delivered',
  'delayedMs',
  'rightDrafts'
]

/** @returns what never happened in a batch: empty for a simulation, not for an empty loop. */
export function neverHappened(totals: Record<string, number>): string[] {
  return PHENOMENA.filter((what) => !((totals[what] ?? 0) > 0))
}
