// Between a topic and the line that invites to it: what of a peer's start goes into an invite, and what
// of an invite goes into a start. Pure. The line's form is wire/invite.ts.

import { INVITE_ADDRESSES_MAX } from '../../base/limits.ts'
import { encodeInvite, type Invite } from '../../wire/invite.ts'

import type { Address } from '../address.ts'
import type { Topic } from '../topic.ts'

/** @param bootstrap the nodes this peer was given; the first few are passed on where they are used. */
export function inviteTo(topic: Topic, bootstrap: readonly Address[]): string {
  const { name, inviteRoot, dht } = topic
  const used = dht === 'given' ? bootstrap.slice(0, INVITE_ADDRESSES_MAX) : []
  return encodeInvite({ name, root: inviteRoot, dht, bootstrap: used })
}

/** What `swarm join` is told by an invite. Flags of whoever joins come before it. */
export interface InvitedStart {
  topic: string
  secret: Uint8Array | null
  public: boolean
  lanOnly: boolean
  bootstrap: Address[]
}

export function startOf({ name, root, dht, bootstrap }: Invite): InvitedStart {
  return {
    topic: name,
    secret: root,
    public: dht === 'public' && root === null,
    lanOnly: dht === 'none',
    bootstrap
  }
}
