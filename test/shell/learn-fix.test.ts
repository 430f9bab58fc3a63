import test from 'brittle'

import type { LearnRequest } from '../../src/wire/knowledge.ts'
import { learnFix, type LearnFixPorts } from '../../src/shell/learn-fix.ts'
import { failureOf } from '../helpers/why-ports.ts'

function store(
  topic: string | null,
  shareTopics: string[]
): LearnFixPorts & { asked: LearnRequest[] } {
  const asked: LearnRequest[] = []
  return {
    asked,
    topic,
    shareTopics,
    learn(request) {
      asked.push(request)
      return Promise.resolve({
        id: '0'.repeat(32),
        scope: request.scope ?? 'swarm',
        isKnown: false
      })
    }
  }
}

test('learn fix - the redacted failure is the question and the fix the answer', async (t) => {
  const ports = store('home', ['home'])
  const failure = failureOf('svn up --password hunter2x', 'svn: error: token=sesame99 expired')
  const learnt = await learnFix(failure, 'svn up --password hunter2x --force', ports)
  const [request] = ports.asked
  t.is(request?.kind, 'fix')
  t.is(request?.answer, 'svn up --password [redacted] --force')
  t.ok(request?.question?.startsWith('$ svn up --password [redacted]\nexit 1\n'))
  t.absent(JSON.stringify(ports.asked).match(/hunter2x|sesame99/))
  t.is(learnt.redacted, 3)
})

test('learn fix - it goes to the swarm only with the consent for this topic', async (t) => {
  const scopes: [string | null, string[], string][] = [
    ['home', ['home'], 'swarm'],
    ['home', ['lab'], 'local'],
    ['home', [], 'local'],
    [null, ['home'], 'local']
  ]
  for (const [topic, shared, scope] of scopes) {
    const ports = store(topic, shared)
    const learnt = await learnFix(failureOf('a'), 'b', ports)
    t.is(ports.asked[0]?.scope, scope)
    t.is(learnt.scope, scope)
  }
  const { reach } = await learnFix(failureOf('a'), 'b', store('home', []))
  t.ok(reach.includes('swarm hook enable --share home'))
})

test('learn fix - what is no fix is refused and nothing is stored', async (t) => {
  const ports = store('home', [])
  const failure = failureOf('make  all')
  for (const fix of ['', '  ', 'a\nb', 'a\u0007', 'x'.repeat(5000), 'make all'])
    await t.exception(learnFix(failure, fix, ports), /fix/)
  t.alike(ports.asked, [])
})
