// Many random bits, fast: fills whole buffers of weights. Owns the generator sfc32 (Chris Doty-Humphrey,
// PractRand 2010), which needs only 32-bit additions, shifts and exclusive or, so a seed gives the same
// words everywhere. base/random.ts seeds it; for single draws use that.

import { seededRandom } from '../../base/random.ts'

export class RandomWords {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed whole number below 2^32. */
  constructor(seed: number) {
    const random = seededRandom(seed)
    this.#a = random.uint32() | 0
    this.#b = random.uint32() | 0
    this.#c = random.uint32() | 0
  }

  draw(words: Uint32Array): void {
    let a = this.#a
    let b = this.#b
    let c = this.#c
    let counter = this.#counter
    for (let i = 0; i < words.length; i++) {
      const next = (((a + b) | 0) + counter) | 0
      counter = (counter + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = (((c << 21) | (c >>> 11)) + next) | 0
      words[i] = next
    }
    this.#a = a
    this.#b = b
    this.#c = c
    this.#counter = counter
  }
}
