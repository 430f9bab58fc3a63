import test from 'brittle'

import { ORPHAN_MS } from '../../src/base/limits.ts'
import { below, type Random } from '../../src/base/random.ts'
import { peerIdOf, sessionIdOf } from '../../src/wire/ids.ts'
import { activationBytes, writeDraft } from '../../src/wire/session-codec.ts'
import { NO_LOGITS_HASH } from '../../src/wire/session.ts'
import { MESSAGE_TYPES, between, randomMessage } from '../helpers/session-messages.ts'
import { ARITHMETIC, MODEL_ID, SimSwarm, TurnRun } from '../helpers/sim-swarm.ts'
import { TOY, sampling, toyContinue } from '../helpers/toy-run.ts'

import type { Hops } from '../../src/pipeline/hop.ts'
import type { PeerId, SessionId } from '../../src/wire/ids.ts'
import type { RouteStage, SessionMessage } from '../../src/wire/session.ts'

const RUNS = 40
/** Virtual time is quick, but the machine may be busy. */
const SLOW = { timeout: 120_000 }
const PROMPT = Array.from({ length: 200 }, (_, i) => i)
const TOKENS = 40
const ASKING = new Set<string>([
  'sampled',
  'replay',
  'log',
  'recall',
  'recalled',
  'list',
  'listed',
  'save',
  'saved',
  'audit',
  'audited',
  'warm'
])

const COMPUTING = ['open', 'ids', 'activation'] as const

/** A member that knows every key, route and session id, and sends whatever might do harm. */
class Hostile {
  readonly id: PeerId
  readonly failures: string[] = []
  readonly counts: Record<string, number> = {}
  readonly #random: Random
  readonly #hops: Hops
  readonly #own: SessionId[] = []

  constructor(swarm: SimSwarm) {
    this.#random = swarm.random
    this.id = peerIdOf(swarm.random.bytes(32))
    this.#hops = swarm.network.join(this.id)
    this.#hops.onMessage((_, message) => {
      if (message.type === 'failed') this.failures.push(message.text)
      this.counts[message.type] = (this.counts[message.type] ?? 0) + 1
    })
  }

  /** One message to one of the peers. */
  strike(targets: PeerId[], route: RouteStage[], victim: SessionId): void {
    const random = this.#random
    const to = targets[below(random, targets.length)] as PeerId
    const message = this.#message(to, route, victim)
    this.counts[`sent ${message.type}`] = (this.counts[`sent ${message.type}`] ?? 0) + 1
    const hop = this.#hops.to(to)
    if (message.type !== 'activation') return hop.send(message)
    const frame = hop.allocate(message)
    frame.payload.set(message.payload)
    frame.send()
  }

  #message(to: PeerId, route: RouteStage[], victim: SessionId): SessionMessage {
    const random = this.#random
    // What only asks about sessions comes less often, or the rest would get nowhere.
    const isAsking = below(random, 16) === 0
    const other = MESSAGE_TYPES.filter((type) => ASKING.has(type) === isAsking)
    const types = below(random, 2) === 0 ? COMPUTING : other
    const any = randomMessage(random, types[below(random, types.length)])
    const isVictim = below(random, 2) === 0
    const session = isVictim ? victim : this.#session()
    const epoch = below(random, 8) === 0 ? between(random, 1, 2 ** 32 - 1) : 1 + below(random, 2)
    if (any.type === 'open') return this.#open(to, route, session, epoch)
    const message = { ...any, session, ...('epoch' in any ? { epoch } : {}) } as SessionMessage
    if ('position' in message) message.position = below(random, 2) * below(random, 260)
    // Most of them ending where they may, or none would get anywhere.
    if ('stop' in message) message.stop = route.length - 1 - (below(random, 30) === 0 ? 1 : 0)
    if ('index' in message) message.index = below(random, route.length)
    if (message.type === 'activation') message.index = 1 + below(random, message.stop)
    if (message.type === 'replay') {
      message.index = below(random, message.stop)
      message.end = message.position + 1 + below(random, 200)
    }
    if (message.type === 'warm') {
      message.to = (route[message.stop] as RouteStage).peer
      message.toIndex = below(random, message.stop)
      message.end = message.position + 1 + below(random, 200)
    }
    if (message.type === 'log' || message.type === 'recalled') {
      message.ids = message.ids.slice(0, 40).map((id) => id % TOY.vocabSize)
      message.endTokens = message.position + message.ids.length + below(random, 3)
      message.promptTokens = 1 + below(random, message.endTokens)
    }
    if (message.type === 'close') {
      message.epoch = 2
      message.isReleased = below(random, 8) === 0
    }
    if (message.type === 'token') for (const token of message.tokens) token.id %= TOY.vocabSize
    if (message.type === 'ids') message.ids = message.ids.map((id) => id % TOY.vocabSize)
    if (message.type !== 'activation') return message
    // A draft is due only in mid-answer: with more of them hardly a session would get so far.
    const drafted = message.drafted && below(random, 8) === 0
    const shape = { ...message, dim: TOY.dim, drafted }
    const payload = random.bytes(activationBytes(shape))
    const draft = Int32Array.from({ length: shape.nTokens - 1 }, () => below(random, TOY.vocabSize))
    if (shape.drafted) writeDraft(shape, draft, payload)
    return { ...shape, payload }
  }

  /** Mostly such that the receiver takes it. */
  #open(to: PeerId, route: RouteStage[], session: SessionId, epoch: number): SessionMessage {
    const random = this.#random
    const own = route.findIndex(({ peer }) => peer === to)
    const index = own >= 0 && below(random, 4) > 0 ? own : below(random, route.length)
    const changed = route.map((stage) => {
      return stage.peer === to || below(random, 2) === 0 ? stage : { ...stage, peer: this.id }
    })
    const position = below(random, 3) === 0 ? below(random, 100) : 0
    const earlier = { session: this.#own[0] ?? session, tokens: below(random, 100) }
    return {
      type: 'open',
      session,
      epoch,
      sinceEpoch: below(random, 2),
      // A session that waits for tokens gives none.
      sampledTokens: below(random, 4) === 0 ? below(random, 100) : 0,
      position,
      index,
      route: changed,
      modelId: MODEL_ID,
      planHash: '11'.repeat(32),
      viewHash: '22'.repeat(32),
      prefix: position === 0 && below(random, 2) === 0 ? earlier : null,
      isReusable: below(random, 2) === 0,
      isWarmUp: below(random, 8) === 0,
      isAudited: below(random, 2) === 0,
      arithmeticVersion: ARITHMETIC,
      contextTokens: 100 + below(random, 1000),
      kvType: below(random, 2) === 0 ? 'f16' : 'f32',
      logitsHash: NO_LOGITS_HASH,
      sampling: sampling(),
      stopIds: [],
      positionEnd: 100,
      speculates: below(random, 2) === 0,
      ticket: below(random, 2) === 0 ? 0 : random.uint32()
    }
  }

  /** One of two at a time, so that some of them get somewhere. */
  #session(): SessionId {
    const random = this.#random
    if (this.#own.length < 2) this.#own.push(sessionIdOf(random.bytes(16)))
    if (below(random, 100) === 0) this.#own.unshift(sessionIdOf(random.bytes(16)))
    return this.#own[below(random, Math.min(2, this.#own.length))] as SessionId
  }
}

test(
  'hostile - a member that sends whatever it likes changes no answer and leaves nothing',
  SLOW,
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= RUNS; seed++) {
      const swarm = new SimSwarm({ seed, stepMs: (nTokens) => 0.2 + nTokens / 100 })
      const route = await swarm.addStages([4, 8])
      const asker = seed % 2 === 0 ? swarm.peers[0]! : await swarm.addPeer()
      const hostile = new Hostile(swarm)
      const options = {
        route,
        model: swarm.sessionModel,
        kvType: 'f16',
        contextTokens: 400
      } as const
      const session = asker.pipeline.createSession(options)
      const turn = {
        ids: PROMPT,
        logitsHash: NO_LOGITS_HASH,
        sampling: sampling(),
        stopIds: [],
        positionEnd: PROMPT.length + TOKENS
      }
      const run = new TurnRun(session, turn, swarm.clock)
      const targets = swarm.peers.map(({ id }) => id)
      const strike = () => {
        if (run.isOver) return
        for (let i = below(swarm.random, 12); i >= 0; i--) {
          hostile.strike(targets, route.stages, session.id)
        }
        swarm.clock.after(0.5, strike)
      }
      // Once every stage has opened: before, whoever guesses an id could take it, but ids are random.
      await swarm.clock.until(() => run.events.length > 0 || run.isOver)
      strike()
      await swarm.clock.until(() => run.isOver)
      const expected = await toyContinue(swarm.model, PROMPT, sampling(), TOKENS)
      if (run.error !== null) t.fail(`seed ${seed}: ${String(run.error)}`)
      if (run.ids.join() !== expected.ids.join()) t.fail(`seed ${seed}: another answer`)
      let isClosed = false
      void session.close().then(() => (isClosed = true))
      await swarm.clock.until(() => isClosed)
      swarm.network.crash(hostile.id)
      // Its own sessions may wait for another origin.
      await swarm.clock.pass(1.5 * ORPHAN_MS)
      if (swarm.leaks().length > 0) t.fail(`seed ${seed}: ${swarm.leaks().join(', ')}`)
      // What the toy stage says is a fault of the pipeline's own.
      const faults = hostile.failures.filter((text) => text.startsWith('toy:'))
      if (faults.length > 0) t.fail(`seed ${seed}: ${faults[0]}`)
      for (const [what, count] of Object.entries(hostile.counts)) {
        totals[what] = (totals[what] ?? 0) + count
      }
    }
    for (const what of ['opened', 'failed', 'activation', 'token', 'closed', 'sent progress']) {
      t.ok((totals[what] ?? 0) >= RUNS / 8, `${what}: ${totals[what]}`)
    }
  }
)
