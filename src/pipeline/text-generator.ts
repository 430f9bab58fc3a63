// Flow B, from text to text: makes ids of the question, has them answered (turn-sessions.ts), or goes on with
// an answer that another peer lost (attachment.ts), and turns tokens into text and their end into a result.
// Knows the tokenizer, the template and the way to a route only as what it was given.

import { SwarmError, isAbort } from '../base/errors.ts'
import { STOP_IDS_MAX } from '../base/limits.ts'
import { sessionArithmetic } from '../compute/arithmetic.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import { SAMPLING_DEFAULTS } from '../wire/sampling-defaults.ts'
import { Answer, type Piece } from './answer.ts'
import { AuditTally } from './audit-tally.ts'
import { Attachment, turnOf, type AttachmentStep } from './attachment.ts'
import { checkRequest, checkSampling } from './check-request.ts'
import { reroutedText } from './reroute-text.ts'
import { Stopwatch, perHopTiming, tokensPerSecond } from './timing.ts'
import { TurnSessions } from './turn-sessions.ts'

import type {
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
  SavedPrefix
} from '../wire/generation.ts'
import type { SessionId } from '../wire/ids.ts'
import type { RouteStage, Sampling, StageStats } from '../wire/session.ts'
import type { Session } from './session.ts'
import type { SessionStep, SessionTurn, TurnSessionsComponents } from './turn-sessions.ts'
import type { ChatTemplate, Tokenizer } from './text-ports.ts'

/**
 * Positions that a kept conversation reserves at least: a few turns of ordinary length. The whole context
 * of a model can be gigabytes of keys and values.
 */
const KEPT_CONTEXT_TOKENS = 4096

export interface TextGeneratorComponents extends TurnSessionsComponents {
  tokenizer: Tokenizer
  /** Null where the model has none: then only plain prompts are answered. */
  template: ChatTemplate | null
  /** What the model file recommends. */
  sampling: Partial<Sampling>
  /** Positions that one session may have: what the stages reserve, at most what the model was made for. */
  contextTokens: number
  /** Peers that sessions can be asked of, this one included; absent where there is but one. */
  members?: () => readonly PeerId[]
}

/** What is fixed about one request. */
interface Question extends SessionTurn {
  promptIds: number[]
  stops: readonly string[]
  isAtStart: boolean
  /** The session is to stay for a next turn. */
  isKept: boolean
}

/** What happens in one turn: tokens that were known before, or what happens to its session. */
type TurnStep = AttachmentStep | SessionStep

export class TextGenerator {
  readonly #components: TextGeneratorComponents
  readonly #sessions: TurnSessions

  constructor(components: TextGeneratorComponents) {
    this.#components = components
    this.#sessions = new TurnSessions(components)
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
    yield* this.#answer(question, this.#sessions.run(question, signal), signal)
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
    const terms = { contextTokens, kvType, stops, isAtStart, isKept: false, verify: 0 }
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
    const audit = question.verify > 0 ? new AuditTally() : null
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
          if ('audit' in step) {
            audit?.note(step.audit)
            yield { type: 'audit', ...step.audit }
            continue
          }
          const { event } = step
          // Where another session goes on, the one before it is not to be built upon.
          if (session !== null && session !== step.source) this.#sessions.forget(session)
          session = step.source
          stopwatch.note(event)
          if (event.type === 'opened') {
            this.#sessions.remember(session, question.promptIds)
            ;({ stages } = session.route)
            yield routeEvent(session, question, event.keptTokens)
          }
          if (event.type === 'prefill' || event.type === 'rerouting') yield event
          if (event.type === 'rerouted') {
            const { nameOf = shortId } = this.#components
            yield { ...event, text: reroutedText(stages, event.stages, nameOf) }
            ;({ stages } = event)
          }
          if (step.isChecked) audit?.count()
          if (event.type === 'token') yield* textEvent(answer.push(event))
          if (answer.finishReason !== null) break
        }
        if (answer.finishReason === null) throw closedError()
      } catch (error) {
        if (!isAbort(error) || !signal.aborted) throw error
        yield* textEvent(answer.cancel())
      }
      if (session?.isOpen) this.#sessions.remember(session, [...question.promptIds, ...answer.ids])
      const isKept = question.isKept && session?.isOpen === true && !signal.aborted
      const stats = (await (isKept ? session?.pause() : session?.close())) ?? []
      const result = this.#result(question, answer, session?.route.stages ?? [], stats, stopwatch)
      if (audit !== null) result.audit = audit.result
      if (isKept && session?.isOpen) {
        result.session = this.#sessions.keep(session)
        session = null
      }
      yield { type: 'done', result }
    } catch (error) {
      if (session !== null) this.#sessions.forget(session)
      throw error
    } finally {
      // Closed already or kept, unless an error came or the reader left.
      void session?.close()
    }
  }

  /** Frees a session that was kept; unknown ids are ignored. */
  closeSession(id: string): void {
    this.#sessions.close(id)
  }

  /** Has the stages of a kept session store what they computed. @throws as TurnSessions.save */
  async saveSession(id: string): Promise<SavedPrefix> {
    return this.#sessions.save(id)
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
    const { verify = 0 } = request
    // What was verified here nobody else could take over but on the word of those who were to be verified.
    const isPrivate = request.private === true || verify > 0
    return {
      ids: promptIds,
      promptIds,
      kvType: request.kvType,
      stops: request.stop,
      isAtStart,
      isKept: request.keep === true,
      log: isPrivate ? null : { stops: request.stop, isAtStart },
      sampling,
      stopIds: tokenizer.stopIds.slice(0, STOP_IDS_MAX),
      positionEnd,
      speculates: request.speculation ?? true,
      contextTokens: request.contextTokens ?? reserveTokens,
      session: request.session,
      saved: request.saved,
      verify
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
