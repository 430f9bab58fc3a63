// Flow B, the two things of a model that generating text needs, as small interfaces: its tokenizer and
// its chat template. Declared here and answered from model/ where a peer is put together.

import type { ChatMessage } from '../wire/generation.ts'

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
