// Memory in use after a full collection, for tests that something does not grow.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of objects and of buffers that are still held. */
export function usedBytes(): number {
  // Buffers are freed with the second collection, when their owners are gone.
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
