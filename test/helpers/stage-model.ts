// What a stage needs of a model file, and models of the project's own generator in a temporary folder.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'brittle'
import type { StageModel } from '../../src/compute/native-config.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { FileSource } from '../../src/model/byte-source.ts'
import { readGguf } from '../../src/model/gguf.ts'
import { readHyperparameters } from '../../src/model/hyperparameters.ts'
import { modelTensors } from '../../src/model/tensors.ts'
import type { SyntheticSpec } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'

export async function readStageModel(path: string): Promise<StageModel> {
  const source = await FileSource.open(path)
  try {
    const gguf = await readGguf(source)
    const hyper = readHyperparameters(gguf)
    const { size, mtimeNs } = statSync(path, { bigint: true })
    return { path, sizeBytes: Number(size), mtimeNs, hyper, tensors: modelTensors(gguf, hyper) }
  } finally {
    await source.close()
  }
}

/** A generated model's path; the folder goes with the test. */
export async function syntheticModel(t: Test, spec: SyntheticSpec): Promise<string> {
  const path = join(await t.tmp(), 'model.gguf')
  await writeSyntheticModel(path, spec)
  return path
}

/** A stage with all layers, closed with the test. */
export async function wholeStage(
  t: Test,
  model: StageModel,
  options: { threads?: number; table?: string } = {}
): Promise<NativeStage> {
  const stage = new NativeStage(model, options.threads ?? 1, options.table)
  t.teardown(() => stage.close())
  await stage.load([{ start: 0, end: model.hyper.nLayers }])
  return stage
}
