// One run of a small swarm from a seed in which one peer lies once, or none does, while an answer is
// verified. What must hold where all is verified: the answer has the tokens and the logits hash of one
// honest stage; whoever is named for certain is the liar; without a liar nobody is named. Nothing is left.

import { below, type Random } from '../../src/base/random.ts'
import { repairRoute } from '../../src/pipeline/repair-route.ts'
import { TextGenerator } from '../../src/pipeline/text-generator.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'
import { SimSwarm, routeOf, type SimPeer } from '../helpers/sim-swarm.ts'
import { toyTokenizer } from '../helpers/toy-tokenizer.ts'

import type { Span } from '../../src/sharding/cover.ts'
import type { GenerateEvent, GenerateResult } from '../../src/wire/generation.ts'
import type { SimReport } from './sim-run.ts'

/** A bit of an activation, a token with everything else right, or either on a machine that only checks. */
export type Lie = 'none' | 'bit' | 'token' | 'checker'

export interface AuditOptions {
  seed: number
  lie: Lie
  verify: number
  /** Holders of each stage's layers beside the stage itself. */
  spares?: number
}

/** Makes a peer lie once, in its `step`-th step that can; later ones are honest. @returns whether it did. */
export function makeLiar({ stage }: SimPeer, what: 'bit' | 'token', step: number, random: Random) {
  const honest = stage.stepTogether.bind(stage)
  let left = step
  const told = { isOver: false }
  stage.stepTogether = async (parts) => {
    const outcomes = await honest(parts)
    for (const [index, { request }] of parts.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined || 'error' in outcome) continue
      const { token } = outcome.result
      if (what === 'token' && token !== null && left-- === 0) {
        token.id = (token.id + 1) % stage.vocabSize
        told.isOver = true
      }
      if (what === 'bit' && request.output && left-- === 0) {
        const at = below(random, request.output.byteLength)
        request.output[at] = (request.output[at] as number) ^ 1
        told.isOver = true
      }
    }
    return outcomes
  }
  return told
}

export async function auditRun({
  seed,
  lie,
  verify,
  spares = 2
}: AuditOptions): Promise<SimReport> {
  const problems: string[] = []
  const counts: Record<string, number> = {}
  const model = { nLayers: 6 + (seed % 5), dim: 6, vocabSize: 300 }
  const swarm = new SimSwarm({ seed, model, stepMs: (nTokens) => 1 + nTokens / 64 })
  const { random, clock } = swarm
  const nStages = 2 + below(random, 3)
  const cuts = new Set<number>()
  while (cuts.size < nStages - 1) cuts.add(1 + below(random, model.nLayers - 1))
  const { stages } = await swarm.addStages([...cuts].toSorted((a, b) => a - b))
  const spans: Span[] = [...stages]
  for (const { start, end } of stages) {
    for (let i = 0; i < spares; i++) {
      const { id } = await swarm.addPeer({ start, end })
      spans.push({ peer: id, start, end })
    }
  }
  const asker = await swarm.addPeer(null)
  const isChecker = lie === 'checker'
  const what = lie === 'token' || (isChecker && below(random, 2) === 0) ? 'token' : 'bit'
  const able = what === 'token' ? stages.slice(-1) : stages.slice(0, -1)
  const place = able[below(random, able.length)] as Span
  const holders = spans.filter(({ start }) => start === place.start)
  const liar = swarm.peers.find(({ id }) => id === holders[isChecker ? 1 : 0]?.peer) as SimPeer
  const told = lie === 'none' ? null : makeLiar(liar, what, below(random, 12), random)

  const generator = new TextGenerator({
    pipeline: asker.pipeline,
    model: swarm.sessionModel,
    tokenizer: toyTokenizer,
    template: null,
    sampling: {},
    contextTokens: 200,
    findRoute: () => routeOf(stages),
    repair: (route, avoided) => repairRoute(route, spans, [], avoided),
    spans: () => spans,
    clock,
    random
  })
  const choose = sampling({ seed: random.uint32(), presencePenalty: below(random, 2) })
  const request = { sampling: choose, stop: [], kvType: 'f16', verify, maxTokens: 24 } as const
  const events: GenerateEvent[] = []
  const outcome: { result?: GenerateResult; error?: unknown; isOver?: boolean } = {}
  const follow = async () => {
    try {
      const asked = { ...request, stop: [], prompt: 'Once upon a time' }
      for await (const event of generator.generate(asked, new AbortController().signal)) {
        events.push(event)
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
  if (result !== undefined) {
    const expected = await toyContinue(model, result.promptIds, choose, 24, [
      ...toyTokenizer.stopIds
    ])
    const isRight = result.ids.join() === expected.ids.join()
    if ((verify === 1 || lie === 'none') && !isRight)
      problems.push('other tokens than one stage gives')
    const isSameHash = result.logitsHash === expected.logitsHash
    if ((verify === 1 || lie === 'none') && !isSameHash) problems.push('another logits hash')
    counts['finished'] = 1
    counts['checked'] = result.audit?.checkedTokens ?? 0
    if (verify === 1 && counts['checked'] !== result.ids.length)
      problems.push('a token was not checked')
    if (!isRight) counts['wrong'] = 1
  }
  for (const { guilty, isCertain, text } of audits) {
    if (guilty.length === 0) {
      problems.push(text)
      continue
    }
    counts[isCertain ? 'named' : 'suspected'] = 1
    if (told?.isOver !== true || !guilty.includes(liar.id)) problems.push(`blames others: ${text}`)
    if (isCertain && guilty.length !== 1) problems.push(`is certain of several: ${text}`)
  }
  if (told?.isOver) counts['lied'] = 1
  await clock.pass(5_000)
  for (const leak of swarm.leaks()) problems.push(`left behind: ${leak}`)
  return { seed, problems, counts }
}
