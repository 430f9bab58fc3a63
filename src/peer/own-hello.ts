// What this machine says when it introduces itself on a link: facts that do not change, the time here, where
// it takes lanes and heartbeats, and its own newest record. Made anew for every link.

import { PROTOCOL_VERSION, type Hello } from '../wire/hello.ts'
import { announcedAddresses } from './address.ts'

import type { LogCard } from '../wire/log-card.ts'
import type { DirectoryEntry } from './members/directory-table.ts'
import type { NetworkFacts } from './network-options.ts'

/**
 * @param times ms since this machine came into the topic, and its time of day.
 * @param ports at which it takes lanes (TCP) and heartbeats (UDP); 0: nowhere.
 * @param heartbeatKey of the link that the hello is for.
 * @param logs where ours are; null while the store is not open.
 */
export function ownHello(
  facts: NetworkFacts,
  times: { upMs: number; wallMs: number },
  ports: { lane: number; heartbeat: number },
  heartbeatKey: Uint8Array,
  { signed, record }: Pick<DirectoryEntry, 'signed' | 'record'>,
  logs: LogCard | null
): Hello {
  return {
    protocolVersion: PROTOCOL_VERSION,
    arithmeticVersion: facts.arithmeticVersion,
    programVersion: facts.programVersion,
    name: facts.name,
    upMs: Math.floor(times.upMs),
    // A clock before 1970 is one that was never set.
    wallMs: Math.max(0, Math.floor(times.wallMs)),
    lane: { port: ports.lane, addresses: announcedAddresses() },
    heartbeat: { port: ports.heartbeat, key: heartbeatKey },
    model: record.model,
    record: signed,
    logs
  }
}
