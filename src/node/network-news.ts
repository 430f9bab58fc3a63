// What the network tells, as lines for whoever runs the peer. Pure; the sentences are sentences.ts's.

import * as sentences from './sentences.ts'

import type { NetworkEvent } from '../peer/network-options.ts'
import type { PeerId } from '../wire/ids.ts'

export interface News {
  kind: string
  text: string
  data: Record<string, unknown>
}

/**
 * @param nameOf the name of a peer that was linked.
 * @returns null for what is no news to a person.
 */
export function networkNews(event: NetworkEvent, nameOf: (peer: PeerId) => string): News | null {
  switch (event.type) {
    case 'link-up': {
      const { peer, hello } = event
      return { kind: 'peer', text: sentences.linkUpText(peer, hello), data: { peer } }
    }
    case 'link-down': {
      const { peer, left } = event
      return {
        kind: 'peer',
        text: sentences.linkDownText(peer, nameOf(peer), left),
        data: { peer }
      }
    }
    case 'lane': {
      const { peer } = event
      return { kind: 'lane', text: sentences.laneText(peer, event.kind), data: { peer } }
    }
    case 'refused': {
      const { peer, error } = event
      return { kind: 'refused', text: error.message, data: { peer, code: error.code } }
    }
    case 'duplicate':
      return { kind: 'error', text: event.error.message, data: { code: event.error.code } }
    case 'record':
      return null
  }
}
