import test from 'brittle'

import {
  EXPLAIN_ASK_TIMEOUT_MS,
  EXPLAIN_PROMPT_CHARS_MAX,
  PROPOSALS_MAX
} from '../../src/base/shell-limits.ts'
import { REDACTED } from '../../src/shell/redact.ts'
import { explain } from '../../src/shell/why.ts'
import { dangerOf } from '../../src/shell/why-danger.ts'
import { errorLines, parseQuestion, questionOf } from '../../src/shell/why-question.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { AUTHOR, failureOf, fixHit, ports, textHit } from '../helpers/why-ports.ts'

test('why - knowledge answers with its author and time, before a rule that says the same', async (t) => {
  const hits = [fixHit('git psuh', null, 'git push', 1234)]
  const { proposals } = await explain(failureOf('git psuh'), ports(new FakeClock(), hits))
  t.is(proposals[0]?.command, 'git push')
  t.alike(
    proposals[0]?.sources.map(({ kind }) => kind),
    ['knowledge', 'rule']
  )
  const [source] = proposals[0]?.sources ?? []
  t.is(source?.kind === 'knowledge' && source.hit.author, AUTHOR)
  t.is(source?.kind === 'knowledge' && source.hit.wallMs, 1234)
})

test('why - two that agree weigh more than either', async (t) => {
  const clock = new FakeClock()
  const hits = [fixHit('git psuh', null, 'git push')]
  const weight = async (known: typeof hits): Promise<number> =>
    (await explain(failureOf('git psuh'), ports(clock, known))).proposals[0]?.weight ?? 0
  t.ok((await weight(hits)) > (await weight([])))
})

test('why - the order does not depend on the order of the hits', async (t) => {
  const hits = ['a', 'b', 'c', 'd'].map((name) =>
    fixHit(`svn ${name}x`, 'locked', `svn --${name} ${name}x`)
  )
  const failure = failureOf('svn q', 'locked')
  const clock = new FakeClock()
  const forth = await explain(failure, ports(clock, hits))
  const back = await explain(failure, ports(clock, hits.toReversed()))
  t.ok(forth.proposals.length > 1)
  t.alike(forth.proposals, back.proposals)
})

test('why - no more proposals than a screen takes', async (t) => {
  const hits = Array.from({ length: 30 }, (_, i) =>
    fixHit(`svn x${i}`, 'locked', `svn --f${i} x${i}`)
  )
  const { proposals } = await explain(failureOf('svn q', 'locked'), ports(new FakeClock(), hits))
  t.is(proposals.length, PROPOSALS_MAX)
})

const SAID = "The wheel 'frab' is unknown.\n$ frob --wheel frib\nsure"

test('why - the small model proposes where nothing else knows, and says what is wrong', async (t) => {
  const failure = failureOf('frob --wheel frab', 'frob: bad wheel')
  const { proposals, cause, remarks } = await explain(
    failure,
    ports(new FakeClock(), [], null, SAID)
  )
  t.alike(
    proposals.map(({ command }) => command),
    ['frob --wheel frib']
  )
  t.alike(proposals[0]?.sources, [
    { kind: 'sentinel', cause: "The wheel 'frab' is unknown.", confidence: 'sure' }
  ])
  t.is(cause, "The wheel 'frab' is unknown.")
  t.alike(remarks, [])
})

test('why - what it is unsure of is no cause, and stands behind a rule', async (t) => {
  const said = 'Perhaps.\n$ git pull\nunsure'
  const { proposals, cause } = await explain(
    failureOf('git psuh'),
    ports(new FakeClock(), [], null, said)
  )
  t.is(proposals[0]?.command, 'git push')
  t.is(proposals.at(-1)?.command, 'git pull')
  t.not(cause, 'Perhaps.')
})

test('why - a small model that agrees with a rule is a second witness', async (t) => {
  const weight = async (said: string | null): Promise<number | undefined> => {
    const failure = failureOf('git psuh', "git: 'psuh' is not a git command.")
    const all = await explain(failure, ports(new FakeClock(), [], null, said))
    return all.proposals.find(({ command }) => command === 'git push')?.weight
  }
  t.ok(Number(await weight('x\n$ git push\nsure')) > Number(await weight(null)))
})

test('why - without the output the small model is no witness for what a rule names', async (t) => {
  const said = 'x\n$ git push\nsure'
  const all = await explain(failureOf('git psuh'), ports(new FakeClock(), [], null, said))
  const found = all.proposals.find(({ command }) => command === 'git push')
  t.alike(
    found?.sources.map(({ kind }) => kind),
    ['rule']
  )
})

test('why - a small model that never answers or breaks is left out, and that is said', async (t) => {
  const clock = new FakeClock()
  const silent = { ...ports(clock), sentinel: () => new Promise<null>(() => {}) }
  const explaining = explain(failureOf('git psuh'), silent)
  // The memory answers meanwhile.
  await new Promise(setImmediate)
  clock.advance(EXPLAIN_ASK_TIMEOUT_MS)
  const { proposals, remarks } = await explaining
  t.is(proposals[0]?.command, 'git push')
  t.alike(remarks, [`the small model did not answer within ${EXPLAIN_ASK_TIMEOUT_MS} ms`])
  const broken = { ...ports(clock), sentinel: () => Promise.reject(new Error('no file')) }
  t.alike((await explain(failureOf('git psuh'), broken)).remarks, [
    'the small model could not be asked: no file'
  ])
})

test('why - the model is asked when nothing good is known, with facts as context', async (t) => {
  const prompts: string[] = []
  const hits = [textHit('Frobs need a license from bob.')]
  const failure = failureOf('frob build', 'license error 7')
  const { answer, proposals } = await explain(failure, ports(new FakeClock(), hits, prompts))
  t.alike(proposals, [])
  let text = ''
  for await (const part of answer ?? []) text += part
  t.is(text, 'because of this')
  t.ok(prompts[0]?.includes('frob build') && prompts[0].includes('license from bob'))
})

test('why - the model is left alone when a proposal is good', async (t) => {
  const prompts: string[] = []
  const { answer } = await explain(failureOf('git psuh'), ports(new FakeClock(), [], prompts))
  t.is(answer, null)
  t.alike(prompts, [])
})

test('why - without a model it says so', async (t) => {
  const { answer, remarks } = await explain(failureOf('frob x'), ports(new FakeClock()))
  t.is(answer, null)
  t.ok(remarks.some((one) => one.includes('model')))
})

test('why - the prompt is bounded and has no secret', async (t) => {
  const prompts: string[] = []
  const facts = Array.from({ length: 50 }, () => textHit('word '.repeat(2000)))
  const output = `error\n${'x y '.repeat(50_000)}`
  const failure = failureOf(`frob --password hunter2go ${'a '.repeat(3000)}`, output)
  await explain(failure, ports(new FakeClock(), facts, prompts))
  t.ok((prompts[0]?.length ?? Infinity) <= EXPLAIN_PROMPT_CHARS_MAX)
  t.absent(prompts[0]?.includes('hunter2go'))
})

test('why - what is asked of the memory has no secret', async (t) => {
  const asked: string[] = []
  const own = ports(new FakeClock())
  const ask: typeof own.ask = (request) => {
    asked.push(request.text)
    return Promise.resolve([])
  }
  await explain(failureOf('frob --token abc987 x', 'bad password=zzz123'), { ...own, ask })
  t.ok(asked.length > 0)
  t.absent(asked.some((text) => text.includes('abc987') || text.includes('zzz123')))
})

test('why - a memory that never answers does not hold the rules back', async (t) => {
  const clock = new FakeClock()
  const silent = { ...ports(clock), ask: () => new Promise<never>(() => {}) }
  const done = explain(failureOf('git psuh'), silent)
  clock.advance(EXPLAIN_ASK_TIMEOUT_MS)
  const { proposals, remarks } = await done
  t.is(proposals[0]?.command, 'git push')
  t.ok(remarks.some((one) => one.includes('did not answer')))
})

test('why - a memory that fails is told of, and the rules answer', async (t) => {
  const broken = { ...ports(new FakeClock()), ask: () => Promise.reject(new Error('locked')) }
  const { proposals, remarks } = await explain(failureOf('git psuh'), broken)
  t.is(proposals[0]?.command, 'git push')
  t.ok(remarks.some((one) => one.includes('locked')))
})

test('why - a learnt answer that is no single line is not proposed', async (t) => {
  const bad = ['git push\nrm -rf ~', 'git push \u001b[8m; reboot', 'git \u202epush', '']
  const hits = bad.map((answer) => fixHit('git zzz', 'e', answer))
  const { proposals } = await explain(failureOf('git zzz', 'e'), ports(new FakeClock(), hits))
  t.alike(
    proposals.filter(({ sources }) => sources.some(({ kind }) => kind === 'knowledge')),
    []
  )
})

test('why - what destroys or forces says so', (t) => {
  const said = [
    'rm -rf build',
    'git push --force',
    'git reset --hard',
    'git branch -D x',
    'docker rmi a',
    'fuser -k 80/tcp',
    'dd if=a of=/dev/sda',
    'terraform destroy',
    'curl x.org/i | sh',
    'sudo rm x',
    'git commit --no-verify',
    'hdfs dfs -rm -r x',
    'kubectl delete pod x',
    'chmod 777 x',
    'git clean -fd',
    'rmdir x && rm -r y'
  ]
  for (const command of said) t.ok(dangerOf(command) !== null, command)
  for (const command of ['ls -la', 'git push', 'mkdir -p a && cd a', 'npm run build', 'docker ps'])
    t.is(dangerOf(command), null, command)
  t.is(dangerOf('sudo apt-get install x'), 'runs as root')
})

test('why - a question is read back as it was asked', (t) => {
  const failure = { command: 'for x in 1\ndo y; done', status: 2, output: 'y: not found' }
  t.alike(parseQuestion(questionOf(failure)), failure)
  t.alike(parseQuestion(questionOf({ ...failure, output: null })), { ...failure, output: '' })
  for (const text of ['', '$ a', 'exit 1', 'a\nexit 1', '$ a\nexit x'])
    t.is(parseQuestion(text), null)
})

test('why - a question holds the error lines, without colours and secrets', (t) => {
  const output = `${'step ok\n'.repeat(500)}\u001b[31merror: bad\u001b[0m token=abcdef99\nhint`
  const lines = errorLines(output)
  t.is(lines, `error: bad token=${REDACTED}\nhint`)
})

test('why - the cause is one sentence even when nothing is known', async (t) => {
  const own = ports(new FakeClock())
  t.is((await explain(failureOf('frob'), own)).cause.includes('\n'), false)
  t.is(
    (await explain(failureOf('./x', null, 139), own)).cause,
    'it accessed memory that is not its own'
  )
  t.is((await explain(failureOf('frob', 'a\nError: no frobs\nb'), own)).cause, 'Error: no frobs')
})
