import test from 'brittle'

import { reroutedText } from '../../src/pipeline/reroute-text.ts'
import { keyOf } from '../helpers/views.ts'

import type { PeerId } from '../../src/wire/ids.ts'

const NAMES = new Map(
  ['atlas', 'boron', 'cobalt', 'delta'].map((name) => [keyOf(name.slice(0, 1)), name])
)
const nameOf = (peer: PeerId) => NAMES.get(peer) ?? peer

function stage(letter: string, start: number, end: number) {
  return { peer: keyOf(letter), start, end }
}

const BEFORE = [stage('a', 0, 4), stage('b', 4, 8), stage('c', 8, 12)]

test('reroute text - names who is out and who computes the layers now', (t) => {
  const after = [stage('a', 0, 4), stage('d', 4, 8), stage('c', 8, 12)]
  t.is(reroutedText(BEFORE, after, nameOf), 'boron is out; layers 4-7 go on over delta')
})

test('reroute text - the layers of one go to several, and those of two to one', (t) => {
  const split = [stage('a', 0, 4), stage('a', 4, 6), stage('d', 6, 8), stage('c', 8, 12)]
  const text = 'boron is out; layers 4-5 go on over atlas, layers 6-7 go on over delta'
  t.is(reroutedText(BEFORE, split, nameOf), text)
  const joined = [stage('a', 0, 4), stage('d', 4, 12)]
  t.is(reroutedText(BEFORE, joined, nameOf), 'boron, cobalt are out; layers 4-11 go on over delta')
})

test('reroute text - who takes several stages is named once', (t) => {
  const rounds = [stage('a', 0, 2), stage('b', 2, 4), stage('a', 4, 6), stage('b', 6, 8)]
  const after = [stage('a', 0, 2), stage('c', 2, 4), stage('a', 4, 6), stage('c', 6, 8)]
  t.is(reroutedText(rounds, after, nameOf), 'boron is out; layers 2-3, 6-7 go on over cobalt')
})

test('reroute text - the same stages again are no change of hands', (t) => {
  t.is(reroutedText(BEFORE, BEFORE, nameOf), 'the answer goes on over the same peers')
})
