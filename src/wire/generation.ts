// Flow B on the wire: one generation from text to text, as it is asked for and as it is told. The command
// line and the control socket send exactly these objects as JSON, the pipeline answers them.

import type { KvType, RouteStage, Sampling } from './session.ts'

/** A stage that was asked to save, and the positions that it has; `text` says why there are none. */
export interface SavedStage extends RouteStage {
  tokens: number
  text: string
}

/** A conversation whose keys and values stages keep on their own disks, as its origin remembers it. */
export interface SavedPrefix {
  /** 32 hex digits, made of all that follows but for the stages. */
  name: string
  /** 64 hex digits. */
  modelId: string
  /** Of the session, its KV type included. */
  arithmeticVersion: number
  kvType: KvType
  /** Of the positions, from 0 on. */
  ids: number[]
  stages: SavedStage[]
}

/** One message of a conversation, in OpenAI's shape (content already joined to text). */
export interface ChatMessage {
  role: string
  content: string
}

export interface GenerateRequest {
  /** Exactly one of the two; messages go through the model's chat template. */
  prompt?: string
  messages?: ChatMessage[]
  /** Tokens to generate at most; absent: until the context is full. */
  maxTokens?: number
  /** What is absent is what the model file recommends, else the usual value; a seed is drawn and returned. */
  sampling: Partial<Sampling>
  stop: string[]
  kvType: KvType
  /** Part of the answer's steps that other peers compute again, 0 to 1; absent: 0. */
  verify?: number
  /** Positions to reserve; absent: prompt plus maxTokens. */
  contextTokens?: number
  /** False: no drafts. The tokens are the same either way. */
  speculation?: boolean
  /** Keeps the session for the next turn; the result then names it. */
  keep?: boolean
  /**
   * Continues a session that was kept. The prompt or messages are the whole conversation all the
   * same: KV is reused as far as the tokens agree, and a session that is gone only costs its KV.
   */
  session?: string
  /** Nobody but the stages that compute sees the ids, and the answer is lost with the peer that was asked. */
  private?: boolean
  /** Where no session is left: what was saved of this conversation is read back instead of computed. */
  saved?: SavedPrefix
}

export interface HopTiming {
  peer: string
  start: number
  end: number
  computeMs: number
  /** Inside the stage, and not computing: waiting for its turn, handing over. */
  queueMs: number
  /**
   * On the way to the next stage, from the last to the first. All of them together are what is left of
   * the time between tokens, which needs no common clock; how it is split follows the measured delays of
   * the links, or is even where they are not known.
   */
  wireMs: number
}

/** A stage that was lost in mid-answer, and what it cost. */
export interface Loss {
  /** One sentence. */
  reason: string
  /** Tokens of the answer before it. */
  tokens: number
  /** From the loss to the next token, or to the next positions of the prompt. */
  pauseMs: number
}

/** One token in one stage and on the way to the next one. */
export interface HopParts {
  computeMs: number
  wireMs: number
  /** Waiting behind the other sessions that run. */
  queueMs: number
}

/** What the cost model says of that. */
export interface HopPrediction extends HopParts {
  /** Layers of the stage that are read from disk for each token; absent: none. */
  layersOnDisk?: number
}

/** What the cost model said of a route when it was chosen. */
export interface RoutePrediction {
  tokensPerSecond: number
  /** From the first chunk of this prompt to the first token. */
  firstTokenMs: number
  /** Of each stage, in the route's order. */
  perHop: HopPrediction[]
}

/** The object that `generate --json` and `run --json` print; names are a promise to scripts. */
export interface GenerateResult {
  model: string
  promptIds: number[]
  ids: number[]
  text: string
  seed: number
  finishReason: 'stop' | 'length' | 'cancelled'
  /** 16 hex digits: chained hash of every row of logits sampled from. Equal bits give equal hashes. */
  logitsHash: string
  arithmeticVersion: number
  stages: RouteStage[]
  timing: {
    prefillMs: number
    decodeMs: number
    tokensPerSecond: number
    /** None where the route changed in mid-answer. */
    perHop: HopTiming[]
    /** Each time a stage was lost in mid-answer. */
    losses: Loss[]
    /** Absent where no plan chose the route. */
    predicted?: RoutePrediction
  }
  /** Present where a part of the answer was to be verified. */
  audit?: {
    /** Tokens that were computed twice, with the same bits. */
    checkedTokens: number
    /** Peers that were left out, because they, or one of several, computed something else. */
    excluded: string[]
  }
  /** Present when the session was kept. */
  session?: string
}

/** One generation as it goes on; ends with 'done'. */
export type GenerateEvent =
  | {
      type: 'route'
      /** 32 hex digits, to find the answer again. */
      session: string
      stages: RouteStage[]
      promptTokens: number
      cachedTokens: number
      seed: number
    }
  /** Why nothing comes yet; with how many questions and machines come first, where it waits for room. */
  | { type: 'queued'; reason: string; before?: number }
  | { type: 'prefill'; done: number; total: number }
  /** A stage was lost, or no other is found yet: why the answer pauses. */
  | { type: 'rerouting'; reason: string }
  /** The answer goes on over these stages; positions that new ones still have to get; one sentence. */
  | { type: 'rerouted'; stages: RouteStage[]; refillTokens: number; text: string }
  /** What verification found, in one sentence, and the peers that it concerns, if any. */
  | { type: 'audit'; text: string; guilty: string[]; isCertain: boolean }
  | { type: 'text'; text: string; ids: number[] }
  | { type: 'done'; result: GenerateResult }
