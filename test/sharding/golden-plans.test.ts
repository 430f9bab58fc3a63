// Promise 1 across processors: 600 views give the same plans for ever, here and under the Node of another
// architecture, where one is named by SWARM_ARM64_NODE and an emulator is installed.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import test from 'brittle'

import { goldenPlans } from '../helpers/plan-runs.ts'

const FIXTURE = 'test/sharding/golden-plans.txt'
const EMULATORS = ['qemu-aarch64', 'qemu-aarch64-static']

const golden = readFileSync(FIXTURE, 'utf8').trim().split('\n')
const foreignNode = process.env['SWARM_ARM64_NODE'] ?? ''
const emulator = EMULATORS.find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0
)
const missing = [
  ...(existsSync(foreignNode) ? [] : ['SWARM_ARM64_NODE, the path of Node for arm64']),
  ...(emulator ? [] : ['qemu-user-static'])
]

test('golden plans - 600 views give these plans', (t) => {
  const plans = goldenPlans()
  t.is(plans.length, 600)
  t.alike(
    plans.filter((plan, index) => plan !== golden[index]),
    []
  )
})

test('golden plans - all views and most plans differ', (t) => {
  const [plans, views] = [0, 1].map(
    (field) => new Set(golden.map((line) => line.split(' ')[field]))
  )
  t.is(views?.size, 600)
  // Views without a plan differ in little but what is missing.
  t.ok((plans?.size ?? 0) > 430, `${plans?.size} plans`)
})

const onArm = 'golden plans - Arm plans the same bytes'
const skipped = missing.length > 0
;(skipped ? test.skip : test)(
  skipped ? `${onArm} (needs ${missing.join(' and ')})` : onArm,
  { timeout: 600_000 },
  (t) => {
    // Where the emulator's own libraries lie; the C library of cross compilers is enough.
    const root = process.env['QEMU_LD_PREFIX'] ?? '/usr/aarch64-linux-gnu'
    const args = ['-L', root, foreignNode, 'dist/test/helpers/print-golden-plans.js']
    const { status, stdout, stderr } = spawnSync(emulator as string, args, { encoding: 'utf8' })
    t.is(status, 0, stderr)
    t.alike(stdout.trim().split('\n'), golden)
  }
)
