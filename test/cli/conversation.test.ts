import test from 'brittle'
import { SAMPLING_DEFAULTS } from '../../src/wire/sampling-defaults.ts'
import { Conversation } from '../../src/cli/conversation.ts'
import { resultOf } from '../helpers/scripted-service.ts'

const REQUEST = { sampling: SAMPLING_DEFAULTS, stop: [], kvType: 'f16' as const }

function answer(talk: Conversation, question: string, text: string) {
  const request = talk.ask(question)
  talk.answered(question, resultOf(request, text, [1], 5))
  return request
}

test('conversation - every turn asks with all before it and the session', (t) => {
  const talk = new Conversation(REQUEST, 'be brief')
  const first = answer(talk, 'one', 'two')
  t.alike(first.messages, [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'one' }
  ])
  t.is(first.session, undefined)
  t.ok(first.keep)
  const second = talk.ask('three')
  t.alike(second.messages?.slice(1), [
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: 'three' }
  ])
  t.is(second.session, 'f'.repeat(32))
})

test('conversation - a turn that failed leaves no trace', (t) => {
  const talk = new Conversation(REQUEST, undefined)
  answer(talk, 'one', 'two')
  talk.ask('lost')
  t.is(talk.messages.length, 2)
  t.is(talk.session, 'f'.repeat(32))
})

test('conversation - a stopped answer stays as far as it was read, its session not', (t) => {
  const talk = new Conversation(REQUEST, undefined)
  answer(talk, 'one', 'two')
  talk.ask('three')
  talk.stopped('three', 'fo')
  t.alike(talk.messages.at(-1), { role: 'assistant', content: 'fo' })
  t.is(talk.session, undefined)
})

test('conversation - clearing keeps the instructions only', (t) => {
  const talk = new Conversation(REQUEST, 'be brief')
  answer(talk, 'one', 'two')
  talk.clear()
  t.alike(talk.messages, [{ role: 'system', content: 'be brief' }])
  t.is(talk.session, undefined)
})
