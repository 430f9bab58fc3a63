import test from 'brittle'

import { chooseSession } from '../../src/cli/command/sessions.ts'
import { mergeSessions } from '../../src/node/known-sessions.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { keyOf } from '../helpers/views.ts'

import type { SessionStatus } from '../../src/api/service.ts'
import type { Sighting } from '../../src/pipeline/inquiries.ts'

const ID = sessionIdOf(new Uint8Array(16).fill(7))

function sighting(changes: Partial<Sighting>): Sighting {
  const who = {
    session: ID,
    origin: keyOf('b'),
    by: keyOf('c'),
    epoch: 2,
    state: 'orphan' as const
  }
  return { ...who, modelId: 'ee'.repeat(32), promptTokens: 3, tokens: 4, ageMs: 10, ...changes }
}

const merge = (seen: Sighting[]) => mergeSessions([], seen, keyOf('a'), (id) => id.slice(0, 4))

test('known sessions - each is listed once, as the newest epoch and most tokens say', (t) => {
  const seen = [sighting({}), sighting({ tokens: 9 }), sighting({ epoch: 1, tokens: 50 })]
  const [session, ...others] = merge(seen)
  t.alike([session?.tokens, session?.model, others.length], [9, 'eeee', 0])
})

test('known sessions - an origin that any stage still hears is no orphan', (t) => {
  t.is(merge([sighting({ tokens: 9 }), sighting({ state: 'answering' })])[0]?.state, 'answering')
})

test('attach - takes the only orphan, or the one whose id begins so', (t) => {
  const status = (id: string, state: SessionStatus['state']): SessionStatus => {
    const names = { origin: 'k', originName: 'n', self: false, model: 'm' }
    return { id, state, ...names, promptTokens: 1, tokens: 1, ageMs: 1 }
  }
  const list = [status('aa11', 'answering'), status('bb22', 'orphan')]
  t.is(chooseSession(list, undefined), 'bb22')
  t.is(chooseSession(list, 'aa'), 'aa11')
  const two = [...list, status('bb33', 'orphan')]
  for (const [given, code] of [
    [undefined, 'USAGE_MISSING'],
    ['bb', 'USAGE_MISSING'],
    ['cc', 'USAGE_BAD_VALUE']
  ] as const) {
    const choice = chooseSession(two, given)
    t.is(typeof choice === 'string' ? choice : choice.error.code, code)
  }
})
