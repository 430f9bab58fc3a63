// Flags -> GenerateRequest, for `run`, `generate` and `chat` alike. Owns reading a prompt from standard
// input; the numbers are checked already.

import { MAX_TOKENS_DEFAULT, SAMPLING_DEFAULTS } from '../api/sampling-options.ts'
import type { GenerateRequest } from '../api/service.ts'
import { SwarmError } from '../base/errors.ts'
import { PROMPT_BYTES_MAX } from '../base/limits.ts'
import { formatSize } from '../base/text.ts'
import type { FlagValues } from './flags.ts'

/** Everything but the prompt. */
export function samplingRequest(flags: FlagValues): GenerateRequest {
  return {
    maxTokens: flags['max-tokens'] ?? MAX_TOKENS_DEFAULT,
    sampling: {
      ...SAMPLING_DEFAULTS,
      temperature: flags.temp ?? SAMPLING_DEFAULTS.temperature,
      topK: flags['top-k'] ?? SAMPLING_DEFAULTS.topK,
      topP: flags['top-p'] ?? SAMPLING_DEFAULTS.topP,
      minP: flags['min-p'] ?? SAMPLING_DEFAULTS.minP,
      ...(flags.seed === undefined ? {} : { seed: flags.seed })
    },
    stop: flags.stop ?? [],
    kvType: flags.kv ?? 'f16',
    ...(flags.ctx === undefined ? {} : { contextTokens: flags.ctx })
  }
}

/** @throws USAGE_BAD_VALUE, USAGE_TOO_LARGE for standard input; AbortError. */
export async function generateRequest(
  flags: FlagValues,
  stdin: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal
): Promise<GenerateRequest> {
  const given = flags.prompt ?? ''
  const text = given === '-' ? await readPrompt(stdin, signal) : given
  const request = samplingRequest(flags)
  return flags.chat
    ? { ...request, messages: [{ role: 'user', content: text }] }
    : { ...request, prompt: text }
}

/** All of standard input, without the line break that ends a text file. */
export async function readPrompt(
  stdin: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal
): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of until(stdin, signal)) {
    sizeBytes += Buffer.byteLength(chunk)
    if (sizeBytes > PROMPT_BYTES_MAX) {
      const most = formatSize(PROMPT_BYTES_MAX)
      throw new SwarmError('USAGE_TOO_LARGE', `the prompt on standard input is above ${most}`)
    }
    chunks.push(Buffer.from(chunk as Uint8Array))
  }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return decoder.decode(Buffer.concat(chunks)).replace(/\r?\n$/, '')
  } catch {
    throw new SwarmError('USAGE_BAD_VALUE', 'the prompt on standard input is not UTF-8 text')
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
