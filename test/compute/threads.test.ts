import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import test from 'brittle'
import { loadKernels } from '../../src/compute/addon.ts'
import { measureKernels } from '../../src/compute/measure.ts'
import { nativeConfig } from '../../src/compute/native-config.ts'
import { readCores } from '../../src/compute/processors.ts'
import { defaultThreads, threadPlaces } from '../../src/compute/threads.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { readStageModel, syntheticModel } from '../helpers/stage-model.ts'

interface Machine {
  siblings: string[]
  capacities?: number[]
  nodes?: string[]
  atoms?: string
  allowed?: string
}

/** The files in which Linux describes such a machine. */
function machine({ siblings, capacities, nodes, atoms, allowed }: Machine) {
  const files = new Map<string, string>()
  for (const [cpu, list] of siblings.entries()) {
    const folder = `/sys/devices/system/cpu/cpu${cpu}`
    files.set(`${folder}/topology/thread_siblings_list`, `${list}\n`)
    if (capacities) files.set(`${folder}/cpu_capacity`, `${capacities[cpu]}\n`)
  }
  if (nodes) files.set('/sys/devices/system/node/online', `0-${nodes.length - 1}\n`)
  for (const [node, list] of (nodes ?? []).entries()) {
    files.set(`/sys/devices/system/node/node${node}/cpulist`, `${list}\n`)
  }
  if (atoms) files.set('/sys/devices/cpu_atom/cpus', `${atoms}\n`)
  if (allowed) files.set('/proc/self/status', `Name:\tnode\nCpus_allowed_list:\t${allowed}\n`)
  return (path: string) => files.get(path) ?? null
}

const PLAIN = machine({ siblings: ['0', '1', '2', '3'] })
const DOUBLE = machine({ siblings: ['0,4', '1,5', '2,6', '3,7', '0,4', '1,5', '2,6', '3,7'] })
/** Two fast cores of two threads each and four slow cores, as Intel builds them. */
const MIXED: Machine = { siblings: ['0-1', '0-1', '2-3', '2-3', '4', '5', '6', '7'] }
const TWO_NODES = machine({
  siblings: ['0', '1', '2', '3'],
  nodes: ['0-1', '2-3']
})

test('threads - one per physical core', (t) => {
  t.is(defaultThreads(8, DOUBLE), 4)
  t.is(defaultThreads(4, PLAIN), 4)
})

test('threads - never more than the system grants, never none', (t) => {
  t.is(defaultThreads(2, PLAIN), 2)
  t.is(defaultThreads(6, machine({ siblings: [] })), 6)
  t.is(defaultThreads(0, machine({ siblings: [] })), 1)
  t.is(defaultThreads(4, machine({ siblings: ['0', '1', '2', '3'], allowed: '1-2' })), 2)
})

test('threads - on a hybrid processor one per fast core, however the system tells them apart', (t) => {
  t.is(defaultThreads(8, machine({ ...MIXED, atoms: '4-7' })), 2)
  const capacities = [1024, 1024, 1010, 1010, 620, 620, 620, 620]
  t.is(defaultThreads(8, machine({ ...MIXED, capacities })), 2)
  t.is(defaultThreads(8, machine(MIXED)), 6, 'all alike where nothing is said')
})

test('threads - fast cores are used first, then slow ones', (t) => {
  const read = machine({ ...MIXED, atoms: '4-7' })
  t.alike(threadPlaces(2, read), [
    [0, 1, 2, 3],
    [0, 1, 2, 3]
  ])
  t.alike(threadPlaces(4, read).slice(2), [
    [4, 5, 6, 7],
    [4, 5, 6, 7]
  ])
})

test('threads - a machine of one kind ties nobody to anything', (t) => {
  t.alike(threadPlaces(2, PLAIN), [[], []])
  t.alike(threadPlaces(3, DOUBLE), [[], [], []])
  t.alike(threadPlaces(2, machine({ siblings: ['0', '1'], nodes: ['0-1'] })), [[], []])
  t.alike(threadPlaces(2, machine({ siblings: [] })), [[], []])
})

test('threads - are spread evenly over nodes of memory', (t) => {
  t.alike(threadPlaces(4, TWO_NODES), [
    [0, 1],
    [0, 1],
    [2, 3],
    [2, 3]
  ])
  t.alike(threadPlaces(2, TWO_NODES), [
    [0, 1],
    [2, 3]
  ])
})

test('threads - a process that may use one node only is tied to nothing', (t) => {
  const read = machine({ siblings: ['0', '1', '2', '3'], nodes: ['0-1', '2-3'], allowed: '2-3' })
  t.alike(threadPlaces(2, read), [[], []])
})

test('threads - damaged descriptions are as good as none', (t) => {
  const read = machine({ siblings: ['x', '', '99999999'], nodes: ['?'], atoms: ',,' })
  t.alike(readCores(read), [])
  t.alike(threadPlaces(1, read), [[]])
})

const skip = availableParallelism() < 2 || process.platform !== 'linux'

test('threads - stay on the processors that they are given', { skip }, async (t) => {
  const status = readFileSync('/proc/self/status', 'utf8')
  const own = (path: string) => (path === '/proc/self/status' ? status : null)
  const siblings = Array.from({ length: 1024 }, (_, cpu) => `${cpu}`)
  const world = machine({ siblings })
  const [first = 0, second = 0] = readCores((path) => own(path) ?? world(path)).flatMap(
    ({ cpus }) => cpus
  )
  const tied = () =>
    readdirSync('/proc/self/task')
      .map((task) => readFileSync(`/proc/self/task/${task}/status`, 'utf8'))
      .map((status) => /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1])
  const before = tied()
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  const { addon, table } = loadKernels()
  const native = new addon.Model(nativeConfig(model, 2, [[first], [second]]), table)
  t.teardown(() => native.close())
  await native.load([0, 4], { onDisk: [], cancel: new Int32Array(1), sliceMs: 60_000 })
  const added = tied().filter((list) => list === `${first}` || list === `${second}`)
  t.is(before.filter((list) => list === `${first}`).length, 0)
  t.alike(added.toSorted(), [`${first}`, `${second}`])
})

test('measure - a faster machine than none at all', async (t) => {
  const { weightBytesPerSecond, int8OpsPerSecond, kernels } = await measureKernels(1)
  t.ok(weightBytesPerSecond > 1e7, `${kernels}: ${weightBytesPerSecond} bytes/s`)
  t.ok(int8OpsPerSecond > 1e7, `${int8OpsPerSecond} operations/s`)
})
