import test from 'brittle'
import { PROMPT_BYTES_MAX } from '../../src/base/limits.ts'
import { parseArgs } from '../../src/cli/args.ts'
import { generateRequest, readPrompt } from '../../src/cli/generate-request.ts'

const { signal } = new AbortController()

async function* pieces(...list: (Buffer | string)[]): AsyncGenerator<Buffer | string> {
  yield* list
}

test('generate request - every flag arrives under its name', async (t) => {
  const line =
    'generate -p hello -n 9 --temp 0 --seed 8 --top-k 7 --top-p 0.6 --min-p 0.5 --stop a --stop b ' +
    '--ctx 99 --kv f32 --verify 0.25 --no-speculation'
  const { flags } = parseArgs(line.split(' '), {})
  t.alike(await generateRequest(flags, pieces(), signal), {
    prompt: 'hello',
    maxTokens: 9,
    sampling: { temperature: 0, topK: 7, topP: 0.6, minP: 0.5, seed: 8 },
    stop: ['a', 'b'],
    kvType: 'f32',
    verify: 0.25,
    contextTokens: 99,
    speculation: false
  })
})

test('generate request - --chat makes the prompt a message', async (t) => {
  const { flags } = parseArgs(['generate', '-p', 'hello', '--chat'], {})
  const request = await generateRequest(flags, pieces(), signal)
  t.alike(request.messages, [{ role: 'user', content: 'hello' }])
  t.is(request.prompt, undefined)
})

test('generate request - standard input may break inside a character', async (t) => {
  const bytes = Buffer.from('ž漢\u{1f600}\n')
  for (let cut = 0; cut <= bytes.length; cut++) {
    const input = pieces(bytes.subarray(0, cut), bytes.subarray(cut))
    t.is(await readPrompt(input, signal), 'ž漢\u{1f600}')
  }
})

test('generate request - only the last line break is taken off', async (t) => {
  t.is(await readPrompt(pieces('a\n\n'), signal), 'a\n')
  t.is(await readPrompt(pieces('a\r\n'), signal), 'a')
  t.is(await readPrompt(pieces(' a '), signal), ' a ')
})

test('generate request - a prompt at the bound is taken, one byte more is refused', async (t) => {
  const half = Buffer.alloc(PROMPT_BYTES_MAX / 2, 0x61)
  t.is((await readPrompt(pieces(half, half), signal)).length, PROMPT_BYTES_MAX)
  await t.exception(readPrompt(pieces(half, half, 'a'), signal), { code: 'USAGE_TOO_LARGE' })
})

test('generate request - waiting for standard input can be aborted', async (t) => {
  const controller = new AbortController()
  const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
  const reading = t.exception(readPrompt(never, controller.signal), { name: 'AbortError' })
  controller.abort()
  await reading
})
