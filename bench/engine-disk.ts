// Decode with layers that are read from disk for each token, beside the longer of what bounds it: computing
// the same in memory, and reading as many bytes of the same file as fast as `swarm bench` measured its disk
// just before and after. Half of the layers, and all of them. And what a machine reads that lacks room for
// one layer, parts of some, beside two whole ones, of which one passes through the room of the other.

import { measureDisk } from '../src/compute/disk-rate.ts'
import { partsOf } from '../src/model/layer-part.ts'
import { shape1b } from '../src/model/synthetic/spec.ts'
import { leastParts } from '../src/sharding/least-parts.ts'
import { partSizes } from '../src/sharding/facts.ts'
import { modelFacts } from '../src/node/model-facts.ts'
import { DISK_GOAL, PARTS_GOAL } from './engine-goals.ts'
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
    await wholeLayers(engine, path, count, pairs)
    await partsOfLayers(engine, count, pairs)
    await engine.close()
  }
}

async function wholeLayers(engine: OurEngine, path: string, count: number, pairs: number) {
  const { nLayers } = engine.stage
  const memoryMs = await engine.decodeMs(TOKENS)
  for (const every of [2, 1]) {
    const layers = Array.from({ length: Math.ceil(nLayers / every) }, (_, i) => i * every)
    await engine.stage.load([{ start: 0, end: nLayers }], { onDisk: partsOf(layers) })
    const bytes = engine.model.tensors
      .filter(({ layer }) => layers.includes(layer))
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
      of: `1b Q4_K_M ${layers.length} of ${nLayers} t=${count}`,
      ...DISK_GOAL,
      values,
      detail: `disk ${(median(rates) / 1e9).toFixed(2)} GB/s; ${disturbance(before, cpuTimes())}`
    })
  }
}

async function partsOfLayers(engine: OurEngine, count: number, pairs: number) {
  const { nLayers } = engine.stage
  const facts = modelFacts({ ...engine.model, id: '' })
  const parts = leastParts(partSizes(facts), Math.max(...facts.layerKiB)) ?? []
  const tokenMs = async (onDisk: number[]) => {
    await engine.stage.load([{ start: 0, end: nLayers }], { onDisk })
    await engine.decodeMs(1)
    return await engine.decodeMs(TOKENS)
  }
  const before = cpuTimes()
  const values: number[] = []
  for (let i = 0; i < pairs; i++) {
    const ofParts = await tokenMs(parts)
    values.push((await tokenMs(partsOf([0, nLayers - 1]))) / ofParts)
  }
  printFigure({
    row: 'from disk: parts against two layers',
    of: `1b Q4_K_M t=${count}`,
    ...PARTS_GOAL,
    values,
    detail: `${parts.length} parts; ${disturbance(before, cpuTimes())}`
  })
}
