import test from 'brittle'

import { HINTS_MAX } from '../../../src/base/limits.ts'
import { DialPolicy } from '../../../src/peer/find/dial-policy.ts'

import type { PeerId } from '../../../src/wire/ids.ts'

const id = (digit: string) => digit.repeat(64) as PeerId
const at = (host: string) => ({ host, family: 'IPv4', dhtPort: 1, lanePort: 2 }) as const

test('dial policy - the greater key dials at once, then once a second', (t) => {
  const policy = new DialPolicy(id('5'))
  policy.hint(id('3'), at('a'), 0)
  t.ok(policy.takeDial(id('3'), 0))
  t.absent(policy.takeDial(id('3'), 500))
  t.ok(policy.takeDial(id('3'), 1000))
})

test('dial policy - the lower key steps in only when nothing came of it', (t) => {
  const policy = new DialPolicy(id('5'))
  policy.hint(id('7'), at('a'), 0)
  t.absent(policy.takeDial(id('7'), 0))
  t.absent(policy.takeDial(id('7'), 400))
  t.ok(policy.takeDial(id('7'), 500))
})

test('dial policy - after a loss the greater key goes first again', (t) => {
  const policy = new DialPolicy(id('5'))
  policy.hint(id('7'), at('a'), 0)
  policy.restart(id('7'), 60_000)
  t.absent(policy.takeDial(id('7'), 60_100))
  t.ok(policy.takeDial(id('7'), 60_500))
})

test('dial policy - after two that crossed the greater key dials at once, but once a second', (t) => {
  const greater = new DialPolicy(id('5'))
  greater.hint(id('3'), at('a'), 0)
  t.ok(greater.takeDial(id('3'), 0))
  t.ok(greater.takeAgain(id('3'), 100), 'whatever was dialled just now')
  t.absent(greater.takeAgain(id('3'), 1099))
  t.absent(greater.takeDial(id('3'), 1099), 'a hint makes no second dial of it')
  t.ok(greater.takeAgain(id('3'), 1100))
  t.ok(greater.takeAgain(id('2'), 1100), 'also one that no beacon told of')
  const lower = new DialPolicy(id('3'))
  lower.hint(id('5'), at('a'), 0)
  t.absent(lower.takeAgain(id('5'), 5000))
})

test('dial policy - a held peer is not dialled again either', (t) => {
  const policy = new DialPolicy(id('5'))
  policy.hint(id('3'), at('a'), 0)
  policy.hold(id('3'), 30_000)
  t.absent(policy.takeAgain(id('3'), 1000))
})

test('dial policy - a held peer is left alone until then', (t) => {
  const policy = new DialPolicy(id('5'))
  policy.hint(id('3'), at('a'), 0)
  policy.hold(id('3'), 30_000)
  t.absent(policy.takeDial(id('3'), 29_999))
  t.ok(policy.takeDial(id('3'), 30_000))
})

test('dial policy - nobody is dialled without a hint', (t) => {
  t.absent(new DialPolicy(id('5')).takeDial(id('3'), 0))
})

test('dial policy - addresses come newest first, are few and grow old', (t) => {
  const policy = new DialPolicy(id('5'))
  for (const [index, host] of [...'abcdefghia'].entries()) {
    policy.hint(id('3'), at(host), index * 100)
  }
  const hosts = (nowMs: number) => policy.addresses(id('3'), nowMs).map(({ host }) => host)
  t.alike(hosts(900), [...'aihgfedc'])
  t.alike(hosts(5750), ['a', 'i'])
  t.alike(hosts(60_000), [])
})

test('dial policy - its table is bounded and forgets the oldest', (t) => {
  const policy = new DialPolicy(id('0'))
  const peer = (index: number) => index.toString(16).padStart(64, '0') as PeerId
  const forgotten: (PeerId | null)[] = []
  for (let index = 1; index <= HINTS_MAX + 10; index++) {
    forgotten.push(policy.hint(peer(index), at('a'), index))
  }
  t.is(policy.addresses(peer(10), 300).length, 0)
  t.is(policy.addresses(peer(11), 300).length, 1)
  const all = [...forgotten, ...policy.expire(1_000_000)].filter((one) => one !== null)
  t.is(new Set(all).size, HINTS_MAX + 10, 'whoever is forgotten is told, so that nothing stays')
})
