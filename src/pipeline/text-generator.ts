// Flow B, from text to text: makes ids of the question, finds or continues a session, turns its tokens
// into text and its end into a result. Owns the sessions that are kept for a next turn. Knows the
// tokenizer, the template and the way to a route only as what it was given.

import { sleep } from '../base/clock.ts'
import { SwarmError, isAbort } from '../base/errors.ts'
import { SESSIONS_KEPT_MAX, STOP_IDS_MAX } from '../base/limits.ts'
import { sessionArithmetic } from '../compute/arithmetic.ts'
import { SAMPLING_DEFAULTS } from '../wire/sampling-defaults.ts'
import { Answer, type Piece } from './answer.ts'
import { Auditor, type AuditRun } from './auditor.ts'
import { checkRequest, checkSampling } from './check-request.ts'
import { PrefixBook } from './prefix-book.ts'
import { RouteSearch } from './route-search.ts'
import { Stopwatch, perHopTiming, tokensPerSecond } from './timing.ts'

import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { GenerateEvent, GenerateRequest, GenerateResult } from '../wire/generation.ts'
import type { RouteStage, Sampling, StageStats } from '../wire/session.ts'
import type { AuditStep } from './audited-turn.ts'
import type { Span } from '../sharding/cover.ts'
import type { Pipeline, SessionModel, SessionOptions } from './pipeline.ts'
import type { Route } from './route.ts'
import type { Repair, Session } from './session.ts'
import type { Turn } from './session-types.ts'
import type { ChatTemplate, Tokenizer } from './text-ports.ts'

/**
 * Positions that a kept conversation reserves at least: a few turns of ordinary length. The whole context
 * of a model can be gigabytes of keys and values.
 */
const KEPT_CONTEXT_TOKENS = 4096
/** Before a route that could not be opened is tried again. */
const ROUTE_RETRY_MS = 250

export interface TextGeneratorComponents {
  pipeline: Pipeline
  model: SessionModel
  tokenizer: Tokenizer
  /** Null where the model has none: then only plain prompts are answered. */
  template: ChatTemplate | null
  /** What the model file recommends. */
  sampling: Partial<Sampling>
  /** Positions that one session may have: what the stages reserve, at most what the model was made for. */
  contextTokens: number
  /** @throws PLAN_GAP */
  findRoute: () => Route
  /** For an answer that lost a stage; absent where there is but one peer. */
  repair?: Repair
  /** What peers within reach hold now, for answers that are verified; absent where there is but one. */
  spans?: () => readonly Span[]
  clock: Clock
  random: Random
}

/** What is fixed about one request before a session is chosen. */
interface Question extends Turn {
  promptIds: number[]
  contextTokens: number
  sampling: Sampling
}

/** What happens in one turn: news of the session that answers, or why there is none yet. */
type TurnStep = AuditStep | { waiting: string }

export class TextGenerator {
  readonly #components: TextGeneratorComponents
  /** Paused sessions by their id, the one used longest ago first. */
  readonly #kept = new Map<string, Session>()
  readonly #book = new PrefixBook()
  readonly #auditor: Auditor

  constructor(components: TextGeneratorComponents) {
    this.#components = components
    const { random, spans, findRoute, repair, pipeline } = components
    this.#auditor = new Auditor({ self: pipeline.self, random, spans, findRoute, repair })
  }

  /**
   * Ends with a 'done' event; an abort ends it as 'cancelled' with what there is, all stages freed.
   * Leaving the stream early frees them too.
   * @throws USAGE_* for a request that cannot be answered; PLAN_GAP, PEER_* or STAGE_* naming the peer.
   */
  async *generate(
    request: GenerateRequest,
    signal: AbortSignal
  ): AsyncGenerator<GenerateEvent, void> {
    const question = this.#ask(request)
    const answer = new Answer(this.#components.tokenizer, request.stop, request.prompt === '')
    const stopwatch = new Stopwatch(this.#components.clock)
    let session: Session | null = null
    const audits: AuditRun[] = []
    try {
      try {
        for await (const step of this.#turn(request, question, signal, audits)) {
          if ('waiting' in step) {
            yield { type: 'queued', reason: step.waiting }
            continue
          }
          if ('audit' in step) {
            const { audit: text, guilty, isCertain } = step
            yield { type: 'audit', text, guilty, isCertain }
            continue
          }
          const { event } = step
          session = step.source
          stopwatch.note(event)
          if (event.type === 'opened') {
            this.#remember(session, question.promptIds)
            yield routeEvent(session, question, event.keptTokens)
          }
          if (event.type === 'prefill' || event.type === 'rerouting') yield event
          if (event.type === 'rerouted') yield event
          if (event.type === 'token') yield* textEvent(answer.push(event))
          if (answer.finishReason !== null) break
        }
        if (answer.finishReason === null) throw closedError()
      } catch (error) {
        if (!isAbort(error) || !signal.aborted) throw error
        yield* textEvent(answer.cancel())
      }
      if (session?.isOpen) this.#remember(session, [...question.promptIds, ...answer.ids])
      const isKept = request.keep === true && session?.isOpen === true && !signal.aborted
      const stats = (await (isKept ? session?.pause() : session?.close())) ?? []
      const result = this.#result(
        request,
        question,
        answer,
        session?.route.stages ?? [],
        stats,
        stopwatch
      )
      const audit = audits.at(-1)?.audit()
      if (audit) result.audit = audit
      if (isKept && session?.isOpen) {
        result.session = this.#keep(session)
        session = null
      }
      yield { type: 'done', result }
    } catch (error) {
      if (session !== null) this.#book.remove(session.id)
      throw error
    } finally {
      // Closed already or kept, unless an error came or the reader left.
      void session?.close()
    }
  }

  /** Frees a session that was kept; unknown ids are ignored. */
  closeSession(id: string): void {
    const session = this.#kept.get(id)
    this.#kept.delete(id)
    void session?.close()
  }

  /** @throws USAGE_MISSING, USAGE_BAD_VALUE, USAGE_PROMPT_TOO_LONG */
  #ask(request: GenerateRequest): Question {
    const { tokenizer, contextTokens: contextTokensMax, random } = this.#components
    checkRequest(request, contextTokensMax)
    const sampling = {
      ...SAMPLING_DEFAULTS,
      ...this.#components.sampling,
      seed: request.sampling.seed ?? random.uint32(),
      ...request.sampling
    }
    checkSampling(sampling)
    const promptIds = [...this.#encode(request)]
    if (promptIds.length === 0) throw new SwarmError('USAGE_MISSING', 'the prompt is empty')
    const roomTokens = request.contextTokens ?? contextTokensMax
    if (promptIds.length >= roomTokens) {
      const sizes = `the prompt has ${promptIds.length} tokens, the context ${roomTokens}`
      throw new SwarmError('USAGE_PROMPT_TOO_LONG', `${sizes}: shorten it`)
    }
    const positionEnd = Math.min(roomTokens, promptIds.length + (request.maxTokens ?? roomTokens))
    // A conversation that goes on needs room to grow, or its next turn would begin from nothing.
    const grownTokens = Math.max(KEPT_CONTEXT_TOKENS, 2 * positionEnd)
    const reserveTokens = request.keep === true ? Math.min(roomTokens, grownTokens) : positionEnd
    return {
      ids: promptIds,
      promptIds,
      sampling,
      stopIds: tokenizer.stopIds.slice(0, STOP_IDS_MAX),
      positionEnd,
      contextTokens: request.contextTokens ?? reserveTokens
    }
  }

  #encode({ prompt, messages }: GenerateRequest): Int32Array {
    const { tokenizer, template } = this.#components
    if (messages === undefined) return tokenizer.encode(prompt ?? '', { special: true, bos: true })
    if (template === null) {
      const text = 'this model has no chat template: send a plain prompt instead of messages'
      throw new SwarmError('USAGE_BAD_VALUE', text)
    }
    // A template writes the beginning of the sequence itself.
    return tokenizer.encode(template.render(messages), { special: true, bos: false })
  }

  /** The events of one turn, on a kept session if there still is one, else on a new one. */
  async *#turn(
    request: GenerateRequest,
    question: Question,
    signal: AbortSignal,
    audits: AuditRun[]
  ): AsyncGenerator<TurnStep, void> {
    const kept = this.#takeKept(request, question.positionEnd)
    if (kept !== null) {
      // Its caches are about to hold other ids, or none.
      this.#book.remove(kept.id)
      let hasOpened = false
      try {
        for await (const step of this.#steps(kept, request, question, signal, audits)) {
          hasOpened ||= 'event' in step
          yield step
        }
        return
      } catch (error) {
        // Freed after a long time, or one of its stages left: every id is still here, begin again.
        void kept.close()
        if (hasOpened || isAbort(error)) throw error
      }
    }
    const { clock, repair: anyRepair, findRoute: anyRoute } = this.#components
    const isAudited = isVerified(request)
    const findRoute = isAudited ? () => this.#auditor.findRoute() : anyRoute
    const repair = isAudited ? this.#auditor.repair() : anyRepair
    const search = new RouteSearch(findRoute, clock.now())
    for (;;) {
      const { route } = search
      // What an earlier session left was not verified.
      const prefix = isAudited
        ? null
        : this.#book.find(route.stages, request.kvType, question.promptIds)
      const session = this.#open(request, question, route, repair, { prefix, isReusable: true })
      let hasOpened = false
      try {
        for await (const step of this.#steps(session, request, question, signal, audits)) {
          hasOpened ||= 'event' in step
          yield step
        }
        return
      } catch (error) {
        void session.close()
        if (hasOpened) throw error
        const reason = search.next(error, clock.now())
        if (reason === null) continue
        yield { waiting: reason }
        await sleep(clock, ROUTE_RETRY_MS, signal)
      }
    }
  }

  #open(
    request: GenerateRequest,
    { contextTokens }: Question,
    route: Route,
    repair: Repair | undefined,
    options: Pick<SessionOptions, 'prefix' | 'isReusable'> = {}
  ): Session {
    const { pipeline, model } = this.#components
    const { kvType } = request
    const isAudited = isVerified(request)
    const repairing = repair && { repair }
    const shape = { route, model, kvType, contextTokens, isAudited }
    return pipeline.createSession({ ...shape, ...options, ...repairing })
  }

  /** The turn on a session, verified where that was asked. */
  async *#steps(
    session: Session,
    request: GenerateRequest,
    question: Question,
    signal: AbortSignal,
    audits: AuditRun[]
  ): AsyncGenerator<AuditStep, void> {
    if (!isVerified(request)) {
      for await (const event of session.run(question, signal)) yield { event, source: session }
      return
    }
    const open = (route: Route, repair: Repair | undefined) =>
      this.#open(request, question, route, repair)
    const run = this.#auditor.run(session, question, request.verify ?? 0, open, signal)
    audits.push(run)
    yield* run.steps
  }

  #takeKept(request: GenerateRequest, positionEnd: number): Session | null {
    const session = this.#kept.get(request.session ?? '')
    if (!session) return null
    this.#kept.delete(session.id)
    const fits = session.kvType === request.kvType && session.contextTokens >= positionEnd
    const isAudited = session.isAudited || !isVerified(request)
    if (session.isOpen && fits && isAudited) return session
    void session.close()
    return null
  }

  /** Later prompts may begin with what the session's caches hold. */
  #remember(session: Session, ids: readonly number[]): void {
    this.#book.put(session.id, session.route.stages, session.kvType, ids)
  }

  #keep(session: Session): string {
    this.#kept.set(session.id, session)
    for (const id of this.#kept.keys()) {
      if (this.#kept.size > SESSIONS_KEPT_MAX) this.closeSession(id)
    }
    return session.id
  }

  #result(
    request: GenerateRequest,
    question: Question,
    answer: Answer,
    stages: RouteStage[],
    stats: (StageStats | null)[],
    { prefillMs, decodeMs, losses }: Stopwatch
  ): GenerateResult {
    const { model } = this.#components
    return {
      model: model.id,
      promptIds: question.promptIds,
      ids: answer.ids,
      text: answer.text,
      seed: question.sampling.seed,
      finishReason: answer.finishReason ?? 'cancelled',
      logitsHash: answer.logitsHash,
      arithmeticVersion: sessionArithmetic(model.arithmeticVersion, request.kvType),
      stages,
      timing: {
        prefillMs,
        decodeMs,
        tokensPerSecond: tokensPerSecond(answer.ids.length, decodeMs),
        perHop:
          losses.length > 0 ? [] : perHopTiming(stages, stats, answer.ids.length - 1, decodeMs),
        losses
      }
    }
  }
}

function isVerified({ verify = 0 }: GenerateRequest): boolean {
  return verify > 0
}

/** The answer was ended from this side, and not by whoever asked. */
function closedError(): SwarmError {
  return new SwarmError('PEER_GONE', 'this peer is stopping: ask again when it is back')
}

function routeEvent(session: Session, question: Question, cachedTokens: number): GenerateEvent {
  return {
    type: 'route',
    session: session.id,
    stages: session.route.stages,
    promptTokens: question.promptIds.length,
    cachedTokens,
    seed: question.sampling.seed
  }
}

function* textEvent({ text, ids }: Piece): Generator<GenerateEvent, void> {
  if (text !== '' || ids.length > 0) yield { type: 'text', text, ids }
}
