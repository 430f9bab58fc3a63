// One run of a small swarm from a seed in which stages are lost in mid-answer, several times and at random
// messages, while others hold the same layers or come back with them. Whoever asks lives on.
//
// In a run of moves some of them leave as planned: they say so, and stay until nothing needs them.
//
// What must hold: every answer ends, with the tokens and the logits hash of one stage, none lost and none
// doubled; no pause is longer than noticing and filling take; nothing is left anywhere.

import { below, unit, type Random } from '../../src/base/random.ts'
import { REROUTE_TIMEOUT_MS, STEP_TIMEOUT_MS } from '../../src/base/limits.ts'
import { repairRoute } from '../../src/pipeline/repair-route.ts'
import { SimSwarm, TurnRun, routeOf, type SimPeer } from '../helpers/sim-swarm.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'

import type { Span } from '../../src/sharding/cover.ts'
import type { Route } from '../../src/pipeline/route.ts'
import type { Turn } from '../../src/pipeline/session-types.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { RouteStage } from '../../src/wire/session.ts'
import type { SimReport } from './sim-run.ts'
import type { Tamper } from '../helpers/sim-network.ts'

export interface RecoveryOptions {
  seed: number
  /** No loss: for the test that notices. */
  isCalm?: boolean
  /** Most of those that go say so before. */
  isMoving?: boolean
  /** Damage on the way that must not survive unnoticed. */
  tamper?: Tamper
}

const HANG_MS = REROUTE_TIMEOUT_MS + 300_000
const BACK_MS = 4_000
/** How long a peer that leaves waits for others, and how often it looks whether it is needed. */
const LEAVE_MS = 10_000
const LOOK_MS = 50
/** Positions that a planned move may leave to be computed while the reader waits, for each new stage. */
const MOVE_REFILL_MAX = 16
const PLANTED = new RegExp(
  [
    / is gone$/,
    / hands its layers on$/,
    / are not served here now/,
    /: no link to /,
    /^layers [\d, -]+ are held by no peer within reach/
  ]
    .map(({ source }) => source)
    .join('|')
)

class RecoveryRun {
  readonly swarm: SimSwarm
  readonly random: Random
  readonly problems: string[] = []
  readonly counts: Record<string, number> = {}
  readonly #isCalm: boolean
  readonly #isMoving: boolean
  readonly #leaving = new Set<PeerId>()
  /** What each peer holds, dead ones too. */
  readonly #spans: Span[] = []
  #origin: SimPeer | null = null

  constructor({ seed, isCalm = false, isMoving = false, tamper }: RecoveryOptions) {
    this.#isCalm = isCalm
    this.#isMoving = isMoving
    const stepMs = [0.3, 2, 9][seed % 3] as number
    const isSlow = seed % 5 === 0
    this.swarm = new SimSwarm({
      seed,
      model: {
        nLayers: 6 + (seed % 7),
        dim: 4 + (seed % 5),
        vocabSize: 500,
        cycle: seed % 2 === 0 ? 0 : 2 + (seed % 6)
      },
      stepMs: (nTokens, nLayers) => stepMs * (1 + nTokens / 32) * (1 + nLayers / 8),
      network: {
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
    const route = await this.#build()
    this.#plantLosses()
    const nSessions = 1 + below(random, 3)
    await Promise.all(Array.from({ length: nSessions }, () => this.#answer(route)))
    swarm.network.onDelivery = () => {}
    await swarm.clock.pass(2 * BACK_MS)
    for (const leak of swarm.leaks()) this.problems.push(`left behind: ${leak}`)
    Object.assign(this.counts, swarm.network.counts)
  }

  /**
   * Two to five stages; most of their layers are held by others too, alone or with more. In one run of four
   * they are dealt to two or three peers, of which one is as much as several stages.
   */
  async #build(): Promise<Route> {
    const { swarm, random } = this
    const { nLayers } = swarm.model
    const cuts = new Set<number>()
    const nStages = 2 + below(random, 4)
    while (cuts.size < nStages - 1) cuts.add(1 + below(random, nLayers - 1))
    const nPeers = below(random, 4) === 0 ? 2 + below(random, 2) : nStages
    const sorted = [...cuts].toSorted((a, b) => a - b)
    const { stages } = await swarm.addStages(sorted, Math.min(nPeers, nStages))
    if (nPeers < nStages) this.#count('inRounds', 1)
    this.#spans.push(...stages)
    for (const { start, end } of stages) {
      if (below(random, 4) === 0) continue
      const wider = { start: below(random, start + 1), end: end + below(random, nLayers - end + 1) }
      await this.#addHolder(below(random, 2) === 0 ? { start, end } : wider)
    }
    // The asker may hold nothing, or be a stage, which the others may not lose.
    const isStage = below(random, 3) === 0
    const peers = swarm.peers
    this.#origin = isStage ? (peers[below(random, peers.length)] as SimPeer) : await this.#asker()
    return routeOf(stages)
  }

  async #asker(): Promise<SimPeer> {
    return await this.swarm.addPeer()
  }

  async #addHolder({ start, end }: { start: number; end: number }): Promise<void> {
    const peer = await this.swarm.addPeer({ start, end })
    this.#spans.push({ peer: peer.id, start, end })
    this.#origin?.pipeline.reconsider()
  }

  /** Up to four, at random messages: a crash, a peer cut off for a while, a broken link between two. */
  #plantLosses(): void {
    if (this.#isCalm) return
    const { random, swarm } = this
    const most = this.#isMoving ? 2000 : 400
    const at = new Set(Array.from({ length: 1 + below(random, 4) }, () => 5 + below(random, most)))
    swarm.network.onDelivery = (count) => {
      if (!at.delete(count)) return
      const others = swarm.peers.filter(({ id }) => {
        const isThere = swarm.network.isAlive(id) && !this.#leaving.has(id)
        return isThere && id !== this.#origin?.id
      })
      if (others.length === 0) return
      const victim = others[below(random, others.length)] as SimPeer
      if (this.#isMoving && below(random, 4) > 0) return this.#leave(victim)
      const kind = below(random, 3)
      if (kind === 0) this.#crash(victim)
      else if (kind === 1) this.#isolate(victim, swarm.peers)
      else this.#isolate(victim, [swarm.peers[below(random, swarm.peers.length)] as SimPeer])
    }
  }

  /** Another peer comes with the same layers after a while. */
  #crash({ id }: SimPeer): void {
    this.swarm.network.crash(id)
    this.#replace(id)
  }

  /** Says so, computes for whom it has, and goes when there is nobody left or it has waited long enough. */
  #leave({ id, host }: SimPeer): void {
    const { swarm } = this
    this.#leaving.add(id)
    this.#count('left', 1)
    host.restrict([])
    this.#replace(id)
    this.#origin?.pipeline.reconsider()
    const untilMs = swarm.clock.now() + LEAVE_MS
    const look = (): void => {
      const isNeeded = host.sessions > 0 && swarm.clock.now() < untilMs
      if (isNeeded) swarm.clock.after(LOOK_MS, look)
      else if (swarm.network.isAlive(id)) swarm.network.crash(id)
    }
    swarm.clock.after(LOOK_MS, look)
  }

  #replace(id: PeerId): void {
    const { swarm, random } = this
    for (const { start, end } of this.#spans.filter(({ peer }) => peer === id)) {
      swarm.clock.after(BACK_MS * unit(random), () => void this.#addHolder({ start, end }))
    }
  }

  #isolate(victim: SimPeer, from: readonly SimPeer[]): void {
    const { network, clock } = this.swarm
    const others = from.filter(({ id }) => id !== victim.id && network.isAlive(id))
    for (const { id } of others) network.cut(victim.id, id)
    // Some come back before anybody has noticed.
    clock.after(BACK_MS * unit(this.random), () => {
      for (const { id } of others) if (network.isAlive(id)) network.heal(victim.id, id)
    })
  }

  async #answer(route: Route): Promise<void> {
    const { swarm, random } = this
    const origin = this.#origin as SimPeer
    const length = 1 + below(random, below(random, 3) === 0 ? 700 : 40)
    const turn: Turn = {
      ids: Array.from({ length }, () => below(random, swarm.model.vocabSize)),
      sampling: sampling({
        temperature: below(random, 2),
        presencePenalty: below(random, 2),
        seed: random.uint32()
      }),
      stopIds: [],
      positionEnd: length + 2 + below(random, this.#isMoving ? 300 : 60),
      speculates: below(random, 4) > 0,
      log: below(random, 2) === 0 ? null : { stops: [], isAtStart: true }
    }
    const session = origin.pipeline.createSession({
      route,
      model: swarm.sessionModel,
      kvType: 'f16',
      contextTokens: turn.positionEnd,
      repair: (old, avoided) => repairRoute(old, this.#reachable(), this.#standbys(old), avoided)
    })
    const run = new TurnRun(session, turn, swarm.clock)
    const isOver = await swarm.clock.until(() => run.isOver, HANG_MS)
    const name = session.id.slice(0, 6)
    if (!isOver) this.problems.push(`session ${name} hangs`)
    const losses = run.events.filter(({ type }) => type === 'rerouted').length
    this.#count('rerouted', losses)
    const refills = run.events.filter(
      (event) => event.type === 'rerouted' && event.refillTokens > 0
    )
    this.#count('refilled', refills.length)
    for (const [i, event] of run.events.entries()) {
      const next = run.events[i + 1]
      if (event.type !== 'rerouting' || !event.reason.endsWith('hands its layers on')) continue
      this.#count('moves', 1)
      // Unless a peer was lost just then.
      if (next?.type !== 'rerouted') continue
      this.#count('movedAtOnce', 1)
      if (next.refillTokens > MOVE_REFILL_MAX * next.stages.length)
        this.problems.push(`session ${name}: a move left ${next.refillTokens} positions`)
    }
    const most = turn.positionEnd - length
    const expected = await toyContinue(swarm.model, turn.ids, turn.sampling, most)
    // Losses are noticed within a second; a timeout means that nobody was.
    if (run.silentMs >= STEP_TIMEOUT_MS)
      this.problems.push(`session ${name} was silent for too long`)
    for (const reason of reasonsOf(run)) this.problems.push(`session ${name}: ${reason}`)
    const problem = this.#problemOf(run, expected)
    if (problem !== null) this.problems.push(`session ${name}: ${problem}`)
    void session.close()
  }

  #problemOf(run: TurnRun, expected: { ids: number[]; logitsHash: string }): string | null {
    if (run.error !== null) {
      // Before a route was open there is nothing to repair: whoever asks tries another.
      const hasOpened = run.events.some(({ type }) => type === 'opened')
      this.#count(hasOpened ? 'failed' : 'unopened', 1)
      return hasOpened ? `failed: ${String(run.error)}` : null
    }
    this.#count('finished', 1)
    if (run.ids.join() !== expected.ids.join()) return 'other tokens than one stage gives'
    return run.logitsHash === expected.logitsHash ? null : 'another logits hash'
  }

  /** What the asker sees: peers that it has not been told to be gone. */
  #reachable(): Span[] {
    const { network } = this.swarm
    const hops = network.hopsOf((this.#origin as SimPeer).id)
    return this.#spans.filter(({ peer }) => {
      try {
        const isThere = network.isAlive(peer) && !this.#leaving.has(peer)
        return isThere && hops?.to(peer) !== undefined
      } catch {
        return false
      }
    })
  }

  #standbys({ stages }: Route): RouteStage[] {
    return this.#spans.filter(({ peer }) => !stages.some((stage) => stage.peer === peer))
  }

  #count(what: string, count: number): void {
    this.counts[what] = (this.counts[what] ?? 0) + count
  }
}

export async function recoveryRun(options: RecoveryOptions): Promise<SimReport> {
  const run = new RecoveryRun(options)
  await run.perform()
  return { seed: options.seed, problems: run.problems, counts: run.counts }
}

/** Why routes were left: losses are planted here, whatever else is told is a fault. */
function reasonsOf({ events }: TurnRun): string[] {
  return events.flatMap((event) => {
    const isPlanted = event.type !== 'rerouting' || PLANTED.test(event.reason)
    return isPlanted ? [] : [event.reason]
  })
}

/** What a batch of runs must have seen to be worth anything. */
export const RECOVERY_PHENOMENA = [
  'finished',
  'inRounds',
  'rerouted',
  'refilled',
  'crashes',
  'cuts',
  'lost',
  'rightDrafts'
]

/** The same of a batch of runs of moves. */
export const MOVES_PHENOMENA = [...RECOVERY_PHENOMENA, 'left', 'moves', 'movedAtOnce']
