// One run of a small swarm from a seed in which whoever asked is lost at a random message: it crashes, or is
// cut off and comes back later; sometimes a stage goes with it, sometimes two others attach at the same time.
//
// What must hold: somebody finishes the answer, with the tokens and the logits hash of one stage; nobody
// finishes it with others; whoever does not is told why; nothing is left anywhere.

import { SwarmError } from '../../src/base/errors.ts'
import { ORPHAN_MS } from '../../src/base/limits.ts'
import { below, unit, type Random } from '../../src/base/random.ts'
import { repairRoute } from '../../src/pipeline/repair-route.ts'
import { TextGenerator } from '../../src/pipeline/text-generator.ts'
import { BODIES } from '../../src/wire/session-messages.ts'
import { SimSwarm, routeOf, type SimPeer } from '../helpers/sim-swarm.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'
import { toyTokenizer } from '../helpers/toy-tokenizer.ts'

import type { Span } from '../../src/sharding/cover.ts'
import type { Route } from '../../src/pipeline/route.ts'
import type { GenerateEvent, GenerateRequest } from '../../src/wire/generation.ts'
import type { PeerId, SessionId } from '../../src/wire/ids.ts'
import type { RouteStage } from '../../src/wire/session.ts'
import type { SimReport } from './sim-run.ts'

export interface AttachOptions {
  seed: number
  /** Nobody is lost: for the test that notices. */
  isCalm?: boolean
  /** Damage for the test that notices: whoever attaches is told another id. */
  isForged?: boolean
}

const PROMPT_CHARS_MAX = 300
/** Number of the message that carries a log to whoever attaches. */
const RECALLED = BODIES.recalled.number
const LOOK_MS = 300
/** Longer than noticing, attaching and repairing take; after it nobody will. */
const LOOKS_MS = 60_000
const HANG_MS = 400_000
const BACK_MS = 6_000
/** What a member is told that comes too late, or beside another. */
const LATE_CODES = new Set(['PEER_REFUSED', 'PEER_BUSY', 'STAGE_UNKNOWN_SESSION'])

interface Told {
  events: GenerateEvent[]
  ids: number[]
  logitsHash: string
  error: unknown
  isOver: boolean
}

class AttachRun {
  readonly swarm: SimSwarm
  readonly random: Random
  readonly problems: string[] = []
  readonly counts: Record<string, number> = {}
  readonly #options: AttachOptions
  readonly #spans: Span[] = []
  #route: Route = routeOf([])

  constructor(options: AttachOptions) {
    const { seed } = options
    this.#options = options
    const stepMs = [0.3, 2, 9][seed % 3] as number
    this.swarm = new SimSwarm({
      seed,
      model: { nLayers: 6 + (seed % 7), dim: 4 + (seed % 5), vocabSize: 500 },
      stepMs: (nTokens, nLayers) => stepMs * (1 + nTokens / 32) * (1 + nLayers / 8),
      network: { delayMs: 0.3, jitterMs: 2, bytesPerMs: 100_000, detectMs: 700 }
    })
    this.random = this.swarm.random
  }

  async perform(): Promise<void> {
    const { swarm, random } = this
    await this.#build()
    const isStage = below(random, 2) === 0
    const origin = isStage ? (swarm.peers[0] as SimPeer) : await swarm.addPeer()
    const others = [await swarm.addPeer(), await swarm.addPeer()]
    const request = this.#request()
    const asked = this.#generator(origin).generate(request, new AbortController().signal)
    const first = this.#follow(asked)
    const losing = this.#plantLoss(origin)
    await swarm.clock.until(() => first.isOver || losing.isDone, HANG_MS)
    const attachers = below(random, 3) === 0 ? others : others.slice(0, 1)
    const found = losing.isDone ? attachers.map((peer) => this.#attach(peer)) : []
    await swarm.clock.until(() => found.every(({ isOver }) => isOver), HANG_MS)
    await this.#judge(request, first, found, swarm.network.isAlive(origin.id))
    swarm.network.onDelivery = () => {}
    await swarm.clock.pass(1.5 * ORPHAN_MS)
    for (const leak of swarm.leaks()) this.problems.push(`left behind: ${leak}`)
    Object.assign(this.counts, swarm.network.counts)
  }

  /** Two to four stages; another peer holds the layers of each. */
  async #build(): Promise<void> {
    const { swarm, random } = this
    const { nLayers } = swarm.model
    const cuts = new Set<number>()
    const nStages = 2 + below(random, 3)
    while (cuts.size < nStages - 1) cuts.add(1 + below(random, nLayers - 1))
    this.#route = await swarm.addStages([...cuts].toSorted((a, b) => a - b))
    this.#spans.push(...this.#route.stages)
    for (const { start, end } of this.#route.stages) {
      const { id } = await swarm.addPeer({ start, end })
      this.#spans.push({ peer: id, start, end })
    }
  }

  #request(): GenerateRequest {
    const { random } = this
    const length = 1 + below(random, PROMPT_CHARS_MAX)
    const { seed: _, ...others } = sampling()
    return {
      prompt: Array.from({ length }, () => String.fromCodePoint(32 + below(random, 90))).join(''),
      maxTokens: 10 + below(random, 60),
      sampling: {
        ...others,
        temperature: below(random, 2),
        presencePenalty: below(random, 2),
        seed: random.uint32()
      },
      stop: below(random, 4) === 0 ? ['e', 'ĳ'] : [],
      kvType: 'f16'
    }
  }

  #generator(peer: SimPeer): TextGenerator {
    const { swarm } = this
    const all = () => swarm.peers.filter(({ id }) => this.#reaches(peer.id, id))
    return new TextGenerator({
      pipeline: peer.pipeline,
      model: swarm.sessionModel,
      tokenizer: toyTokenizer,
      template: null,
      sampling: {},
      contextTokens: 2000,
      findRoute: () => this.#route,
      repair: (route, avoided) => {
        const spans = this.#spans.filter(({ peer: holder }) => this.#reaches(peer.id, holder))
        return repairRoute(route, spans, [], avoided)
      },
      members: () => all().map(({ id }) => id),
      clock: swarm.clock,
      random: swarm.random
    })
  }

  /** What the peer sees: others that it has not been told to be gone. */
  #reaches(from: PeerId, to: PeerId): boolean {
    try {
      return this.swarm.network.hopsOf(from)?.to(to) !== undefined
    } catch {
      return false
    }
  }

  #follow(stream: AsyncIterable<GenerateEvent>): Told {
    const told: Told = { events: [], ids: [], logitsHash: '', error: null, isOver: false }
    const follow = async () => {
      try {
        for await (const event of stream) {
          told.events.push(event)
          if (event.type === 'text') told.ids.push(...event.ids)
          if (event.type === 'done') told.logitsHash = event.result.logitsHash
        }
      } catch (error) {
        told.error = error
      }
      told.isOver = true
    }
    void follow()
    return told
  }

  #plantLoss(origin: SimPeer): { isDone: boolean } {
    const losing = { isDone: false }
    if (this.#options.isCalm) return losing
    const { random, swarm } = this
    const { network } = swarm
    const at = below(random, 160)
    network.onDelivery = (count) => {
      if (count < at || losing.isDone) return
      losing.isDone = true
      if (below(random, 3) > 0) network.crash(origin.id)
      else this.#isolate(origin)
      if (below(random, 3) > 0) return
      const stages = this.#route.stages.filter(({ peer }) => peer !== origin.id)
      // What nobody has left is lost.
      if (stages.length < 2) return
      this.#count('stages lost', 1)
      network.crash((stages[below(random, stages.length)] as RouteStage).peer)
    }
    return losing
  }

  /** It lives, hears nobody, and is back after a while: before anybody has noticed, or long after. */
  #isolate(origin: SimPeer): void {
    const { network, clock, peers } = this.swarm
    const others = peers.filter(({ id }) => id !== origin.id && network.isAlive(id))
    for (const { id } of others) network.cut(origin.id, id)
    this.#count('isolated', 1)
    clock.after(BACK_MS * unit(this.random), () => {
      for (const { id } of others) if (network.isAlive(id)) network.heal(origin.id, id)
    })
  }

  /** As a person would: looks for the only orphan, and takes it. */
  #attach(peer: SimPeer): Told {
    return this.#follow(this.#look(peer))
  }

  async *#look(peer: SimPeer): AsyncGenerator<GenerateEvent, void> {
    const { clock } = this.swarm
    const generator = this.#generator(peer)
    const untilMs = clock.now() + LOOKS_MS
    while (clock.now() < untilMs) {
      const members = this.swarm.peers.filter(({ id }) => this.#reaches(peer.id, id))
      const seen = await peer.pipeline.inquiries.list(members.map(({ id }) => id))
      const orphan = seen.find(({ state }) => state === 'orphan')
      if (orphan !== undefined) return yield* this.#attachTo(generator, orphan.session)
      await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve))
    }
    throw new SwarmError('STAGE_UNKNOWN_SESSION', 'no orphan')
  }

  async *#attachTo(generator: TextGenerator, id: SessionId): AsyncGenerator<GenerateEvent, void> {
    this.#count('attached', 1)
    if (this.#options.isForged) this.#forge()
    yield* generator.attach(id, new AbortController().signal)
  }

  /** From now on the last id of every log is another one. */
  #forge(): void {
    this.swarm.network.tamper = (frame) => {
      if (frame[0] !== RECALLED) return [frame]
      const forged = frame.slice()
      const at = forged.byteLength - 4
      forged[at] = (forged[at] as number) ^ 1
      return [forged]
    }
  }

  async #judge(
    request: GenerateRequest,
    first: Told,
    found: Told[],
    isBack: boolean
  ): Promise<void> {
    const { swarm } = this
    if (isBack) await swarm.clock.until(() => first.isOver, HANG_MS)
    if (isBack && !first.isOver) this.problems.push('the origin hangs')
    if (found.some(({ isOver }) => !isOver)) this.problems.push('an attachment hangs')
    const expected = await this.#expected(request)
    const all = [first, ...found]
    const finished = all.filter(({ logitsHash }) => logitsHash !== '')
    this.#count('finished', finished.length)
    this.#count('taken over', found.filter(({ logitsHash }) => logitsHash !== '').length)
    for (const { ids, logitsHash } of finished) {
      if (ids.join() !== expected.ids.join())
        this.problems.push('other tokens than one stage gives')
      else if (logitsHash !== expected.logitsHash) this.problems.push('another logits hash')
    }
    const hasBegun = first.events.some(({ type }) => type === 'text' || type === 'prefill')
    if (finished.length === 0) {
      if (hasBegun)
        this.problems.push(`lost: ${found.map(({ error }) => String(error)).join('; ')}`)
      else this.#count('unbegun', 1)
    }
    for (const { error } of found) {
      if (error === null) continue
      this.#count('refused', 1)
      const isTold = error instanceof SwarmError && LATE_CODES.has(error.code)
      if (!isTold) this.problems.push(`failed: ${String(error)}`)
    }
  }

  /** Tokens up to what ends the answer: a stop id, a stop text or the length. */
  async #expected({ prompt = '', maxTokens = 1, sampling: chosen, stop }: GenerateRequest) {
    const ids = [...toyTokenizer.encode(prompt, { special: true, bos: true })]
    const choose = { ...sampling(), ...chosen }
    const { stopIds } = toyTokenizer
    for (let count = 1; ; count++) {
      const { model } = this.swarm
      const whole = await toyContinue(model, ids, choose, count, stopIds)
      const decoder = toyTokenizer.decoder(false)
      const text = whole.ids.map((id) => (stopIds.includes(id) ? '' : decoder.push(id))).join('')
      const isStopped = stop.some((one) => text.includes(one))
      if (whole.ids.length < count || count === maxTokens || isStopped) return whole
    }
  }

  #count(what: string, count: number): void {
    this.counts[what] = (this.counts[what] ?? 0) + count
  }
}

export async function attachRun(options: AttachOptions): Promise<SimReport> {
  const run = new AttachRun(options)
  await run.perform()
  return { seed: options.seed, problems: run.problems, counts: run.counts }
}

/** What a batch of runs must have seen to be worth anything. */
export const ATTACH_PHENOMENA = [
  'attached',
  'taken over',
  'refused',
  'isolated',
  'stages lost',
  'lost'
]
