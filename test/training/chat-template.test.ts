// The chat template that training/export.py puts into every model file, rendered by the product.

import { readFileSync } from 'node:fs'
import test from 'brittle'
import { ChatTemplate } from '../../src/model/chat-template.ts'

const template = new ChatTemplate(readFileSync('training/chat-template.jinja', 'utf8'))

function render(messages: object[], addGenerationPrompt: boolean): string {
  return template.render(messages, {
    addGenerationPrompt,
    bosToken: '',
    eosToken: '<|end|>',
    now: new Date(0)
  })
}

test('sentinel template - a question is opened, closed and followed by the answer', (t) => {
  t.is(
    render([{ role: 'user', content: ' $ gti status\nexit 127\n' }], true),
    '<|user|>\n$ gti status\nexit 127<|end|>\n<|assistant|>\n'
  )
})

test('sentinel template - answers before stand in the order in which they were given', (t) => {
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'Hello.' },
    { role: 'user', content: '$ ls' }
  ]
  t.is(
    render(messages, false),
    '<|user|>\nhi<|end|>\n<|assistant|>\nHello.<|end|>\n<|user|>\n$ ls<|end|>\n'
  )
})

test('sentinel template - what it was not trained on leaves no trace', (t) => {
  const messages = [
    { role: 'system', content: 'You are kind.' },
    { role: 'tool', content: '{}' },
    { role: 'user', content: 'hi' }
  ]
  t.is(render(messages, true), '<|user|>\nhi<|end|>\n<|assistant|>\n')
})
