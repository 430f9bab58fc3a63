import test, { type Test } from 'brittle'
import {
  LOGIT_BIAS_MAX,
  STOP_TEXTS_MAX,
  STOP_TEXT_CHARS_MAX,
  VOCAB_MAX
} from '../../src/base/limits.ts'
import type { JsonObject } from '../../src/api/fields.ts'
import { readChatRequest, readCompletionRequest } from '../../src/api/openai-request.ts'

const user = { role: 'user', content: 'x' }
const completion = (fields: JsonObject) => readCompletionRequest({ prompt: 'x', ...fields })
const chat = (fields: JsonObject) => readChatRequest({ messages: [user], ...fields })

test('openai request - absent fields are left to the model', (t) => {
  const { generate, stream, includeUsage, model } = completion({})
  t.alike(generate, {
    prompt: 'x',
    sampling: { bias: [] },
    stop: [],
    kvType: 'f16',
    private: true
  })
  t.alike([stream, includeUsage, model], [false, false, undefined])
})

test('openai request - null counts as absent', (t) => {
  const names = ['temperature', 'seed', 'stop', 'stream', 'logit_bias', 'max_tokens', 'n', 'suffix']
  t.alike(completion(Object.fromEntries(names.map((name) => [name, null]))), completion({}))
})

test('openai request - every field arrives under our name', (t) => {
  const { generate, stream, includeUsage, model } = completion({
    model: 'm',
    temperature: 0,
    top_k: 7,
    top_p: 0.5,
    min_p: 0.25,
    presence_penalty: -2,
    frequency_penalty: 2,
    logit_bias: { '5': -100, '1048575': 1.5 },
    seed: Number.MAX_SAFE_INTEGER,
    stop: ['a', 'b'],
    max_tokens: 9,
    private: false,
    stream: true,
    stream_options: { include_usage: true }
  })
  t.alike(generate, {
    prompt: 'x',
    private: false,
    sampling: {
      temperature: 0,
      topK: 7,
      topP: 0.5,
      minP: 0.25,
      presencePenalty: -2,
      frequencyPenalty: 2,
      bias: [
        { id: 5, value: -100 },
        { id: 1048575, value: 1.5 }
      ],
      seed: Number.MAX_SAFE_INTEGER
    },
    stop: ['a', 'b'],
    kvType: 'f16',
    maxTokens: 9
  })
  t.alike([stream, includeUsage, model], [true, true, 'm'])
})

test('openai request - unknown fields are ignored', (t) => {
  t.alike(
    completion({ user: 'u', metadata: {}, store: true, service_tier: 'auto' }),
    completion({})
  )
})

test('openai request - one stop string is a list of one', (t) => {
  t.alike(completion({ stop: '\n' }).generate.stop, ['\n'])
})

test('openai request - the newer name of max_tokens counts the same', (t) => {
  t.is(chat({ max_completion_tokens: 3 }).generate.maxTokens, 3)
  t.is(chat({ max_completion_tokens: 3, max_tokens: 3 }).generate.maxTokens, 3)
  refused(t, () => chat({ max_completion_tokens: 3, max_tokens: 4 }), 'max_tokens')
})

test('openai request - a prompt is one string, also inside an array', (t) => {
  t.is(completion({ prompt: ['y'] }).generate.prompt, 'y')
  t.is(completion({ prompt: '' }).generate.prompt, '')
})

test('openai request - content is a string or text parts, joined', (t) => {
  const parts = [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' }
  ]
  t.alike(chat({ messages: [{ role: 'user', content: parts }] }).generate.messages, [
    { role: 'user', content: 'ab' }
  ])
})

test('openai request - developer is the newer word for system', (t) => {
  const { generate } = chat({ messages: [{ role: 'developer', content: 'x' }] })
  t.alike(generate.messages, [{ role: 'system', content: 'x' }])
})

// Every field of both routes with values of wrong type or out of range: each is refused by its name.
const SHARED_BAD: [string, unknown[]][] = [
  ['temperature', ['1', true, [], {}, -0.1, 10.1, NaN, Infinity]],
  ['top_k', ['1', 1.5, -1, VOCAB_MAX + 1]],
  ['top_p', ['1', -0.1, 1.1, {}]],
  ['min_p', ['1', -0.1, 1.1, []]],
  ['presence_penalty', ['1', -2.1, 2.1, false]],
  ['frequency_penalty', ['1', -2.1, 2.1, false]],
  ['seed', ['1', -1, 1.5, 2 ** 53, {}]],
  [
    'stop',
    [1, {}, [1], [''], '', 'x'.repeat(STOP_TEXT_CHARS_MAX + 1), Array(STOP_TEXTS_MAX + 1).fill('a')]
  ],
  ['max_tokens', ['1', 0, 1.5, -1, 2 ** 20 + 1]],
  ['max_completion_tokens', ['1', 0, 1.5]],
  ['stream', ['true', 1, {}]],
  ['stream_options', [true, 'x', []]],
  ['model', [1, {}, []]],
  ['logit_bias', ['x', [], { x: 1 }, { '-1': 1 }, { [VOCAB_MAX]: 1 }, { '1.5': 1 }]],
  ['n', [0, 2, '1', {}]],
  ['logprobs', [true, 0, 5, 'x']]
]

test('openai request - a wrong value of every shared field is refused by name', (t) => {
  for (const [name, values] of SHARED_BAD) {
    for (const value of values) {
      refused(t, () => completion({ [name]: value }), name)
      refused(t, () => chat({ [name]: value }), name)
    }
  }
  refused(t, () => completion({ stream_options: { include_usage: 1 } }), 'include_usage')
  refused(t, () => completion({ logit_bias: { '1': 101 } }), 'logit_bias.1')
  refused(t, () => completion({ logit_bias: { '1': '1' } }), 'logit_bias.1')
})

test('openai request - the bias table has a bound', (t) => {
  const table = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i), 1]))
  t.is(
    completion({ logit_bias: table(LOGIT_BIAS_MAX) }).generate.sampling.bias?.length,
    LOGIT_BIAS_MAX
  )
  refused(t, () => completion({ logit_bias: table(LOGIT_BIAS_MAX + 1) }), 'logit_bias')
})

test('openai request - what a completion cannot do is refused, not dropped', (t) => {
  const cases: [string, unknown, unknown][] = [
    ['echo', true, false],
    ['suffix', 'x', ''],
    ['best_of', 2, 1],
    ['logprobs', 5, null],
    ['prompt', ['a', 'b'], ['a']],
    ['prompt', [1, 2], 'a'],
    ['prompt', [[1]], 'a']
  ]
  for (const [name, bad, harmless] of cases) {
    refused(t, () => completion({ [name]: bad }), name, 'USAGE_UNSUPPORTED')
    t.ok(completion({ [name]: harmless }), `${name} without effect`)
  }
})

test('openai request - what a chat cannot do is refused, not dropped', (t) => {
  const tool = { type: 'function', function: { name: 'f' } }
  const cases: [string, unknown, unknown][] = [
    ['tools', [tool], []],
    ['tool_choice', 'required', 'auto'],
    ['functions', [{}], []],
    ['function_call', 'auto', 'none'],
    ['response_format', { type: 'json_object' }, { type: 'text' }],
    ['modalities', ['text', 'audio'], ['text']],
    ['audio', {}, null],
    ['logprobs', true, false],
    ['top_logprobs', 3, 0]
  ]
  for (const [name, bad, harmless] of cases) {
    refused(t, () => chat({ [name]: bad }), name, 'USAGE_UNSUPPORTED')
    t.ok(chat({ [name]: harmless }), `${name} without effect`)
  }
})

test('openai request - a wrong message is refused with its place', (t) => {
  const cases: [unknown, string][] = [
    ['x', 'messages'],
    [[], 'messages'],
    [{}, 'messages'],
    [['x'], 'messages[0]'],
    [[user, null], 'messages[1]'],
    [[{ content: 'x' }], 'messages[0].role'],
    [[{ role: 1, content: 'x' }], 'messages[0].role'],
    [[{ role: 'tool', content: 'x' }], 'messages[0].role'],
    [[{ role: 'user' }], 'messages[0].content'],
    [[{ role: 'user', content: 1 }], 'messages[0].content'],
    [[{ role: 'user', content: ['x'] }], 'messages[0].content[0]'],
    [[{ role: 'user', content: [{ type: 'image_url' }] }], 'messages[0].content[0]'],
    [[{ role: 'user', content: [{ type: 'text', text: 1 }] }], 'messages[0].content[0].text'],
    [[{ role: 'assistant', content: 'x', tool_calls: [{}] }], 'messages[0].tool_calls'],
    [Array.from({ length: 4097 }, () => user), 'messages']
  ]
  for (const [messages, param] of cases) refused(t, () => chat({ messages }), param)
})

test('openai request - a missing prompt or messages is named', (t) => {
  refused(t, () => readCompletionRequest({}), 'prompt', 'USAGE_MISSING')
  refused(t, () => readChatRequest({}), 'messages', 'USAGE_MISSING')
})

test('openai request - names of the object prototype are no fields', (t) => {
  const body = JSON.parse('{"prompt":"x","__proto__":{"temperature":5}}') as JsonObject
  t.is(readCompletionRequest(body).generate.sampling.temperature, undefined)
})

function refused(t: Test, read: () => unknown, param: string, code?: string): void {
  try {
    read()
    t.fail(`${param} was accepted`)
  } catch (error) {
    const { code: found, param: named, message } = error as Record<string, string>
    t.ok(named === param && found?.startsWith('USAGE_'), `${param}: ${found} ${named} ${message}`)
    t.ok((message ?? '').startsWith(param), message)
    if (code !== undefined) t.is(found, code)
  }
}
