import test from 'brittle'

import { Solitude } from '../../src/pipeline/solitude.ts'

test('solitude - the only session is alone from its first step on', (t) => {
  const solitude = new Solitude<string>()
  t.ok(solitude.begins(['a'], 5))
  t.ok(solitude.begins(['a'], 6))
})

test('solitude - who shares steps, or takes turns, is not alone until a second later', (t) => {
  const together = new Solitude<string>()
  t.ok(together.begins(['a'], 0))
  t.absent(together.begins(['a', 'b'], 10))
  t.absent(together.begins(['a'], 1010))
  t.ok(together.begins(['a'], 1011))

  const inTurn = new Solitude<string>()
  inTurn.begins(['a'], 0)
  t.absent(inTurn.begins(['b'], 10))
  t.absent(inTurn.begins(['a'], 20))
  t.absent(inTurn.begins(['a'], 1010))
  t.ok(inTurn.begins(['a'], 1011))
})

test('solitude - one that ended, or waits for its user, is no company', (t) => {
  const solitude = new Solitude<string>()
  solitude.begins(['a', 'b'], 0)
  solitude.ended('a')
  t.ok(solitude.begins(['b'], 10), 'the other has ended')
  solitude.ended('b')
  t.ok(solitude.begins(['c'], 20))
  solitude.ended('a')
  t.absent(solitude.begins(['d'], 30), 'that is not who was there')
  t.ok(solitude.begins(['d'], 5000), 'long after')
  t.absent(solitude.begins([], 5001), 'a step of nobody is nobody alone')
})
