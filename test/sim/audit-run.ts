// One run of a small swarm from a seed in which one peer lies once, or none does, while an answer is
// verified, with drafts in half of the runs, and maybe a peer that crashes. What must hold where all is
// verified: what is shown are the tokens of one honest stage, and so is the logits hash at the end; whoever
// is named for certain is the liar; without a liar nobody is named. Nothing is left behind.

import { below, type Random } from '../../src/base/random.ts'
import { repairRoute } from '../../src/pipeline/repair-route.ts'
import { TextGenerator } from '../../src/pipeline/text-generator.ts'
import { BODIES } from '../../src/wire/session-messages.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'
import { SimSwarm, routeOf, type SimPeer } from '../helpers/sim-swarm.ts'
import { toyTokenizer } from '../helpers/toy-tokenizer.ts'

import type { Span } from '../../src/sharding/cover.ts'
import type { GenerateEvent, GenerateResult } from '../../src/wire/generation.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { Tamper } from '../helpers/sim-network.ts'
import type { SimReport } from './sim-run.ts'

/**
 * A bit of an activation, a token with everything else right, or either on a machine that only checks; a bit
 * by one that will not say what it computed; or a bit of every activation, by every peer.
 */
export type Lie = 'none' | 'bit' | 'token' | 'checker' | 'silent' | 'all'

export interface AuditOptions {
  seed: number
  lie: Lie
  verify: number
  /** Holders of each stage's layers beside the stage itself. */
  spares?: number
  /** Two peers answer and four may check, each with several ranges of layers; else a peer per range. */
  isRepeated?: boolean
  /** A peer of the answer's route, not the liar, crashes at a random message. */
  crashes?: boolean
  /** Whoever asked reads so many events and leaves. */
  leavesAfter?: number
}

const PROMPT = 'Once upon a time'

/**
 * Makes a peer lie once, or so many times, from its `step`-th step on that can; others are honest. The row or
 * token is one that no draft decides, so that the lie is never lost with a wrong guess.
 * @returns whether it did.
 */
export function makeLiar(
  { stage }: SimPeer,
  what: 'bit' | 'token',
  step: number,
  random: Random,
  times = 1
) {
  const honest = stage.stepTogether.bind(stage)
  const told = { isOver: false }
  let able = 0
  const isDue = () => able++ >= step && able <= step + times
  stage.stepTogether = async (parts) => {
    const outcomes = await honest(parts)
    for (const [index, { request }] of parts.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined || 'error' in outcome) continue
      const [token] = outcome.result.tokens
      if (what === 'token' && token !== undefined && isDue()) {
        token.id = (token.id + 1) % stage.vocabSize
        told.isOver = true
      }
      const { output, nTokens } = request
      if (what === 'bit' && output && isDue()) {
        const at = below(random, output.byteLength / nTokens)
        output[at] = (output[at] as number) ^ 1
        told.isOver = true
      }
    }
    return outcomes
  }
  return told
}

export async function auditRun(options: AuditOptions): Promise<SimReport> {
  const { seed, lie, verify, crashes = false, leavesAfter } = options
  const problems: string[] = []
  const counts: Record<string, number> = {}
  const cycle = seed % 2 === 0 ? 0 : 2 + (seed % 5)
  const model = { nLayers: 6 + (seed % 5), dim: 6, vocabSize: 300, cycle }
  const swarm = new SimSwarm({ seed, model, stepMs: (nTokens) => 1 + nTokens / 64 })
  const { random, clock } = swarm
  const { stages, spans } = await peersOf(swarm, options)
  const asker = await swarm.addPeer()
  const isChecker = lie === 'checker'
  const what = lie === 'token' || (isChecker && below(random, 2) === 0) ? 'token' : 'bit'
  const able = what === 'token' ? stages.slice(-1) : stages.slice(0, -1)
  const place = able[below(random, able.length)] as Span
  const others = spans.filter(({ peer }) => !stages.some((stage) => stage.peer === peer))
  const checker = others.find(({ start, end }) => start === place.start && end === place.end)
  const liarId = (isChecker ? checker?.peer : place.peer) as PeerId
  const liar = swarm.peers.find(({ id }) => id === liarId) as SimPeer
  const told =
    lie === 'none' || lie === 'all' ? null : makeLiar(liar, what, below(random, 12), random)
  if (lie === 'silent') swarm.network.tamper = keepSilent(liarId)
  if (lie === 'all') for (const peer of swarm.peers) makeLiar(peer, 'bit', 0, random, Infinity)
  const drafts = countDrafts(swarm)
  if (crashes) plantCrash(swarm, stages, liarId)

  const living = () => spans.filter(({ peer }) => swarm.network.isAlive(peer))
  const generator = new TextGenerator({
    pipeline: asker.pipeline,
    model: swarm.sessionModel,
    tokenizer: toyTokenizer,
    template: null,
    sampling: {},
    contextTokens: 200,
    findRoute: () => routeOf(stages),
    repair: (route, avoided) => repairRoute(route, living(), [], avoided),
    spans: living,
    clock,
    random
  })
  const choose = sampling({ seed: random.uint32(), presencePenalty: below(random, 2) })
  const request = { sampling: choose, stop: [], kvType: 'f16', verify, maxTokens: 24 } as const
  const events: GenerateEvent[] = []
  const outcome: { result?: GenerateResult; error?: unknown; isOver?: boolean } = {}
  const follow = async () => {
    try {
      const asked = { ...request, stop: [], prompt: PROMPT }
      for await (const event of generator.generate(asked, new AbortController().signal)) {
        events.push(event)
        if (events.length === leavesAfter) break
        if (event.type === 'done') outcome.result = event.result
      }
    } catch (error) {
      outcome.error = error
    }
    outcome.isOver = true
  }
  void follow()
  if (!(await clock.until(() => outcome.isOver === true, 300_000))) problems.push('hangs')
  const { result, error } = outcome
  if (error !== undefined) problems.push(`failed: ${String(error)}`)
  const audits = events.flatMap((event) => (event.type === 'audit' ? [event] : []))
  const shown = events.flatMap((event) => (event.type === 'text' ? event.ids : []))
  const promptIds = [...toyTokenizer.encode(PROMPT, { special: true, bos: true })]
  const expected = await toyContinue(model, promptIds, choose, 24, [...toyTokenizer.stopIds])
  const isRight = shown.join() === expected.ids.slice(0, shown.length).join()
  if ((verify === 1 || lie === 'none') && !isRight) {
    problems.push('other tokens than one stage gives')
  }
  if (result !== undefined) {
    const isSameHash = result.logitsHash === expected.logitsHash
    if ((verify === 1 || lie === 'none') && !isSameHash) problems.push('another logits hash')
    counts['finished'] = 1
    counts['checked'] = result.audit?.checkedTokens ?? 0
    if (verify === 1 && counts['checked'] !== result.ids.length) {
      problems.push('a token was not checked')
    }
    if (!isRight) counts['wrong'] = 1
  }
  for (const { guilty, isCertain, text } of audits) {
    if (guilty.length === 0) {
      problems.push(text)
      continue
    }
    counts[isCertain ? 'named' : 'suspected'] = 1
    // Who is gone cannot say what it computed.
    const isExcused = crashes && !isCertain
    const isFair = lie === 'all' || (told?.isOver === true && guilty.includes(liar.id))
    if (!isFair && !isExcused) problems.push(`blames others: ${text}`)
    if (isCertain && guilty.length !== 1) problems.push(`is certain of several: ${text}`)
  }
  if (told?.isOver) counts['lied'] = 1
  counts['drafts'] = drafts.steps
  counts['crashes'] = swarm.network.counts.crashes
  await clock.pass(5_000)
  for (const leak of swarm.leaks()) problems.push(`left behind: ${leak}`)
  return { seed, problems, counts }
}

/** Who answers, and all that peers hold, those that may check included. */
async function peersOf(swarm: SimSwarm, { spares = 2, isRepeated = false }: AuditOptions) {
  const { random, model } = swarm
  const nStages = 2 + below(random, 3)
  const cuts = new Set<number>()
  while (cuts.size < nStages - 1) cuts.add(1 + below(random, model.nLayers - 1))
  const edges = [...cuts].toSorted((a, b) => a - b)
  if (!isRepeated) {
    const { stages } = await swarm.addStages(edges)
    const spans: Span[] = [...stages]
    for (const { start, end } of stages) {
      for (let i = 0; i < spares; i++) {
        const { id } = await swarm.addPeer({ start, end })
        spans.push({ peer: id, start, end })
      }
    }
    return { stages, spans }
  }
  const whole = { start: 0, end: model.nLayers }
  const ids: PeerId[] = []
  for (let i = 0; i < 6; i++) ids.push((await swarm.addPeer(whole)).id)
  const ranges = [0, ...edges].map((start, index) => {
    return { start, end: edges[index] ?? model.nLayers }
  })
  const stages = ranges.map((range, index) => ({ peer: ids[index % 2] as PeerId, ...range }))
  const others = ranges.flatMap((range, index) => {
    return [2, 4].map((first) => ({ peer: ids[first + (index % 2)] as PeerId, ...range }))
  })
  return { stages, spans: [...stages, ...others] as Span[] }
}

/** Steps with guessed positions, of all peers together. */
function countDrafts({ peers }: SimSwarm): { steps: number } {
  const counted = { steps: 0 }
  for (const { stage } of peers) {
    const step = stage.stepTogether.bind(stage)
    stage.stepTogether = async (parts) => {
      if (parts.some(({ request }) => request.draft)) counted.steps++
      return step(parts)
    }
  }
  return counted
}

function plantCrash({ network, random }: SimSwarm, stages: readonly Span[], spared: PeerId): void {
  const able = stages.filter(({ peer }) => peer !== spared)
  const victim = able[below(random, able.length)]
  const at = 20 + below(random, 200)
  network.onDelivery = (count) => {
    if (count === at && victim !== undefined) network.crash(victim.peer)
  }
}

/** Drops what it would say of what it computed. */
function keepSilent(peer: PeerId): Tamper {
  const { number } = BODIES.audited
  return (frame, from) => (from === peer && frame[0] === number ? [] : [frame])
}
