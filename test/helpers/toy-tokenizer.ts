// A tokenizer for toy models: one id per UTF-8 byte, 256 begins a sequence, 257 is `<end>`, and every
// id above is one character of the Latin Extended block, so that any id of a toy stage has a text.

import type { IdDecoder, Tokenizer } from '../../src/pipeline/text-ports.ts'

const BOS = 256
const END = 257

export const toyTokenizer: Tokenizer = {
  vocabSize: 500,
  stopIds: [END],
  encode(text, { special, bos }) {
    const ids: number[] = bos ? [BOS] : []
    for (const part of special ? text.split(/(<end>)/) : [text]) {
      ids.push(...(part === '<end>' && special ? [END] : Buffer.from(part)))
    }
    return Int32Array.from(ids)
  },
  decoder: () => new ToyDecoder()
}

class ToyDecoder implements IdDecoder {
  #utf8 = new TextDecoder()

  push(id: number): string {
    if (id < 256) return this.#utf8.decode(Uint8Array.of(id), { stream: true })
    return this.end() + (id > END ? String.fromCodePoint(0x100 + id - END) : '')
  }

  end(): string {
    return this.#utf8.decode()
  }
}

export function toyText(ids: readonly number[]): string {
  const decoder = toyTokenizer.decoder(false)
  return ids.map((id) => decoder.push(id)).join('') + decoder.end()
}
