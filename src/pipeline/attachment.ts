// Flow B, the origin dies too: this peer becomes the origin of an answer that another one asked for. Finds
// out what the stages know of it, tells the tokens that are known, and goes on from there on a route of those
// that are left. Everything that is not known is computed again, to the bit. Owns the tries: stages notice
// at different times that the old origin is gone, and another peer may attach at the same moment; whoever is
// refused gives back what it got and looks again, after a time that is drawn so that one of two wins.

import { sleep } from '../base/clock.ts'
import { SwarmError, toSwarmError } from '../base/errors.ts'
import { ATTACH_TIMEOUT_MS, REROUTE_TIMEOUT_MS } from '../base/limits.ts'
import { unit, type Random } from '../base/random.ts'
import { shortId, type PeerId, type SessionId } from '../wire/ids.ts'
import { NO_LOGITS_HASH } from '../wire/session.ts'
import { Answer } from './answer.ts'

import type { Clock } from '../base/clock.ts'
import type { Recalled, Sighting } from './inquiries.ts'
import type { Pipeline, SessionModel } from './pipeline.ts'
import type { SessionNews } from './session.ts'
import type { Repair, SessionEvent, Turn } from './session-types.ts'
import type { Tokenizer } from './text-ports.ts'

/** Mean time between two tries. */
const RETRY_MS = 200
const RETRY_CODES = new Set([
  'PEER_REFUSED',
  'PEER_BUSY',
  'PEER_GONE',
  'PEER_TIMEOUT',
  'PEER_NO_LINK'
])

export interface AttachmentComponents {
  pipeline: Pipeline
  model: SessionModel
  tokenizer: Tokenizer
  repair: Repair
  /** Members to ask, this peer included. */
  members: () => readonly PeerId[]
  clock: Clock
  random: Random
}

type KnownToken = Extract<SessionEvent, { type: 'token' }>

/** As of a turn; tokens of the log come first, without a session. */
export type AttachmentStep = { known: KnownToken[] } | { waiting: string } | SessionNews

export class Attachment {
  readonly #components: AttachmentComponents
  readonly #id: SessionId

  constructor(components: AttachmentComponents, id: SessionId) {
    this.#components = components
    this.#id = id
  }

  /**
   * What the answer was asked for, with as much of it as is known.
   * @throws STAGE_UNKNOWN_SESSION; PEER_BUSY naming the origin that is still there; PEER_TIMEOUT;
   *   USAGE_UNKNOWN_MODEL; WIRE_BAD_FRAME where what a member tells is no log of this model.
   */
  async recall(): Promise<Recalled & { epoch: number }> {
    const { pipeline, members, model, tokenizer } = this.#components
    const seen = (await pipeline.inquiries.list(members())).filter(
      ({ session }) => session === this.#id
    )
    const [first] = seen
    if (first === undefined) {
      const text = `no member within reach keeps session ${shortId(this.#id)}: it ended, or is private`
      throw new SwarmError('STAGE_UNKNOWN_SESSION', text)
    }
    if (seen.some(({ modelId }) => modelId !== model.id)) {
      const text = `session ${shortId(this.#id)} is of another model file than this peer's`
      throw new SwarmError('USAGE_UNKNOWN_MODEL', text)
    }
    const epoch = Math.max(...seen.map((sighting) => sighting.epoch))
    const held = seen.find((sighting) => sighting.epoch === epoch && sighting.state !== 'orphan')
    if (held !== undefined) {
      const text = `${shortId(held.origin)} is there and answers session ${shortId(this.#id)}`
      throw new SwarmError('PEER_BUSY', `${text}: attach when it is gone`)
    }
    const recalled = await this.#recallOf(seen.toSorted(byKnowledge))
    if (recalled.ids.some((id) => id >= model.vocabSize)) {
      throw new SwarmError('WIRE_BAD_FRAME', 'the log of the session has ids of another vocabulary')
    }
    return { ...withoutSurplus(recalled, tokenizer), epoch }
  }

  /**
   * The answer from its first token on.
   * @param recalled by recall(), a moment ago. @throws as recall and Session.resume.
   */
  async *steps(
    recalled: Recalled & { epoch: number },
    signal: AbortSignal
  ): AsyncGenerator<AttachmentStep, void> {
    const { clock, random } = this.#components
    const startMs = clock.now()
    let latest: Recalled & { epoch: number } = recalled
    let told = 0
    for (;;) {
      let hasOpened = false
      try {
        const known = tokensOf(latest)
        yield { known: known.slice(told) }
        told = Math.max(told, known.length)
        if (known.at(-1)?.finish === 'stop' || known.at(-1)?.finish === 'length') return
        for await (const step of this.#resume(latest, signal)) {
          hasOpened = true
          yield step
        }
        return
      } catch (error) {
        const { code, message } = toSwarmError(error, 'NATIVE_FAILED')
        signal.throwIfAborted()
        const patienceMs = code === 'PLAN_GAP' ? REROUTE_TIMEOUT_MS : ATTACH_TIMEOUT_MS
        const passes = code === 'PLAN_GAP' || RETRY_CODES.has(code)
        if (hasOpened || !passes || clock.now() - startMs > patienceMs) throw error
        yield { waiting: message }
      }
      await sleep(clock, RETRY_MS * (0.5 + unit(random)), signal)
      const again = await this.recall().catch((error: unknown) => {
        // The next try says whether that passes too.
        if (toSwarmError(error, 'NATIVE_FAILED').code === 'PEER_TIMEOUT') return null
        throw error
      })
      // A log that was longer may be gone meanwhile; what was told stays told.
      if (again !== null && again.ids.length >= latest.ids.length) latest = again
      else if (again !== null) latest = { ...latest, epoch: again.epoch }
    }
  }

  async *#resume(
    recalled: Recalled & { epoch: number },
    signal: AbortSignal
  ): AsyncGenerator<AttachmentStep, void> {
    const { pipeline, model, repair } = this.#components
    const { route: stages, planHash, viewHash, kvType, contextTokens, epoch } = recalled
    const session = pipeline.createSession({
      id: this.#id,
      route: repair({ stages, planHash, viewHash }, new Set()),
      model,
      kvType,
      contextTokens,
      repair
    })
    const events = session.resume(turnOf(recalled), epoch, signal)
    for await (const event of events) yield { event, source: session }
  }

  /** From the first that answers. @throws PEER_TIMEOUT */
  async #recallOf(seen: readonly Sighting[]): Promise<Recalled> {
    let error: unknown
    for (const { by } of seen) {
      try {
        return await this.#components.pipeline.inquiries.recall(by, this.#id)
      } catch (cause) {
        error = cause
      }
    }
    throw error
  }
}

/** The turn that was asked, as far as it is answered. */
export function turnOf({ ids, promptTokens, logitsHash, ...recalled }: Recalled): Turn {
  const { sampling, stopIds, positionEnd, stops, isAtStart } = recalled
  const answered = { ids: ids.slice(promptTokens), logitsHash }
  const log = { stops, isAtStart }
  return { ids: ids.slice(0, promptTokens), answered, sampling, stopIds, positionEnd, log }
}

function byKnowledge(a: Sighting, b: Sighting): number {
  return b.epoch - a.epoch || b.tokens - a.tokens
}

function tokensOf({ ids, promptTokens, stopIds, positionEnd, logitsHash }: Recalled): KnownToken[] {
  return ids.slice(promptTokens).map((id, index) => {
    const position = promptTokens + index
    const isFull = position + 1 >= positionEnd
    const finish = stopIds.includes(id) ? 'stop' : isFull ? 'length' : 'none'
    // Of all but the last it is not known, and not needed.
    return { type: 'token', position, id, finish, logitsHash }
  })
}

/**
 * A text that ends the answer may stand before the last token that is known, and the hash of logits up to
 * there is not: then the answer is computed from its beginning.
 */
function withoutSurplus(recalled: Recalled, tokenizer: Tokenizer): Recalled {
  const answer = new Answer(tokenizer, recalled.stops, recalled.isAtStart)
  const tokens = tokensOf(recalled)
  const end = tokens.findIndex((token) => {
    answer.push(token)
    return answer.finishReason !== null
  })
  if (end === -1 || end === tokens.length - 1) return recalled
  const ids = recalled.ids.slice(0, recalled.promptTokens)
  return { ...recalled, ids, endTokens: ids.length, logitsHash: NO_LOGITS_HASH }
}
