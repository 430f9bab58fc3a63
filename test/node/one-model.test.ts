import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { besideAnother, describeRival, type ModelClaim } from '../../src/node/one-model.ts'
import { keyOf } from '../helpers/views.ts'

function claim(digit: string, upMs: number, changes: Partial<ModelClaim> = {}): ModelClaim {
  return {
    key: keyOf(digit),
    upMs,
    model: { id: digit.repeat(64), name: `${digit}.gguf`, givesWay: false },
    ...changes
  }
}

const same = { model: { id: '11'.repeat(32), name: 'x.gguf', givesWay: false } }

const ours = (digit: string, upMs: number): ModelClaim =>
  claim(digit, upMs, { model: { id: digit.repeat(64), name: 'ours', givesWay: true } })

function codeOf(own: ModelClaim, other: ModelClaim): string {
  const verdict = besideAnother(own, other, 'home')
  return verdict instanceof SwarmError ? verdict.code : verdict
}

test('one model - the younger of two gives way, and says what the topic serves', (t) => {
  const error = besideAnother(claim('b', 10), claim('a', 5000), 'home') as SwarmError
  t.is(error.code, 'MODEL_SECOND')
  t.is(
    error.message,
    "topic 'home' serves 'a.gguf' (aaaaaaaa), this peer has 'b.gguf' (bbbbbbbb); " +
      'use the same file, or join another topic'
  )
  t.is(codeOf(claim('a', 5000), claim('b', 10)), 'stays')
})

test('one model - of two of one age the greater key gives way', (t) => {
  t.is(codeOf(claim('a', 5), claim('b', 5)), 'stays')
  t.is(codeOf(claim('b', 5), claim('a', 5)), 'MODEL_SECOND')
})

test('one model - the one that comes with swarm is dropped for any other, whoever is older', (t) => {
  for (const [mine, theirs] of [
    [10, 5000],
    [5000, 10]
  ] as const) {
    t.is(codeOf(ours('a', mine), claim('b', theirs)), 'dropped')
    t.is(codeOf(claim('b', theirs), ours('a', mine)), 'stays')
  }
})

test('one model - of two versions of our own the younger is dropped and its peer stays', (t) => {
  t.is(codeOf(ours('b', 10), ours('a', 5000)), 'dropped')
  t.is(codeOf(ours('a', 5000), ours('b', 10)), 'stays')
})

test('one model - the same file under two names is one model', (t) => {
  const renamed = { model: { ...same.model, name: 'y.gguf' } }
  t.is(codeOf(claim('b', 1, same), claim('a', 9, renamed)), 'stays')
})

test('one model - a peer without a model is nobody to argue with', (t) => {
  t.is(codeOf(claim('b', 1), claim('a', 9, { model: null })), 'stays')
  t.is(codeOf(claim('b', 1, { model: null }), claim('a', 9)), 'stays')
})

test('one model - the peer that stays names who came, and clips foreign text', (t) => {
  t.is(
    describeRival(claim('b', 1)),
    "bbbbbbbb came with another model ('b.gguf' (bbbbbbbb)) and is left out"
  )
  const long = { id: 'b'.repeat(64), name: `${'n'.repeat(300)}\u001b[2J`, givesWay: false }
  const text = describeRival(claim('b', 1, { model: long }))
  t.ok(text.length < 150, `${text.length} characters`)
  t.absent(text.includes('\u001b'))
})
