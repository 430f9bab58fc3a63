// The parts of a running peer, by name: made by node.ts in its order, read by what answers for them. What
// is null has not begun yet, or does not exist without a model.

import type { ApiServer } from '../api/server.ts'
import type { KnowledgeService } from '../api/service.ts'
import type { NativeStage } from '../compute/native-stage.ts'
import type { LayerRange } from '../model/layer-range.ts'
import type { Model } from '../model/open-model.ts'
import type { Gate } from '../peer/gate/gate.ts'
import type { Identity } from '../peer/identity.ts'
import type { PeerNetwork } from '../peer/network.ts'
import type { Topic } from '../peer/topic.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { StageHost } from '../pipeline/stage-host.ts'
import type { TextGenerator } from '../pipeline/text-generator.ts'
import type { EventHub } from './event-hub.ts'
import type { LayerKeeper } from './layer-keeper.ts'
import type { SessionHistory } from './session-history.ts'
import type { ModelRecord } from '../wire/record.ts'
import type { NodeOptions } from './options.ts'
import type { OwnProfile } from './own-profile.ts'
import type { PlanWatch } from './plan-watch.ts'

/** The parts that exist only with a model file and an addon to compute with. */
export interface Serving {
  stage: NativeStage
  host: StageHost
  keeper: LayerKeeper
  /** A range that is held whatever the plan says; null: the plan decides. */
  pinned: LayerRange | null
}

export interface NodeParts {
  readonly options: NodeOptions
  readonly hub: EventHub
  readonly topic: Topic
  /** What the last answers cost that were asked for here. */
  readonly history: SessionHistory
  /** When this peer entered the topic, by the clock of base/. */
  openedMs: number
  isClosing: boolean
  identity: Identity | null
  gate: Gate | null
  api: ApiServer | null
  model: Model | null
  /** The model of the topic for which our own was dropped. */
  droppedFor: ModelRecord | null
  network: PeerNetwork | null
  profile: OwnProfile | null
  pipeline: Pipeline | null
  watch: PlanWatch | null
  generator: TextGenerator | null
  serving: Serving | null
  knowledge: KnowledgeService | null
}
