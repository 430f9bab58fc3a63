// Flow C and B, how a prompt is cut: where the next chunk of it ends. Behind the slowest stage of a chain
// every chunk still has to pass the others when the prompt's last one leaves it, and before it nothing else
// happens until the first one has come: so chunks start small where stages precede the slowest one, and end
// small where others follow it, and grow between as fast as those stages keep up. Chosen with a plan
// (chunks.ts), followed by pipeline/chunk-flow.ts. Pure, whole numbers; bits do not depend on it.

import { ceilDiv, floorDiv } from './integer.ts'

/** Growth is counted in these. */
export const GROWTH_UNIT = 16

/** One end of a prompt: the chunk there, and those next to it. */
export interface Taper {
  /** Positions of the outermost chunk. */
  least: number
  /** GROWTH_UNITths: a chunk has so many times the positions of the one outside it at most; at least 1. */
  growth: number
}

export interface Chunking {
  /** Positions of a chunk at most, whatever else is said. */
  most: number
  opening: Taper
  closing: Taper
  /** Whether each sets out when the one before it has passed all stages; else they follow each other. */
  isOneByOne: boolean
}

/** All of one size. */
export function evenChunking(nTokens: number, isOneByOne = false): Chunking {
  const taper = { least: nTokens, growth: GROWTH_UNIT }
  return { most: nTokens, opening: taper, closing: taper, isOneByOne }
}

/**
 * Positions of the next chunk, at least one and at most `rest`, when `done` of a prompt went before it. Sizes
 * that grow by g from `least` on sum up to least * (g^k - 1) / (g - 1) before the k-th: so each follows from
 * how much lies outside it, and nothing needs to be remembered.
 */
export function nextChunk(
  { most, opening, closing }: Chunking,
  done: number,
  rest: number
): number {
  const opened = opening.least + floorDiv((opening.growth - GROWTH_UNIT) * done, GROWTH_UNIT)
  const closed = floorDiv(
    closing.least * GROWTH_UNIT + (closing.growth - GROWTH_UNIT) * rest,
    closing.growth
  )
  const size = Math.min(most, opened, closed)
  if (rest <= size) return rest
  // A few positions by themselves would read all the weights once more.
  const isCrumb = 2 * (rest - size) < Math.min(most, opening.least, closing.least)
  return isCrumb ? ceilDiv(rest, 2) : size
}

/** Of each chunk of a whole prompt, its positions. */
export function chunkSizes(chunking: Chunking, nTokens: number): number[] {
  const sizes: number[] = []
  for (let done = 0; done < nTokens;) {
    const size = nextChunk(chunking, done, nTokens - done)
    sizes.push(size)
    done += size
  }
  return sizes
}
