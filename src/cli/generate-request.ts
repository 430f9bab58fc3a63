// Flags -> GenerateRequest, for `run`, `generate` and `chat` alike. Owns reading a prompt from standard
// input; the numbers are checked already.

import { MAX_TOKENS_DEFAULT, SAMPLING_DEFAULTS } from '../api/sampling-options.ts'
import type { GenerateRequest } from '../api/service.ts'
import { PROMPT_BYTES_MAX } from '../base/limits.ts'
import type { FlagValues } from './flags.ts'
import { readText } from './read-text.ts'

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
export function readPrompt(
  stdin: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal
): Promise<string> {
  return readText(stdin, 'the prompt on standard input', PROMPT_BYTES_MAX, signal)
}
