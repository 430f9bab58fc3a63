import test from 'brittle'
import { measureKernels } from '../../src/compute/measure.ts'
import { defaultThreads } from '../../src/compute/threads.ts'

function machine(siblings: string[]): (path: string) => string | null {
  return (path) => siblings[Number(/cpu(\d+)\//.exec(path)?.[1])] ?? null
}

test('threads - one per physical core', (t) => {
  t.is(defaultThreads(8, machine(['0,4', '1,5', '2,6', '3,7', '0,4', '1,5', '2,6', '3,7'])), 4)
  t.is(defaultThreads(4, machine(['0', '1', '2', '3'])), 4)
})

test('threads - never more than the system grants, never none', (t) => {
  t.is(defaultThreads(2, machine(['0', '1', '2', '3'])), 2)
  t.is(defaultThreads(6, machine([])), 6)
  t.is(defaultThreads(0, machine([])), 1)
})

test('measure - a faster machine than none at all', async (t) => {
  const { weightBytesPerSecond, int8OpsPerSecond, kernels } = await measureKernels(1)
  t.ok(weightBytesPerSecond > 1e7, `${kernels}: ${weightBytesPerSecond} bytes/s`)
  t.ok(int8OpsPerSecond > 1e7, `${int8OpsPerSecond} operations/s`)
})
