// What both processes of the pipeline bench set up alike: a stage host over real links with the layers of
// a generated model on one thread, and the echo of a ring's bytes beside it. The two processes know each
// other's keys, so nobody has to be found.

import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { systemRandom } from '../src/base/random.ts'
import { ARITHMETIC_VERSION } from '../src/compute/arithmetic.ts'
import { NativeStage } from '../src/compute/native-stage.ts'
import { Pipeline } from '../src/pipeline/pipeline.ts'
import { StageHost } from '../src/pipeline/stage-host.ts'
import { ACTIVATION_HEADER_BYTES } from '../src/wire/session-codec.ts'
import { readStageModel } from '../test/helpers/stage-model.ts'

import type { StageModel } from '../src/compute/native-config.ts'
import type { LayerRange } from '../src/model/layer-range.ts'
import type { PeerNetwork } from '../src/peer/network.ts'
import type { Chunking } from '../src/sharding/chunking.ts'
import type { SessionModel } from '../src/pipeline/pipeline.ts'

/** Where the far process listens, on 127.0.0.1; a relay stands for each port at another address. */
export interface PipelinePorts {
  link: number
  lane: number
  echo: number
}

export interface PipelineTask {
  model: string
  /** The first layer of the far stage. */
  cut: number
  rounds: number
  /** How prompts are cut for the two stages. */
  chunking: Chunking
  /** Tokens of one decode. */
  tokens: number
  /** Streams, prompts and one process alone too, which need no wire. */
  whole: boolean
  host: string
  ports: PipelinePorts
}

const MODEL_ID = 'be'.repeat(32)
const MEMORY_BYTES = 2 ** 36

/** Bytes of an id on its way back: the message of protocol.md and what encrypts it. */
export const TOKEN_BYTES = 80
/** Bytes around an activation: length and authentication. */
const FRAME_BYTES = 24

/** Bytes of one activation on its way, all that is around it included. */
export function activationWireBytes({ hyper }: StageModel): number {
  return ACTIVATION_HEADER_BYTES + FRAME_BYTES + 4 * hyper.dim
}

export function sessionModelOf({ hyper }: StageModel): SessionModel {
  const { dim, vocabSize } = hyper
  return { id: MODEL_ID, arithmeticVersion: ARITHMETIC_VERSION, dim, vocabSize }
}

/** A stage on one thread that serves whoever opens sessions over this network. */
export async function serveStage(
  network: PeerNetwork,
  path: string,
  rangeOf: (nLayers: number) => LayerRange
): Promise<{ model: StageModel; pipeline: Pipeline }> {
  const model = await readStageModel(path)
  const stage = new NativeStage(model, 1)
  await stage.load([rangeOf(model.hyper.nLayers)])
  const { hops } = network
  const pipeline = new Pipeline({ hops, clock: systemClock, random: systemRandom })
  pipeline.serve(
    new StageHost({
      stage,
      hops,
      clock: systemClock,
      log: silentLog,
      modelId: MODEL_ID,
      arithmeticVersion: ARITHMETIC_VERSION,
      memoryBytes: MEMORY_BYTES
    })
  )
  return { model, pipeline }
}
