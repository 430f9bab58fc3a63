// One run of a small swarm from a seed in which there is room for few sessions and many are asked for at
// once, by several origins, on routes that share one stage or two in either order. Some give up while they
// wait, and an origin may die.
//
// What must hold: every question is answered with the tokens of one stage, none waits for ever or is passed
// by its own origin's later ones, and nothing is left anywhere.

import { sleep } from '../../src/base/clock.ts'
import { isAbort } from '../../src/base/errors.ts'
import { below, unit, type Random } from '../../src/base/random.ts'
import { OwnLine } from '../../src/pipeline/own-line.ts'
import { RouteSearch } from '../../src/pipeline/route-search.ts'
import { openTurn } from '../../src/pipeline/turn-opening.ts'
import { SimSwarm, routeOf, type SimPeer } from '../helpers/sim-swarm.ts'
import { TOY, sampling, toyContinue } from '../helpers/toy-run.ts'

import type { Route } from '../../src/pipeline/route.ts'
import type { Session } from '../../src/pipeline/session.ts'
import type { SimReport } from './sim-run.ts'
import type { Tamper } from '../helpers/sim-network.ts'

export interface AdmissionOptions {
  seed: number
  /** Room for all: for the test that notices. */
  isRoomy?: boolean
  /** Damage on the way that must not survive unnoticed. */
  tamper?: Tamper
}

const POSITIONS = 100
/** Of a toy session on half of the layers, and what these weigh. */
const CACHE_BYTES = (TOY.nLayers / 2) * POSITIONS * 4
const WEIGHT_BYTES = (TOY.nLayers / 2) * 1000
/** All questions one after the other, each after the longest time between two tries. */
const HANG_MS = 60_000

interface Origin {
  peer: SimPeer
  line: OwnLine
  /** Questions in the order in which they were asked, and in which they were admitted. */
  asked: number
  admitted: number[]
}

class AdmissionRun {
  readonly swarm: SimSwarm
  readonly problems: string[] = []
  readonly counts: Record<string, number> = {}
  readonly #random: Random
  /** Every second time all ask at once, so that stages hear of them in different orders. */
  readonly #withinMs: number
  readonly #routes: Route[] = []
  readonly #origins: Origin[] = []

  constructor({ seed, isRoomy = false, tamper }: AdmissionOptions) {
    this.#withinMs = seed % 2 === 0 ? 300 : 3
    const nRooms = isRoomy ? 64 : 1 + (seed % 3)
    this.swarm = new SimSwarm({
      seed,
      stepMs: () => 1,
      memoryBytes: WEIGHT_BYTES + nRooms * CACHE_BYTES,
      network: { delayMs: seed % 4 === 0 ? 40 : 0.3, jitterMs: 2, bytesPerMs: 1e5, detectMs: 700 }
    })
    if (tamper) this.swarm.network.tamper = tamper
    this.#random = this.swarm.random
  }

  async perform(): Promise<void> {
    const { swarm } = this
    const random = this.#random
    await this.#build()
    const questions: Promise<void>[] = []
    const lost = below(random, 4) === 0 ? this.#origins[0] : undefined
    for (const origin of this.#origins) {
      for (let left = 2 + below(random, 5); left > 0; left--) {
        questions.push(this.#ask(origin, below(random, 5) === 0, origin === lost))
      }
    }
    if (lost) swarm.clock.after(1000 * unit(random), () => swarm.network.crash(lost.peer.id))
    await Promise.all(questions)
    await swarm.clock.pass(10_000)
    for (const leak of swarm.leaks()) this.problems.push(`left behind: ${leak}`)
  }

  /** Two peers for each half of the layers: every route shares a stage with two others. */
  async #build(): Promise<void> {
    const { swarm } = this
    const { nLayers } = swarm.model
    const [front, back] = [
      { start: 0, end: nLayers / 2 },
      { start: nLayers / 2, end: nLayers }
    ]
    const fronts = [await swarm.addPeer(front), await swarm.addPeer(front)]
    const backs = [await swarm.addPeer(back), await swarm.addPeer(back)]
    for (const { id: first } of fronts) {
      for (const { id: last } of backs) {
        this.#routes.push(
          routeOf([
            { peer: first, ...front },
            { peer: last, ...back }
          ])
        )
      }
    }
    for (let i = 0; i < 4; i++) {
      const peer = await swarm.addPeer()
      this.#origins.push({ peer, line: new OwnLine(), asked: 0, admitted: [] })
    }
  }

  async #ask(origin: Origin, givesUp: boolean, dies: boolean): Promise<void> {
    const { clock } = this.swarm
    const random = this.#random
    const route = this.#routes[below(random, this.#routes.length)] as Route
    const ids = Array.from({ length: 1 + below(random, 30) }, () => below(random, 500))
    const count = 1 + below(random, 40)
    const delayMs = this.#withinMs * unit(random)
    const patienceMs = 2000 * unit(random)
    const abort = new AbortController()
    const found: number[] = []
    let number = 0
    let isOver = false
    const follow = async () => {
      try {
        await sleep(clock, delayMs)
        number = origin.asked++
        if (givesUp) clock.after(patienceMs, () => abort.abort())
        await this.#follow({ origin, route, ids, count, number }, found, abort.signal)
      } catch (error) {
        if (!givesUp && !dies) this.problems.push(`question ${number}: ${String(error)}`)
        this.#count(isAbort(error) ? 'cancelled' : 'failed')
      }
      isOver = true
    }
    void follow()
    if (!(await clock.until(() => isOver || dies, HANG_MS))) {
      this.problems.push(`question ${number} still waits`)
      abort.abort()
    }
    if (givesUp || dies) return
    const expected = await toyContinue(TOY, ids, sampling(), count)
    if (found.join() !== expected.ids.join())
      this.problems.push('other tokens than one stage gives')
  }

  async #follow(
    question: { origin: Origin; route: Route; ids: number[]; count: number; number: number },
    found: number[],
    signal: AbortSignal
  ): Promise<void> {
    const { swarm } = this
    const { origin, route, ids, count, number } = question
    const { peer, line, admitted } = origin
    const create = (chosen: Route, ticket: number) =>
      peer.pipeline.createSession({
        route: chosen,
        model: swarm.sessionModel,
        kvType: 'f16',
        contextTokens: POSITIONS,
        ticket
      })
    const { clock, random } = swarm
    const search = new RouteSearch(() => route, clock.now())
    const positionEnd = ids.length + count
    const turn = { ids, sampling: sampling(), stopIds: [], positionEnd, speculates: false }
    const steps = async function* (session: Session) {
      for await (const event of session.run(turn, signal)) yield { event, source: session }
    }
    const opening = { search, line, create, steps, clock, random }
    let source: Session | null = null
    let hasWaited = false
    try {
      for await (const step of openTurn(opening, signal)) {
        if ('waiting' in step) {
          this.#count('queued')
          hasWaited = true
          continue
        }
        source = step.source
        if (step.event.type === 'opened') {
          if (hasWaited && admitted.some((other) => other > number)) {
            this.problems.push(`question ${number} was passed by its origin's later ones`)
          }
          if (hasWaited) admitted.push(number)
        }
        if (step.event.type === 'token') found.push(step.event.id)
      }
      this.#count('answered')
    } finally {
      void source?.close()
    }
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }
}

export async function admissionRun(options: AdmissionOptions): Promise<SimReport> {
  const run = new AdmissionRun(options)
  await run.perform()
  return { seed: options.seed, problems: run.problems, counts: run.counts }
}
