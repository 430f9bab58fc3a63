// `swarm demo` and `swarm bootstrap` as a newcomer runs them.

import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { readSentinelAnswer } from '../../src/shell/sentinel-question.ts'
import { Lab, REAL, type LabCommand } from '../helpers/swarm-lab.ts'

import type { GenerateResult } from '../../src/wire/generation.ts'

/** Of a demo whose answer may be over before a peer of it was killed. */
const RUNS_MAX = 3

/** Processes of the group that a command leads, itself included. */
function groupOf({ child }: LabCommand): number[] {
  const all = execFileSync('ps', ['-A', '-o', 'pgid=,pid='], { encoding: 'utf8' })
  return all
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
    .filter(([group]) => group === child.pid)
    .map(([, pid]) => pid)
}

function nothingLeft(t: Test, lab: Lab, command: LabCommand): void {
  t.alike(groupOf(command), [], 'no process')
  t.alike(readdirSync(join(lab.folder, 'tmp')), [], 'no folder')
}

test('demo - three processes split a model and write what one writes', REAL, async (t) => {
  const lab = Lab.open(t)
  const demo = lab.start(['demo', '--json'])
  const { status, stdout } = await demo.ended
  t.is(status, 0)
  t.is(stdout.trimEnd().split('\n').length, 1)
  const { equal, plan, answers } = demo.last
  t.is(equal, true)
  t.is(answers.length, 2)
  for (const { split, alone } of answers) {
    t.is(split.logitsHash, alone.logitsHash)
    t.is(split.finishReason, 'stop')
    t.is(alone.stages.length, 1)
    t.is(readSentinelAnswer(split.text).confidence, 'sure')
  }
  t.alike(
    answers.map(({ split }: { split: GenerateResult }) => readSentinelAnswer(split.text).fix),
    ['git push origin tea-kettle', 'pip install requests']
  )
  t.alike(
    plan.stages.map(({ start, end }: { start: number; end: number }) => [start, end]),
    [
      [0, 2],
      [2, 4],
      [4, 6]
    ]
  )
  t.is(new Set(plan.stages.map(({ peer }: { peer: string }) => peer)).size, 3)
  nothingLeft(t, lab, demo)
})

test(
  'demo - the middle peer is killed in mid-sentence, and the answer goes on',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    let demo: LabCommand
    // 32 tokens are over in a fifth of a second: where nobody was killed, as it says then, it runs again.
    for (let left = RUNS_MAX; ; left--) {
      const startMs = performance.now()
      demo = lab.start(['demo', '--kill', '--json'])
      const { status } = await demo.ended
      const tookMs = performance.now() - startMs
      const { equal, answers, kill } = demo.last
      t.ok(answers.every((one: { equal: boolean }) => one.equal))
      if (left > 1 && kill === undefined) continue
      t.is(equal, true)
      t.is(status, 0, demo.output)
      t.ok(tookMs < 60_000, `${tookMs} ms`)
      break
    }
    const { kill, plan, answers } = demo.last
    t.ok(kill.tokens >= 3 && kill.tokens < answers[0].split.ids.length, 'in mid-sentence')
    t.ok(kill.pauseMs > 0)
    const [, middle] = answers[0].split.stages
    t.alike([middle.start, middle.end], [2, 4])
    t.not(middle.peer, plan.stages[1].peer)
    nothingLeft(t, lab, demo)
  }
)

test('demo - two at a time, on one network, know nothing of each other', REAL, async (t) => {
  const lab = Lab.open(t)
  const demos = ['', ''].map(() => lab.start(['demo', '--json']))
  for (const demo of demos) {
    t.is((await demo.ended).status, 0)
    t.alike(demo.last['plan'].leftOut, [])
  }
})

test('demo - as people see it: the map, the text, and that both are equal', REAL, async (t) => {
  const lab = Lab.open(t)
  const demo = lab.start(['demo'])
  const { status, stdout, stderr } = await demo.ended
  t.is(status, 0, stderr)
  t.ok(stdout.includes('layers 0 [aa|bb|cc] 5\n'), stdout)
  t.ok(/ids of one peer alone: {5}equal\n/.test(stdout))
  t.ok(/hash of all its logits: {4}equal \([0-9a-f]{16}, [0-9a-f]{16}\)\n/.test(stdout))
  nothingLeft(t, lab, demo)
})

test('demo - Ctrl-C in the middle leaves neither process nor folder', REAL, async (t) => {
  const lab = Lab.open(t)
  const demo = lab.start(['demo'])
  await demo.until(() => demo.stdout.includes('tok/s'))
  t.ok(groupOf(demo).length >= 5, 'itself, a bootstrap and three peers')
  demo.child.kill('SIGINT')
  t.is((await demo.ended).status, 130)
  nothingLeft(t, lab, demo)
})

test('bootstrap - says where it is, serves, and ends with whoever started it', REAL, async (t) => {
  const lab = Lab.open(t)
  const bootstrap = lab.start(['bootstrap', '--port', '0', '--until-eof', '--json'])
  const { host, port } = await bootstrap.line((line) => typeof line['port'] === 'number')
  t.alike(bootstrap.lines.length, 1)
  t.ok(port > 0 && port < 65_536)
  t.ok(/^\d+\.\d+\.\d+\.\d+$/.test(host), host)
  const taken = await lab.run(['bootstrap', '--port', String(port), '--json'])
  t.is(taken.status, 2)
  const { error } = JSON.parse(taken.stdout)
  t.ok(
    /No bootstrap can run on .*; choose another --port or --host$/.test(error.message),
    error.message
  )
  bootstrap.child.stdin.end()
  t.is((await bootstrap.ended).status, 0)
})
