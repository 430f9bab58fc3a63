// The model file of --model, read while the peer is already in the topic: hashing tens of gigabytes takes
// a minute, and no link waits for it. Owns what is told meanwhile, and the check of --layers against it.

import { join } from 'node:path'

import { SwarmError } from '../base/errors.ts'
import { formatRange, isLayerRange } from '../model/layer-range.ts'
import { openModel, type Model } from '../model/open-model.ts'

import type { Clock } from '../base/clock.ts'
import type { NodeOptions } from './options.ts'

/** Between two lines about a file that takes long; most take less and need none. */
const TELL_MS = 5000

/** @param tell one line for the user. @throws MODEL_*, USAGE_BAD_VALUE; AbortError */
export async function readModel(
  path: string,
  { layers, cacheDir }: Pick<NodeOptions, 'layers' | 'cacheDir'>,
  tell: (text: string) => void,
  clock: Clock,
  signal: AbortSignal
): Promise<Model> {
  let toldMs = clock.now()
  const model = await openModel(path, {
    idCachePath: join(cacheDir, 'model-ids.json'),
    onProgress: (done, total) => {
      if (clock.now() - toldMs < TELL_MS) return
      toldMs = clock.now()
      tell(`reading the model file, ${Math.floor((100 * done) / total)} %`)
    },
    signal
  })
  const { nLayers } = model.hyper
  if (layers !== null && !isLayerRange(layers, nLayers)) {
    throw new SwarmError(
      'USAGE_BAD_VALUE',
      `--layers ${formatRange(layers)} is not in this model, which has layers 0-${nLayers - 1}`
    )
  }
  tell(`'${model.name}', ${nLayers} layers, id ${model.id.slice(0, 8)}`)
  return model
}
