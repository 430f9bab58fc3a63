// Fields that several session messages have, with their widths and bounds; session-messages.ts puts messages
// together of them.

import {
  CONTEXT_TOKENS_MAX,
  LAYERS_MAX,
  LOGIT_BIAS_MAX,
  ROUTE_STAGES_MAX,
  SAMPLING_VALUE_MAX,
  STOP_IDS_MAX,
  VOCAB_MAX
} from '../base/limits.ts'
import * as f from './fields.ts'
import { KV_TYPES } from './session.ts'

import type { PeerId, SessionId } from './ids.ts'
import type { RouteStage, Sampling } from './session.ts'

export const U32_MAX = 2 ** 32 - 1

export const session = f.hex<SessionId>(16, 'the session id')
export const epoch = f.whole(4, 1, U32_MAX, 'the epoch')
export const position = f.whole(4, 0, CONTEXT_TOKENS_MAX, 'the position')
export const index = f.whole(1, 0, ROUTE_STAGES_MAX - 1, 'the index in the route')
export const tokenId = f.whole(4, 0, VOCAB_MAX - 1, 'the token id')
export const hash = f.hex<string>(32, 'the hash')
export const stop = f.whole(1, 0, ROUTE_STAGES_MAX - 1, 'the last stage of a chunk')
export const logitsHash = f.hex<string>(8, 'the logits hash')
export const peer = f.hex<PeerId>(32, 'the peer key')
export const count = f.whole(4, 0, U32_MAX, 'the count of tokens')
export const micros = f.whole(8, 0, Number.MAX_SAFE_INTEGER, 'the time in microseconds')
const penalty = f.finite(-SAMPLING_VALUE_MAX, SAMPLING_VALUE_MAX, 'the penalty or bias')

export const sampling = f.struct<Sampling>({
  temperature: f.finite(0, SAMPLING_VALUE_MAX, 'the temperature'),
  topK: f.whole(4, 0, VOCAB_MAX, 'topK'),
  topP: f.finite(0, 1, 'topP'),
  minP: f.finite(0, 1, 'minP'),
  presencePenalty: penalty,
  frequencyPenalty: penalty,
  seed: f.whole(8, 0, Number.MAX_SAFE_INTEGER, 'the seed'),
  bias: f.list(f.struct({ id: tokenId, value: penalty }), 0, LOGIT_BIAS_MAX, 'logit biases')
})

export const route = f.checked(
  f.list(
    f.struct<RouteStage>({
      peer,
      start: f.whole(2, 0, LAYERS_MAX - 1, 'the first layer'),
      end: f.whole(2, 1, LAYERS_MAX, 'the layer after the last')
    }),
    1,
    ROUTE_STAGES_MAX,
    'stages of the route'
  ),
  (stages) => {
    let next = 0
    for (const { start, end } of stages) {
      if (start !== next || start >= end) {
        throw f.badFrame(`the route has layers [${start}, ${end}) where layer ${next} must follow`)
      }
      next = end
    }
  },
  'each begins where the one before ends, the first at 0'
)

/** Of a session, whoever opens it. */
export const terms = {
  route,
  modelId: hash,
  planHash: hash,
  viewHash: hash,
  arithmeticVersion: f.whole(4, 0, U32_MAX, 'the arithmetic version'),
  contextTokens: f.whole(4, 1, CONTEXT_TOKENS_MAX, 'the context'),
  kvType: f.oneOf(KV_TYPES, 'the KV type'),
  sampling,
  stopIds: f.list(tokenId, 0, STOP_IDS_MAX, 'stop ids'),
  positionEnd: f.whole(4, 1, CONTEXT_TOKENS_MAX, 'the end position')
}
