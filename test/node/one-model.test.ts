import test from 'brittle'

import { describeRival, secondModel, type ModelClaim } from '../../src/node/one-model.ts'
import { keyOf } from '../helpers/views.ts'

function claim(digit: string, upMs: number, changes: Partial<ModelClaim> = {}): ModelClaim {
  return {
    key: keyOf(digit),
    upMs,
    model: { id: digit.repeat(64), name: `${digit}.gguf` },
    ...changes
  }
}

const same = { model: { id: '11'.repeat(32), name: 'x.gguf' } }

test('one model - the younger of two gives way, and says what the topic serves', (t) => {
  const error = secondModel(claim('b', 10), claim('a', 5000), 'home')
  t.is(error?.code, 'MODEL_SECOND')
  t.is(
    error?.message,
    "topic 'home' serves 'a.gguf' (aaaaaaaa), this peer has 'b.gguf' (bbbbbbbb); " +
      'use the same file, or join another topic'
  )
  t.is(secondModel(claim('a', 5000), claim('b', 10), 'home'), null)
})

test('one model - of two of one age the greater key gives way', (t) => {
  t.is(secondModel(claim('a', 5), claim('b', 5), 'home'), null)
  t.is(secondModel(claim('b', 5), claim('a', 5), 'home')?.code, 'MODEL_SECOND')
})

test('one model - the same file under two names is one model', (t) => {
  const renamed = { model: { ...same.model, name: 'y.gguf' } }
  t.is(secondModel(claim('b', 1, same), claim('a', 9, renamed), 'home'), null)
})

test('one model - a peer without a model is nobody to argue with', (t) => {
  t.is(secondModel(claim('b', 1), claim('a', 9, { model: null }), 'home'), null)
  t.is(secondModel(claim('b', 1, { model: null }), claim('a', 9), 'home'), null)
})

test('one model - the peer that stays names who came, and clips foreign text', (t) => {
  t.is(
    describeRival(claim('b', 1)),
    "bbbbbbbb came with another model ('b.gguf' (bbbbbbbb)) and is left out"
  )
  const long = { id: 'b'.repeat(64), name: `${'n'.repeat(300)}\u001b[2J` }
  const text = describeRival(claim('b', 1, { model: long }))
  t.ok(text.length < 150, `${text.length} characters`)
  t.absent(text.includes('\u001b'))
})
