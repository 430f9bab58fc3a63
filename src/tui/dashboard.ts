// The dashboard while it runs: joins the pure parts (update.ts, view/) with the screen, the peer's control
// socket and the clock. Owns when the peer is asked and when is drawn: both at most `rateFps` times a
// second, once a second while nothing happens; a key is answered at once.

import { sleep, type Clock, type Timer } from '../base/clock.ts'
import { isAbort, SwarmError } from '../base/errors.ts'
import { initialModel, type Model } from './model.ts'
import { isAnswering } from './chat.ts'
import { Screen } from './screen.ts'
import { update } from './update.ts'
import { viewFrame } from './view/frame.ts'

import type { ApiClient } from '../api/client.ts'
import type { GenerateRequest } from '../wire/generation.ts'
import type { Effect, Message, Question } from './message.ts'

/** What the dashboard asks of a running peer. */
export type DashboardPeer = Pick<ApiClient, 'top' | 'generate' | 'query' | 'closeSession' | 'stop'>

export interface DashboardOptions {
  peer: DashboardPeer
  clock: Clock
  /** Sampling of every question; its prompt or messages are replaced. */
  request: GenerateRequest
  /** Of `swarm join`: who quits is asked whether the peer leaves too. */
  isOwner: boolean
  hasColour: boolean
}

/** Between a key and its frame: keys of one paste are drawn together. */
const KEY_DRAW_MS = 15
/** Between questions to a peer with which nothing happens, or that does not answer. */
const IDLE_PERIOD_MS = 1000
/** For a peer to hear that a conversation is over; it frees an idle one by itself. */
const FORGET_MS = 500
/** Answers of the memory that a screen may scroll through. */
const HITS_MAX = 100

/** Runs until the user quits. @returns the exit status. @throws the signal's reason. */
export async function runDashboard(
  options: DashboardOptions,
  signal: AbortSignal
): Promise<number> {
  const dashboard = new Dashboard(options)
  try {
    return await dashboard.run(signal)
  } finally {
    await dashboard.close()
  }
}

class Dashboard {
  readonly #options: DashboardOptions
  readonly #screen: Screen
  readonly #closing = new AbortController()
  #model: Model
  #answering: AbortController | null = null
  #timer: Timer | null = null
  /** When the frame that is due will be drawn. */
  #dueMs = Infinity
  #drawnMs = -Infinity
  #finish: (status: number) => void = () => {}
  #leaving: Promise<void> = Promise.resolve()

  constructor(options: DashboardOptions) {
    this.#options = options
    this.#screen = new Screen({
      onKey: (key) => this.#dispatch({ type: 'key', key }, KEY_DRAW_MS),
      onSize: (size) => this.#dispatch({ type: 'size', ...size }, KEY_DRAW_MS),
      hasColour: options.hasColour
    })
    this.#model = initialModel(this.#screen.size, options.isOwner)
  }

  async run(signal: AbortSignal): Promise<number> {
    const finished = new Promise<number>((resolve) => (this.#finish = resolve))
    const aborted = new Promise<never>((_, reject) => {
      const onAbort = () => reject(signal.reason)
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
    this.#draw()
    void this.#watch()
    const status = await Promise.race([finished, aborted])
    await this.#leaving
    return status
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#answering?.abort()
    this.#screen.close()
    this.#closing.abort()
    await this.#forget()
  }

  /** Frees the conversation that the peer keeps; one that is stuck must not hold the shell. */
  async #forget(): Promise<void> {
    const { peer, clock } = this.#options
    const { session } = this.#model.chat
    if (session === null) return
    const late = new AbortController()
    const timer = clock.after(FORGET_MS, () => late.abort())
    await orNothing(peer.closeSession(session, late.signal))
    timer.cancel()
  }

  /** Asks the peer for its news until closed. */
  async #watch(): Promise<void> {
    const { peer, clock } = this.#options
    const { signal } = this.#closing
    while (!signal.aborted) {
      const askedMs = clock.now()
      if (!this.#model.isPaused) {
        try {
          this.#dispatch({ type: 'snapshot', snapshot: await peer.top(signal) })
        } catch (error) {
          if (signal.aborted) return
          this.#dispatch({ type: 'lost', text: textOf(error) })
        }
      }
      const restMs = this.#periodMs() - (clock.now() - askedMs)
      await orNothing(sleep(clock, Math.max(0, restMs), signal))
    }
  }

  #periodMs(): number {
    const { snapshot, lost, rateFps, isPaused, chat } = this.#model
    const isBusy =
      isAnswering(chat) ||
      (snapshot !== null && (snapshot.sessions.own.length > 0 || snapshot.sessions.hosted > 0))
    return isBusy && lost === null && !isPaused ? 1000 / rateFps : IDLE_PERIOD_MS
  }

  /** @param drawWithinMs at the pace of the frames when absent. */
  #dispatch(message: Message, drawWithinMs?: number): void {
    if (this.#closing.signal.aborted) return
    const { model, effects } = update(this.#model, message)
    this.#model = model
    for (const effect of effects) this.#perform(effect)
    const nowMs = this.#options.clock.now()
    const paceMs = this.#drawnMs + 1000 / model.rateFps
    this.#drawAt(drawWithinMs === undefined ? Math.max(nowMs, paceMs) : nowMs + drawWithinMs)
  }

  #drawAt(dueMs: number): void {
    if (dueMs >= this.#dueMs) return
    this.#timer?.cancel()
    this.#dueMs = dueMs
    const { clock } = this.#options
    this.#timer = clock.after(dueMs - clock.now(), () => this.#draw())
  }

  #draw(): void {
    this.#dueMs = Infinity
    this.#drawnMs = this.#options.clock.now()
    this.#screen.draw(viewFrame(this.#model))
  }

  #perform(effect: Effect): void {
    const { peer } = this.#options
    switch (effect.type) {
      case 'ask':
        void this.#ask(effect.turn, effect.question)
        return
      case 'stop-answer':
        this.#answering?.abort()
        return
      case 'search':
        void this.#search(effect.search, effect.text)
        return
      case 'copy':
        this.#screen.copy(effect.text)
        return
      case 'leave':
        this.#leaving = orNothing(peer.stop())
        return
      case 'quit':
        this.#finish(effect.status)
    }
  }

  async #ask(turn: number, question: Question): Promise<void> {
    const { peer, clock, request } = this.#options
    const answering = new AbortController()
    this.#answering = answering
    try {
      this.#dispatch({ type: 'asked', turn, nowMs: clock.now() })
      const asked = requestOf(request, question)
      for await (const event of peer.generate(asked, answering.signal)) {
        this.#dispatch({ type: 'answer', turn, event, nowMs: clock.now() })
      }
    } catch (error) {
      if (!isAbort(error)) this.#dispatch({ type: 'answer-failed', turn, text: textOf(error) })
    }
  }

  async #search(search: number, text: string): Promise<void> {
    const { peer } = this.#options
    try {
      const hits = await peer.query({ text, limit: HITS_MAX }, this.#closing.signal)
      this.#dispatch({ type: 'found', search, hits })
    } catch (error) {
      if (isAbort(error)) return
      const isNone = error instanceof SwarmError && error.code === 'USAGE_UNKNOWN_ROUTE'
      const reason = isNone ? 'this peer keeps no shared memory' : textOf(error)
      this.#dispatch({ type: 'search-failed', search, text: reason })
    }
  }
}

function requestOf(request: GenerateRequest, question: Question): GenerateRequest {
  const { prompt: _prompt, messages: _messages, session: _session, ...sampling } = request
  if ('prompt' in question) return { ...sampling, prompt: question.prompt }
  const { messages, session } = question
  return { ...sampling, messages, keep: true, ...(session === null ? {} : { session }) }
}

function textOf(error: unknown): string {
  if (error instanceof SwarmError) return `${error.message} [${error.code}]`
  return error instanceof Error ? error.message : String(error)
}

/** For what is asked of a peer that may be gone, or waits that may be ended. */
async function orNothing(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch {
    // Nobody is left to be told.
  }
}
