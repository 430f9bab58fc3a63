// Flags -> GenerateRequest, for `run`, `generate` and `chat` alike. Owns reading a prompt from standard
// input; the numbers are checked already.

import { MAX_TOKENS_DEFAULT } from '../api/sampling-options.ts'
import type { GenerateRequest } from '../api/service.ts'
import { given } from '../base/given.ts'
import { PROMPT_BYTES_MAX } from '../base/limits.ts'
import type { FlagValues } from './flags.ts'
import { readText } from './read-text.ts'

/** Everything but the prompt. */
export function samplingRequest(flags: FlagValues): GenerateRequest {
  return {
    maxTokens: flags['max-tokens'] ?? MAX_TOKENS_DEFAULT,
    sampling: given({
      temperature: flags.temp,
      topK: flags['top-k'],
      topP: flags['top-p'],
      minP: flags['min-p'],
      seed: flags.seed
    }),
    stop: flags.stop ?? [],
    kvType: flags.kv ?? 'f16',
    ...(flags.verify ? { verify: flags.verify } : {}),
    ...(flags['no-speculation'] ? { speculation: false } : {}),
    ...(flags.ctx === undefined ? {} : { contextTokens: flags.ctx }),
    ...(flags.private ? { private: true } : {})
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
export function readPrompt(
  stdin: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal
): Promise<string> {
  return readText(stdin, 'the prompt on standard input', PROMPT_BYTES_MAX, signal)
}
