// Flow B, the answer as it grows: ids become text, stop strings end it, ids behind the end are dropped.
// Owns what a result says about the answer; pure but for the decoder's held bytes.

import { StopScanner } from './stop-scanner.ts'

import type { GenerateResult } from '../wire/generation.ts'
import type { TokenEvent } from './session-types.ts'
import type { IdDecoder, Tokenizer } from './text-ports.ts'

/** Text that is certain now, and the ids behind everything certain so far that were not told yet. */
export interface Piece {
  text: string
  ids: number[]
}

export class Answer {
  readonly ids: number[] = []
  text = ''
  /** Of the last id kept; zeros before the first. */
  logitsHash = '0'.repeat(16)
  /** Null while more is wanted. */
  finishReason: GenerateResult['finishReason'] | null = null

  readonly #decoder: IdDecoder
  readonly #scanner: StopScanner
  #untold: number[] = []

  /** @param atStart nothing stands before the answer, not even a prompt. */
  constructor(tokenizer: Tokenizer, stops: readonly string[], atStart: boolean) {
    this.#decoder = tokenizer.decoder(atStart)
    this.#scanner = new StopScanner(stops)
  }

  /** Takes one token; nothing after the last that was wanted. */
  push({ id, finish, logitsHash }: Pick<TokenEvent, 'id' | 'finish' | 'logitsHash'>): Piece {
    if (this.finishReason !== null) return { text: '', ids: [] }
    this.ids.push(id)
    this.#untold.push(id)
    this.logitsHash = logitsHash
    // The id that ends a generation is not text.
    const scanned = this.#scanner.push(finish === 'stop' ? '' : this.#decoder.push(id))
    if (scanned.isStopped) {
      this.finishReason = 'stop'
      return this.#tell(scanned.text)
    }
    if (finish !== 'none') {
      this.finishReason = finish
      return this.#tell(scanned.text + this.#rest())
    }
    return scanned.text === '' ? { text: '', ids: [] } : this.#tell(scanned.text)
  }

  /** Ends the answer where it is. */
  cancel(): Piece {
    if (this.finishReason !== null) return { text: '', ids: [] }
    this.finishReason = 'cancelled'
    return this.#tell(this.#rest())
  }

  /** Bytes and text that were held back in case more would come. */
  #rest(): string {
    const { text, isStopped } = this.#scanner.push(this.#decoder.end())
    if (isStopped) {
      this.finishReason = 'stop'
      return text
    }
    return text + this.#scanner.end()
  }

  #tell(text: string): Piece {
    this.text += text
    return { text, ids: this.#untold.splice(0) }
  }
}
