// Flow A, serving side: which messages a stage host takes, and which it answers with. Types only.

import type {
  FailedMessage,
  ListedMessage,
  OpenMessage,
  RecalledMessage,
  SavedMessage,
  SessionMessage
} from '../wire/session.ts'
import type { OriginMessage } from './step-runner.ts'

type FrameType = 'sampled' | 'ids' | 'replay' | 'activation' | 'token'
type RequestType = 'open' | 'close' | 'log' | 'recall' | 'list' | 'save' | 'warm'

export type HostMessage = Extract<SessionMessage, { type: FrameType | RequestType }>

/** In the order of a session's positions. */
export type Frame = Extract<HostMessage, { type: FrameType }>

export type HostAnswer =
  OriginMessage | FailedMessage | ListedMessage | RecalledMessage | SavedMessage

/** What can be refused: by this much an origin knows what it is about. */
export type RefusedMessage = Pick<OpenMessage, 'session' | 'epoch'>
