// Decode with layers that are read from disk for each token, beside the longer of what bounds it: computing
// the same in memory, and reading as many bytes of the same file as fast as `swarm bench` measured its disk
// just before and after. Half of the layers, and all of them.

import { measureDisk } from '../src/compute/disk-rate.ts'
import { shape1b } from '../src/model/synthetic/spec.ts'
import { DISK_GOAL } from './engine-goals.ts'
import { OurEngine } from './engine-ours.ts'
import { printFigure } from './engine-pair.ts'
import { benchModel } from './models.ts'
import { cpuTimes, disturbance, median } from './statistics.ts'

import type { Choice } from './engine-options.ts'

const TOKENS = 6

export async function diskRow({ threads, pairs }: Choice): Promise<void> {
  const path = await benchModel({ ...shape1b, quant: 'Q4_K_M' })
  if ((await measureDisk(path)) === null) {
    return console.log('layers from disk: left out, this file system has no reads past its cache')
  }
  for (const count of threads) {
    const engine = await OurEngine.open(path, count)
    const { nLayers } = engine.stage
    const memoryMs = await engine.decodeMs(TOKENS)
    for (const every of [2, 1]) {
      const onDisk = Array.from({ length: Math.ceil(nLayers / every) }, (_, i) => i * every)
      await engine.stage.load([{ start: 0, end: nLayers }], { onDisk })
      const bytes = engine.model.tensors
        .filter(({ layer }) => onDisk.includes(layer))
        .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
      const before = cpuTimes()
      const values: number[] = []
      const rates: number[] = []
      for (let i = 0; i < pairs; i++) {
        const first = (await measureDisk(path)) ?? NaN
        const tokenMs = await engine.decodeMs(TOKENS)
        const rate = (first + ((await measureDisk(path)) ?? NaN)) / 2
        rates.push(rate)
        values.push(Math.max(memoryMs, (bytes / rate) * 1000) / tokenMs)
      }
      printFigure({
        row: 'decode from disk: share of the bound',
        of: `1b Q4_K_M ${onDisk.length} of ${nLayers} t=${count}`,
        ...DISK_GOAL,
        values,
        detail: `disk ${(median(rates) / 1e9).toFixed(2)} GB/s; ${disturbance(before, cpuTimes())}`
      })
    }
    await engine.close()
  }
}
