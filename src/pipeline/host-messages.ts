// Flow A, serving side: which messages a stage host takes, and which it sends to whom. Types only.

import type { OpenMessage, SessionMessage } from '../wire/session.ts'

type Of<Type extends SessionMessage['type']> = Extract<SessionMessage, { type: Type }>

type FrameType = 'sampled' | 'ids' | 'replay' | 'activation' | 'token'

/** What one session of the host gets, in order. */
export type HostFrame = Of<FrameType>

/** The messages that a stage host takes. */
export type HostMessage = Of<
  FrameType | 'open' | 'close' | 'log' | 'recall' | 'list' | 'save' | 'audit'
>

/** What stages tell an origin in the course of a session. */
export type OriginMessage = Of<'opened' | 'progress' | 'token' | 'closed'>

/** All that a stage host sends, but for activations. */
export type HostAnswer = OriginMessage | Of<'failed' | 'listed' | 'recalled' | 'saved' | 'audited'>

/** Of a message that is answered with `failed`. */
export type RefusedMessage = Pick<OpenMessage, 'session' | 'epoch'>
