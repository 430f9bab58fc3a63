import test from 'brittle'
import { below, seededRandom } from '../../../src/base/random.ts'
import {
  preTokenizer,
  splitWords,
  type PreTokenizer
} from '../../../src/model/tokenizer/pre-tokenizers.ts'

const NAMES = [
  'default',
  'gpt-2',
  'llama-bpe',
  'qwen2',
  'smollm',
  'tekken',
  'deepseek-llm',
  'deepseek-coder',
  'deepseek-v3'
]

function words(name: string, text: string): string[] {
  return splitWords(text, (preTokenizer(name) as PreTokenizer).patterns)
}

test('pre-tokenizers - the pieces are the text', (t) => {
  const random = seededRandom(3)
  const parts = [
    "I'm",
    ' 12',
    '345',
    '\n',
    '\r\n',
    '   ',
    '\t',
    'é',
    '\u4E2D',
    '\u{1F436}',
    '!?',
    '_'
  ]
  for (const name of NAMES) {
    for (let round = 0; round < 200; round++) {
      let text = ''
      for (let i = below(random, 20); i > 0; i--) text += parts[below(random, parts.length)]
      const pieces = words(name, text)
      if (pieces.join('') !== text || pieces.includes('')) {
        t.fail(`${name}: ${JSON.stringify(text)} as ${JSON.stringify(pieces)}`)
      }
    }
    t.pass(name)
  }
})

test('pre-tokenizers - digits stay together as each model has it', (t) => {
  t.alike(words('gpt-2', 'x12345'), ['x', '12345'])
  t.alike(words('llama-bpe', 'x12345'), ['x', '123', '45'])
  t.alike(words('qwen2', 'x12345'), ['x', '1', '2', '3', '4', '5'])
  t.alike(words('smollm', 'x123'), ['x', '1', '2', '3'])
  t.alike(words('deepseek-llm', 'x12345'), ['x', '12345'])
})

test('pre-tokenizers - a word takes the space before it, not the rest of the run', (t) => {
  t.alike(words('gpt-2', 'a   b'), ['a', '  ', ' b'])
  t.alike(words('llama-bpe', 'a   b\n'), ['a', '  ', ' b', '\n'])
  t.alike(words('qwen2', '  \n\n x'), ['  \n\n', ' x'])
})

test('pre-tokenizers - contractions in capitals split where the model says so', (t) => {
  t.alike(words('gpt-2', "I'M"), ['I', "'", 'M'])
  t.alike(words('llama-bpe', "I'M"), ['I', "'M"])
})

test('pre-tokenizers - case divides words for tekken', (t) => {
  t.alike(words('tekken', 'camelCase'), ['camel', 'Case'])
  t.alike(words('qwen2', 'camelCase'), ['camelCase'])
})

test('pre-tokenizers - aliases are the same rule, unknown names none', (t) => {
  t.is(preTokenizer('llama3'), preTokenizer('llama-bpe'))
  t.is(preTokenizer('deepseek-r1-qwen'), preTokenizer('qwen2'))
  t.is(preTokenizer('no such rule'), null)
  t.is(preTokenizer(''), null)
})
