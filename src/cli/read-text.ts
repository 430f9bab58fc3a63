// Text from outside, whole and within a bound: standard input or a file. Owns the refusals: too large,
// not text, and the wait that a signal ends.

import { SwarmError } from '../base/errors.ts'
import { formatSize } from '../base/text.ts'

/**
 * @param what is read, for messages: `the prompt on standard input`.
 * @returns the text without the line break that ends a text file.
 * @throws USAGE_BAD_VALUE, USAGE_TOO_LARGE; AbortError.
 */
export async function readText(
  pieces: AsyncIterable<Uint8Array | string>,
  what: string,
  bytesMax: number,
  signal: AbortSignal
): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of until(pieces, signal)) {
    sizeBytes += Buffer.byteLength(chunk)
    if (sizeBytes > bytesMax) {
      throw new SwarmError('USAGE_TOO_LARGE', `${what} is above ${formatSize(bytesMax)}`)
    }
    chunks.push(Buffer.from(chunk as Uint8Array))
  }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return decoder.decode(Buffer.concat(chunks)).replace(/\r?\n$/, '')
  } catch {
    throw new SwarmError('USAGE_BAD_VALUE', `${what} is not UTF-8 text`)
  }
}

/** The same pieces; a signal ends the wait for the next one. */
async function* until<T>(pieces: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted()
  const iterator = pieces[Symbol.asyncIterator]()
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted])
      if (next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
