// Flow B, from text to text: makes ids of the question, finds or continues a session, turns its tokens
// into text and its end into a result. Owns the sessions that are kept for a next turn. Knows the
// tokenizer, the template and the way to a route only as what it was given.

import { SwarmError, isAbort } from '../base/errors.ts'
import { SESSIONS_KEPT_MAX, STOP_IDS_MAX } from '../base/limits.ts'
import { sessionArithmetic } from '../compute/arithmetic.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import { SAMPLING_DEFAULTS } from '../wire/sampling-defaults.ts'
import { Answer, type Piece } from './answer.ts'
import { Attachment, turnOf, type AttachmentStep } from './attachment.ts'
import { checkRequest, checkSampling } from './check-request.ts'
import { OwnLine } from './own-line.ts'
import { PrefixBook } from './prefix-book.ts'
import { reroutedText } from './reroute-text.ts'
import { RouteSearch } from './route-search.ts'
import { savedBeginning } from './saved-name.ts'
import { openTurn, type OpeningStep } from './turn-opening.ts'
import { Stopwatch, perHopTiming, tokensPerSecond } from './timing.ts'

import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type {
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
  SavedPrefix
} from '../wire/generation.ts'
import type { SessionId } from '../wire/ids.ts'
import type { KvType, OpenPrefix, RouteStage, Sampling, StageStats } from '../wire/session.ts'
import type { Pipeline, SessionModel } from './pipeline.ts'
import type { Route } from './route.ts'
import type { Repair, Session } from './session.ts'
import type { Turn } from './session-types.ts'
import type { ChatTemplate, Tokenizer } from './text-ports.ts'

/**
 * Positions that a kept conversation reserves at least: a few turns of ordinary length. The whole context
 * of a model can be gigabytes of keys and values.
 */
const KEPT_CONTEXT_TOKENS = 4096

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
  /** Peers that sessions can be asked of, this one included; absent as above. */
  members?: () => readonly PeerId[]
  /** What people call a peer; its short id when absent. Foreign text. */
  nameOf?: (peer: PeerId) => string
  clock: Clock
  random: Random
}

/** What is fixed about one request before a session is chosen. */
interface Question extends Turn {
  promptIds: number[]
  contextTokens: number
  kvType: KvType
  stops: readonly string[]
  isAtStart: boolean
  /** The session is to stay for a next turn. */
  isKept: boolean
}

/**
 * What happens in one turn: tokens that were known before, news of the session that answers, or why there is
 * none yet.
 */
type TurnStep = AttachmentStep | OpeningStep

export class TextGenerator {
  readonly #components: TextGeneratorComponents
  /** Paused sessions by their id, the one used longest ago first. */
  readonly #kept = new Map<string, Session>()
  readonly #book = new PrefixBook()
  /** Questions that wait for room. */
  readonly #line = new OwnLine()

  constructor(components: TextGeneratorComponents) {
    this.#components = components
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
    yield* this.#answer(question, this.#turn(request, question, signal), signal)
  }

  /**
   * An answer that another peer asked for and cannot give any more, from its first token on. Otherwise as
   * generate.
   * @throws STAGE_UNKNOWN_SESSION where nobody keeps it; PEER_BUSY, PEER_REFUSED where another peer has it.
   */
  async *attach(id: SessionId, signal: AbortSignal): AsyncGenerator<GenerateEvent, void> {
    const { members, repair, ...components } = this.#components
    if (members === undefined || repair === undefined) {
      throw new SwarmError('STAGE_UNKNOWN_SESSION', 'this peer is alone: there is nobody to ask')
    }
    const attachment = new Attachment({ ...components, members, repair }, id)
    const recalled = await attachment.recall()
    const turn = turnOf(recalled)
    const { contextTokens, kvType, stops, isAtStart } = recalled
    const terms = { contextTokens, kvType, stops, isAtStart, isKept: false }
    const question = { ...turn, ...terms, promptIds: [...turn.ids] }
    yield* this.#answer(question, attachment.steps(recalled, signal), signal)
  }

  async *#answer(
    question: Question,
    steps: AsyncIterable<TurnStep>,
    signal: AbortSignal
  ): AsyncGenerator<GenerateEvent, void> {
    const { stops, isAtStart } = question
    const answer = new Answer(this.#components.tokenizer, stops, isAtStart)
    const stopwatch = new Stopwatch(this.#components.clock)
    let session: Session | null = null
    let stages: RouteStage[] = []
    try {
      try {
        for await (const step of steps) {
          if ('waiting' in step) {
            const before = 'before' in step ? { before: step.before } : {}
            yield { type: 'queued', reason: step.waiting, ...before }
            continue
          }
          if ('known' in step) {
            for (const token of step.known) yield* textEvent(answer.push(token))
            continue
          }
          const { event } = step
          session = step.source
          stopwatch.note(event)
          if (event.type === 'opened') {
            this.#remember(session, question.promptIds)
            ;({ stages } = session.route)
            yield routeEvent(session, question, event.keptTokens)
          }
          if (event.type === 'prefill' || event.type === 'rerouting') yield event
          if (event.type === 'rerouted') {
            const { nameOf = shortId } = this.#components
            yield { ...event, text: reroutedText(stages, event.stages, nameOf) }
            ;({ stages } = event)
          }
          if (event.type === 'token') yield* textEvent(answer.push(event))
          if (answer.finishReason !== null) break
        }
        if (answer.finishReason === null) throw closedError()
      } catch (error) {
        if (!isAbort(error) || !signal.aborted) throw error
        yield* textEvent(answer.cancel())
      }
      if (session?.isOpen) this.#remember(session, [...question.promptIds, ...answer.ids])
      const isKept = question.isKept && session?.isOpen === true && !signal.aborted
      const stats = (await (isKept ? session?.pause() : session?.close())) ?? []
      const result = this.#result(question, answer, session?.route.stages ?? [], stats, stopwatch)
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

  /**
   * Has the stages of a kept session store its keys and values on their disks.
   * @throws STAGE_UNKNOWN_SESSION when it is not kept any more, PEER_BUSY
   */
  async saveSession(id: string): Promise<SavedPrefix> {
    const session = this.#kept.get(id)
    if (session?.isOpen) return session.save()
    const text = 'the session is not kept any more: ask again, then save'
    throw new SwarmError('STAGE_UNKNOWN_SESSION', text)
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
    const isAtStart = request.prompt === ''
    return {
      ids: promptIds,
      promptIds,
      kvType: request.kvType,
      stops: request.stop,
      isAtStart,
      isKept: request.keep === true,
      log: request.private === true ? null : { stops: request.stop, isAtStart },
      sampling,
      stopIds: tokenizer.stopIds.slice(0, STOP_IDS_MAX),
      positionEnd,
      speculates: request.speculation ?? true,
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
    signal: AbortSignal
  ): AsyncGenerator<TurnStep, void> {
    const kept = this.#takeKept(request, question.positionEnd)
    if (kept !== null) {
      // Its caches are about to hold other ids, or none.
      this.#book.remove(kept.id)
      let hasOpened = false
      try {
        for await (const event of kept.run(question, signal)) {
          hasOpened = true
          yield { event, source: kept }
        }
        return
      } catch (error) {
        // Freed after a long time, or one of its stages left: every id is still here, begin again.
        void kept.close()
        if (hasOpened || isAbort(error)) throw error
      }
    }
    const { pipeline, model, findRoute, repair, clock, random } = this.#components
    const { kvType } = request
    const { contextTokens } = question
    const create = (route: Route, ticket: number) =>
      pipeline.createSession({
        route,
        model,
        kvType,
        contextTokens,
        prefix: this.#beginning(request, route.stages, question.promptIds),
        isReusable: true,
        ...(repair && { repair }),
        ticket
      })
    const search = new RouteSearch(findRoute, clock.now())
    const opening = { search, line: this.#line, create, clock, random }
    yield* openTurn(opening, question, signal)
  }

  /** The longest beginning that stages may still have in memory or on disk. */
  #beginning(
    { kvType, saved }: GenerateRequest,
    stages: readonly RouteStage[],
    ids: readonly number[]
  ): OpenPrefix | null {
    const { id: modelId, arithmeticVersion } = this.#components.model
    const of = { modelId, arithmeticVersion: sessionArithmetic(arithmeticVersion, kvType), kvType }
    const inMemory = this.#book.find(stages, kvType, ids)
    const onDisk = saved ? savedBeginning(saved, of, stages, ids) : null
    return (onDisk?.tokens ?? 0) > (inMemory?.tokens ?? 0) ? onDisk : inMemory
  }

  #takeKept(request: GenerateRequest, positionEnd: number): Session | null {
    const session = this.#kept.get(request.session ?? '')
    if (!session) return null
    this.#kept.delete(session.id)
    const fits = session.kvType === request.kvType && session.contextTokens >= positionEnd
    if (session.isOpen && fits) return session
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
      arithmeticVersion: sessionArithmetic(model.arithmeticVersion, question.kvType),
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
