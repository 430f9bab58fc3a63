// The vocabulary that training/ learns, read by the product: the same ids, the same prompts.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'brittle'
import { FileSource } from '../../src/model/byte-source.ts'
import { ChatTemplate } from '../../src/model/chat-template.ts'
import { readGguf } from '../../src/model/gguf.ts'
import { readTokenizer } from '../../src/model/tokenizer/tokenizer.ts'
import { pythonTest, type Python } from './python.ts'

interface Samples {
  conversations: {
    messages: { role: string; content: string }[]
    prompt: string
    answer: string
    ids: number[]
  }[]
  texts: { text: string; ids: number[] }[]
}

async function learnt(t: Test, python: Python) {
  const folder = await t.tmp()
  const at = (name: string) => join(folder, name)
  python('training/tokenizer.py', '--cases', '2000', '--vocab', '1024', '--out', at('t.json'))
  const files = ['--file', at('v.gguf'), '--ids', at('ids.json')]
  python('training/vocabulary_file.py', '--tokenizer', at('t.json'), ...files)
  const source = await FileSource.open(at('v.gguf'))
  const { metadata } = await readGguf(source)
  await source.close()
  const samples = JSON.parse(readFileSync(at('ids.json'), 'utf8')) as Samples
  return { metadata, tokenizer: readTokenizer(metadata), samples }
}

pythonTest(
  'trained vocabulary - our tokenizer gives the ids of training',
  [],
  async (t, python) => {
    const { tokenizer, samples } = await learnt(t, python)
    t.is(tokenizer.vocabSize, 1024)
    t.is(tokenizer.addsBos, false)
    t.alike(tokenizer.stopIds, [0])
    t.is(samples.conversations.length, 200)
    const end = tokenizer.textOf(0)
    const wrong = samples.conversations.filter(({ prompt, answer, ids }) => {
      const ours = tokenizer.encode(prompt + answer + end, { special: true, bos: true })
      return ours.join() !== ids.join()
    })
    t.alike(wrong, [])
  }
)

pythonTest('trained vocabulary - every text comes back, odd ones too', [], async (t, python) => {
  const { tokenizer, samples } = await learnt(t, python)
  for (const { text, ids } of samples.texts) {
    const ours = tokenizer.encode(text, { special: false, bos: false })
    t.alike([...ours], ids, JSON.stringify(text))
    t.is(tokenizer.decode(ours), text)
  }
})

pythonTest(
  'trained vocabulary - its chat template renders the prompts of training',
  [],
  async (t, python) => {
    const { metadata, samples } = await learnt(t, python)
    const template = new ChatTemplate(metadata.text('tokenizer.chat_template') as string)
    const options = { addGenerationPrompt: true, bosToken: '', eosToken: '', now: new Date(0) }
    t.ok(samples.conversations.some(({ messages }) => messages.length > 1))
    for (const { messages, prompt } of samples.conversations) {
      t.is(template.render(messages, options), prompt)
    }
  }
)
