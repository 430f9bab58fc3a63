import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'
import { splitLayers } from '../../src/cli/demo-swarm.ts'
import { isAlive, lastLine, openShell, SLOW, type Shell } from '../helpers/swarm-command.ts'
import { until } from '../helpers/until.ts'

test('demo - layers are split as evenly as they can be', (t) => {
  t.alike(splitLayers(5, 3), ['0-0', '1-2', '3-4'])
  t.alike(splitLayers(12, 3), ['0-3', '4-7', '8-11'])
  t.alike(splitLayers(3, 3), ['0-0', '1-1', '2-2'])
  t.exception(() => splitLayers(2, 3), { code: 'PLAN_NO_CAPACITY' })
})

test('demo - shows the split, the text and that one peer alone says the same', SLOW, async (t) => {
  const { shell, env, pids } = await open(t)
  const { status, stdout, stderr } = await shell.run(['demo', '-p', 'one two three'], env)
  t.is(status, 0, stderr)
  t.ok(stdout.includes('layers 0 [a|bb|cc] 4\n'), stdout)
  t.ok(/\n *one two three\n/.test(stdout), 'the question')
  t.ok(/ids of one peer alone: {5}equal\n/.test(stdout))
  t.ok(/predicted 17.2 tok\/s, measured 30.0 tok\/s/.test(stdout))
  t.is(pids().length, 4)
  nothingLeft(t, shell, pids())
})

test('demo - --json is one object', SLOW, async (t) => {
  const { shell, env } = await open(t)
  const { status, stdout } = await shell.run(['demo', '--json', '-n', '2'], env)
  t.is(status, 0)
  t.is(stdout.trimEnd().split('\n').length, 1)
  const { equal, answers, plan } = lastLine(stdout)
  t.is(equal, true)
  t.is(answers.length, 2, 'two failures')
  t.not(answers[0].question, answers[1].question)
  for (const { split, alone } of answers) {
    t.alike([split.ids.length, alone.ids.length], [2, 2])
    t.is(split.logitsHash, alone.logitsHash)
  }
  t.is(plan.stages.length, 3)
})

test('demo - a difference is said and fails', SLOW, async (t) => {
  const { shell, env } = await open(t)
  const { status, stdout } = await shell.run(['demo'], { ...env, SCRIPT_ALONE_DIFFERS: '1' })
  t.is(status, 1)
  t.ok(stdout.includes('ids of one peer alone:     DIFFERENT'), stdout)
})

test('demo - a peer that fails is named and nothing is left', SLOW, async (t) => {
  const { shell, env, pids } = await open(t)
  const { status, stderr } = await shell.run(['demo'], { ...env, SCRIPT_FAIL: '1' })
  t.is(status, 5)
  t.ok(stderr.includes('swarm join ended: model.gguf is no GGUF file [MODEL_BAD_MAGIC]'), stderr)
  nothingLeft(t, shell, pids())
})

test('demo - Ctrl-C at any point leaves neither process nor folder', SLOW, async (t) => {
  for (const [script, text] of [
    ['stuck', ''],
    ['endless', '\non ']
  ]) {
    const { shell, env, pids } = await open(t)
    const more = script === 'stuck' ? { SCRIPT_STUCK: '1' } : { SCRIPT_GENERATION: 'endless' }
    const demo = shell.start(['demo'], { ...env, ...more })
    await demo.says(text || 'The small model')
    demo.child.kill('SIGINT')
    t.is((await demo.ended).status, 130, script)
    nothingLeft(t, shell, pids())
  }
})

test('demo - a second Ctrl-C ends it at once and still leaves nothing', SLOW, async (t) => {
  const { shell, env, pids } = await open(t)
  const demo = shell.start(['demo'], { ...env, SCRIPT_GENERATION: 'endless' })
  await demo.says('\non ')
  demo.child.kill('SIGINT')
  demo.child.kill('SIGTERM')
  t.is((await demo.ended).status, 130)
  await until(() => pids().every((pid) => !isAlive(pid)))
  nothingLeft(t, shell, pids())
})

test('demo - its processes end with it even when it is killed', SLOW, async (t) => {
  const { shell, env, pids } = await open(t)
  const demo = shell.start(['demo'], { ...env, SCRIPT_GENERATION: 'endless' })
  await demo.says('\non ')
  t.is(pids().length, 4)
  demo.child.kill('SIGKILL')
  await until(() => pids().every((pid) => !isAlive(pid)))
  t.pass()
})

async function open(t: Test) {
  const shell = await openShell(t)
  const file = join(shell.folder, 'pids')
  const pids = (): number[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []
  return { shell, env: { SCRIPT_PIDS: file }, pids }
}

function nothingLeft(t: Test, shell: Shell, pids: number[]): void {
  t.alike(
    pids.filter((pid) => isAlive(pid)),
    []
  )
  t.alike(readdirSync(join(shell.folder, 'tmp')), [])
}
