// Flow B, the shapes of one generation from text to text: what is asked, what comes back. The same
// shapes as api/service.ts declares (which this folder may not import; a test compares them), and the
// two things of model/ that generating needs, as small interfaces.

import type { KvType, RouteStage, Sampling } from '../wire/session.ts'

/** Text to ids and back, for one model. */
export interface Tokenizer {
  /**
   * @param options special: control tokens in the text become their ids; bos: begin with the
   *   beginning-of-sequence id where this model wants one.
   */
  encode(text: string, options: { special: boolean; bos: boolean }): Int32Array
  /** @param atStart the ids begin a text rather than continue one. */
  decoder(atStart: boolean): IdDecoder
  /** Ids that end a generation. */
  readonly stopIds: number[]
  readonly vocabSize: number
}

/** Ids to text, one by one: a character may need several. */
export interface IdDecoder {
  push(id: number): string
  /** What is left when no more ids come. */
  end(): string
}

/** The model's own way to write a conversation as one prompt that asks for a reply. */
export interface ChatTemplate {
  /** @throws MODEL_BAD_TEMPLATE */
  render(messages: ChatMessage[]): string
}

export interface ChatMessage {
  role: string
  content: string
}

export interface GenerateRequest {
  prompt?: string
  messages?: ChatMessage[]
  maxTokens?: number
  sampling: Omit<Sampling, 'seed'> & { seed?: number }
  stop: string[]
  kvType: KvType
  contextTokens?: number
  keep?: boolean
  session?: string
}

export interface HopTiming {
  peer: string
  start: number
  end: number
  computeMs: number
  queueMs: number
  wireMs: number
}

export interface GenerateResult {
  model: string
  promptIds: number[]
  ids: number[]
  text: string
  seed: number
  finishReason: 'stop' | 'length' | 'cancelled'
  logitsHash: string
  arithmeticVersion: number
  stages: RouteStage[]
  timing: {
    prefillMs: number
    decodeMs: number
    tokensPerSecond: number
    perHop: HopTiming[]
  }
  session?: string
}

export type GenerateEvent =
  | {
      type: 'route'
      stages: RouteStage[]
      promptTokens: number
      cachedTokens: number
      seed: number
    }
  | { type: 'queued'; reason: string }
  | { type: 'prefill'; done: number; total: number }
  | { type: 'text'; text: string; ids: number[] }
  | { type: 'done'; result: GenerateResult }
