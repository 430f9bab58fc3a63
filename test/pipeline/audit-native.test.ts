// Verification on the native engine: peers with different kernel tables compute every token twice; one of
// them flips one bit of one activation, by a wrapper around its stage that only this test has.

import test, { type Test } from 'brittle'

import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { AuditTally } from '../../src/pipeline/audit-tally.ts'
import { Auditor } from '../../src/pipeline/auditor.ts'
import { LocalNetwork } from '../../src/pipeline/local-hops.ts'
import { Pipeline } from '../../src/pipeline/pipeline.ts'
import { repairRoute } from '../../src/pipeline/repair-route.ts'
import { StageHost } from '../../src/pipeline/stage-host.ts'
import { peerIdOf } from '../../src/wire/ids.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel } from '../helpers/stage-model.ts'
import { routeOf } from '../helpers/sim-swarm.ts'

import type { StepPart } from '../../src/compute/stage.ts'
import type { SessionShape } from '../../src/pipeline/audited-turn.ts'
import type { Span } from '../../src/sharding/cover.ts'

const MODEL_ID = 'dd'.repeat(32)
const PROMPT = [7, 301, 44, 5, 912, 63]
const ANSWER_TOKENS = 24
const HOLDERS = 3

/** The first holders answer, the second check, the third decide. @param bitOf a step of the first stage. */
async function answerWith(t: Test, bitOf: number | null) {
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  const tables = loadKernels().available.filter((name) => name !== 'scalar')
  const network = new LocalNetwork()
  const { nLayers, dim, vocabSize } = model.hyper
  const spans: Span[] = []
  for (let i = 0; i < 2 * HOLDERS; i++) {
    const range = i % 2 === 0 ? { start: 0, end: 2 } : { start: 2, end: nLayers }
    const stage = new NativeStage(model, 1, tables[i % tables.length])
    await stage.load([range])
    const peer = peerIdOf(new Uint8Array(32).fill(i + 1))
    if (i === 0 && bitOf !== null) flipOneBit(stage, bitOf)
    const hops = network.join(peer)
    const shared = { hops, clock: systemClock }
    const served = { stage, modelId: MODEL_ID, arithmeticVersion: 1, memoryBytes: 2 ** 30 }
    const host = new StageHost({ ...shared, ...served, log: silentLog })
    new Pipeline({ ...shared, random: seededRandom(i) }).serve(host)
    t.teardown(async () => {
      await host.close()
      await stage.close()
    })
    spans.push({ peer, ...range })
  }
  const hops = network.join(peerIdOf(new Uint8Array(32).fill(99)))
  const pipeline = new Pipeline({ hops, clock: systemClock, random: seededRandom(50) })
  t.teardown(() => pipeline.close(), { order: -1 })
  const auditor = new Auditor({
    self: pipeline.self,
    random: seededRandom(51),
    spans: () => spans,
    findRoute: () => routeOf(spans.slice(0, 2)),
    repair: (route, avoided) => repairRoute(route, spans, [], avoided)
  })
  const positionEnd = PROMPT.length + ANSWER_TOKENS
  const open = (shape: SessionShape) =>
    pipeline.createSession({
      ...shape,
      model: { id: MODEL_ID, arithmeticVersion: 1, dim, vocabSize },
      kvType: 'f16',
      contextTokens: positionEnd,
      isAudited: true
    })
  const turn = { ids: PROMPT, sampling: GREEDY, stopIds: [], positionEnd }
  const { findRoute, repair } = auditor.ways()
  const session = open({ route: findRoute(), ...(repair && { repair }) })
  const steps = auditor.run(session, turn, 1, open, new AbortController().signal)
  const tally = new AuditTally()
  const answer = {
    ids: [] as number[],
    logitsHash: '',
    audits: [] as string[],
    first: spans[0]?.peer
  }
  for await (const step of steps) {
    if ('audit' in step) {
      tally.note(step.audit)
      if (step.audit.isCertain) answer.audits.push(...step.audit.guilty)
      continue
    }
    if (step.isChecked) tally.count()
    if (step.event.type === 'token') {
      answer.ids.push(step.event.id)
      answer.logitsHash = step.event.logitsHash
    }
  }
  const later = auditor.ways().findRoute()
  const mayServe = [session.route, later].map((route) => auditor.mayServe(route))
  return { ...answer, ...tally.result, mayServe }
}

/** One bit of the last row that the stage gives on in its `step`-th step. */
function flipOneBit(stage: NativeStage, step: number): void {
  const honest = stage.stepTogether.bind(stage)
  let left = step
  stage.stepTogether = async (parts: StepPart[]) => {
    const outcomes = await honest(parts)
    const output = parts[0]?.request.output
    if (output && left-- === 0) {
      // The exponent's lowest bit: the value doubles or halves, and no rounding hides it.
      const at = output.byteLength - 2
      output[at] = (output[at] as number) ^ 0x80
    }
    return outcomes
  }
}

test('audit native - one flipped bit is caught, and the answer is that of honest peers', async (t) => {
  const honest = await answerWith(t, null)
  t.is(honest.ids.length, ANSWER_TOKENS)
  t.is(honest.checkedTokens, ANSWER_TOKENS)
  t.alike(honest.excluded, [])
  t.alike(honest.mayServe, [true, true])
  for (const step of [0, 9]) {
    const answer = await answerWith(t, step)
    t.alike(answer.audits, [answer.first], `step ${step}`)
    t.alike(answer.mayServe, [false, true], 'later answers go another way')
    t.alike(answer.ids, honest.ids)
    t.is(answer.logitsHash, honest.logitsHash)
  }
})
