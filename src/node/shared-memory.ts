// The shared memory of a running peer: its store opens beside everything else, a little after the network
// began to look, so that no link waits for it; from then on the API answers from it and its logs are on the
// links. A store that cannot be opened is told of, and the peer goes on without.

import { systemClock } from '../base/clock.ts'
import { toSwarmError } from '../base/errors.ts'
import { hashEmbedder } from '../knowledge/embedder/hash-embedder.ts'
import { KnowledgeIndex } from '../knowledge/index/knowledge-index.ts'
import { openKnowledge, type Knowledge } from '../knowledge/knowledge.ts'
import { knowledgeService, signerOf } from './own-knowledge.ts'

import type { KnowledgeEvent } from '../knowledge/ports.ts'
import type { Identity } from '../peer/identity.ts'
import type { PeerId } from '../wire/ids.ts'
import type { NodeParts } from './node-parts.ts'

export class SharedMemory {
  readonly #parts: NodeParts
  #opening: Promise<void> | null = null
  #knowledge: Knowledge | null = null
  #index: KnowledgeIndex | null = null

  /** @param parts with identity and network, by the time that open() is called. */
  constructor(parts: NodeParts) {
    this.#parts = parts
  }

  /** Begins; never throws. */
  open(): void {
    this.#opening ??= this.#open()
  }

  async close(): Promise<void> {
    await this.#opening
    this.#parts.knowledge = null
    await this.#knowledge?.close()
    this.#index?.close()
  }

  async #open(): Promise<void> {
    const { options, topic, identity, network } = this.#parts
    try {
      this.#index = new KnowledgeIndex()
      this.#knowledge = await openKnowledge({
        dataDir: options.dataDir,
        topic: topic.discoveryKey,
        signer: signerOf(identity as Identity),
        index: this.#index,
        embedder: hashEmbedder,
        clock: systemClock,
        nameOf: (peer) => this.#nameOf(peer),
        onEvent: (event) => this.#tell(event)
      })
      if (this.#parts.isClosing) return
      this.#parts.knowledge = knowledgeService(this.#knowledge, this.#index)
      network?.shareLogs(this.#knowledge.replication)
    } catch (error) {
      const { code, message } = toSwarmError(error, 'STORE_UNREADABLE')
      this.#parts.hub.emit('error', `There is no shared memory: ${message}`, { code })
    }
  }

  #tell({ kind, author, text }: KnowledgeEvent): void {
    if (!this.#parts.isClosing) this.#parts.hub.emit('knowledge', text, { kind, author })
  }

  #nameOf(peer: PeerId): string | null {
    return this.#parts.network?.directory.get(peer)?.record.name ?? null
  }
}
