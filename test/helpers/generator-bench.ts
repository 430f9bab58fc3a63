// A text generator over a simulated swarm with a toy tokenizer and template.

import { TextGenerator } from '../../src/pipeline/text-generator.ts'
import { SimSwarm } from './sim-swarm.ts'
import { sampling } from './toy-run.ts'
import { toyTokenizer } from './toy-tokenizer.ts'

import type { Sampling } from '../../src/wire/session.ts'
import type { GenerateEvent, GenerateRequest, GenerateResult } from '../../src/wire/generation.ts'

const template = {
  render: (messages: { role: string; content: string }[]) =>
    `${messages.map(({ role, content }) => `${role}:${content}<end>`).join('')}assistant:`
}

/** `recommended`: what the model file says of how its tokens are drawn. */
export async function setUp({
  cuts = [6],
  contextTokens = 200,
  stepMs = 2,
  memoryBytes = 10_000_000,
  recommended = {} as Partial<Sampling>
} = {}) {
  const swarm = new SimSwarm({ seed: 3, stepMs: () => stepMs, memoryBytes })
  const route = await swarm.addStages(cuts)
  const asker = await swarm.addPeer()
  const bench = { swarm, route, asker, findRoute: () => bench.route }
  const generator = new TextGenerator({
    pipeline: asker.pipeline,
    model: swarm.sessionModel,
    tokenizer: toyTokenizer,
    template,
    sampling: recommended,
    contextTokens,
    findRoute: () => bench.findRoute(),
    clock: swarm.clock,
    random: swarm.random
  })
  return { ...bench, bench, generator }
}

export function request(changes: Partial<GenerateRequest> = {}): GenerateRequest {
  const { seed: _, ...others } = sampling()
  return {
    prompt: 'Once',
    maxTokens: 20,
    sampling: { ...others, seed: 1 },
    stop: [],
    kvType: 'f16',
    ...changes
  }
}

export interface Ran {
  events: GenerateEvent[]
  result: GenerateResult
  error: unknown
}

export type Bench = Awaited<ReturnType<typeof setUp>>

export async function run(
  { generator, swarm }: Bench,
  asked: GenerateRequest,
  onEvent: (event: GenerateEvent, abort: AbortController) => unknown = () => {}
): Promise<Ran> {
  const ran: Partial<Ran> = {}
  const events: GenerateEvent[] = []
  const abort = new AbortController()
  let isOver = false
  const follow = async () => {
    try {
      for await (const event of generator.generate(asked, abort.signal)) {
        events.push(event)
        if (event.type === 'done') ran.result = event.result
        if (onEvent(event, abort) === 'leave') break
      }
    } catch (error) {
      ran.error = error
    }
    isOver = true
  }
  void follow()
  await swarm.clock.until(() => isOver)
  return { ...ran, events } as Ran
}

export function textOf(events: GenerateEvent[]): string {
  return events.map((event) => (event.type === 'text' ? event.text : '')).join('')
}

export const PROMPT_IDS = [256, ...Buffer.from('Once')]
