// Who may link to this peer, decided by key before a byte is sent: the gate in front of the proof. Owns
// the lists in force and their file. Every user decides for the own machine alone: nothing of it is sent
// to others, and nobody else's list is obeyed, because a member who could expel others for all would be
// the coordinator that there is none of (docs/security.md).

import { readGate, writeGate } from './gate-file.ts'
import { editGate, refusalOf, type GateList } from './gate-list.ts'

import type { SwarmError } from '../../base/errors.ts'
import type { GateEdit, GateStatus } from '../../wire/gate.ts'
import type { PeerId } from '../../wire/ids.ts'

export class Gate {
  readonly #dataDir: string
  #list: GateList

  /**
   * The gate of a data directory, which exists; open to all until it is edited.
   * @param allow keys to be put on the allow-list first.
   * @throws STORE_UNREADABLE when its file is damaged; USAGE_BAD_VALUE.
   */
  constructor(dataDir: string, allow: string[] = []) {
    this.#dataDir = dataDir
    this.#list = readGate(dataDir)
    if (allow.length > 0) this.edit({ action: 'allow', keys: allow })
  }

  /** Whether some member of the topic is shut out. */
  get isNarrow(): boolean {
    return this.#list.onlyAllowed || this.#list.revoked.size > 0
  }

  get status(): GateStatus {
    const { onlyAllowed, allowed, revoked } = this.#list
    return { onlyAllowed, allowed: [...allowed].toSorted(), revoked: [...revoked].toSorted() }
  }

  /** @returns PEER_REFUSED for a key that is not to be linked to, else null. */
  refusal(peer: PeerId): SwarmError | null {
    return refusalOf(this.#list, peer)
  }

  /**
   * In force at once, and after the next start.
   * @param known keys whose first digits are enough to revoke them.
   * @throws USAGE_BAD_VALUE, after which nothing has changed; STORE_UNREADABLE, after which the edit is
   *         in force until this process ends.
   */
  edit(edit: GateEdit, known: readonly PeerId[] = []): void {
    this.#list = editGate(this.#list, edit, known)
    writeGate(this.#dataDir, this.#list)
  }
}
