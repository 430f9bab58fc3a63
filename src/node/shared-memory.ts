// The shared memory of a running peer: its store opens beside everything else, a little after the network
// began to look, so that no link waits for it; from then on the API answers from it and its logs are on the
// links. A store that cannot be opened is told of, and the peer goes on without. What logs are made of is
// loaded only then: it takes longer than to find a peer.

import { systemClock } from '../base/clock.ts'
import { toSwarmError } from '../base/errors.ts'

import type { KnowledgeIndex } from '../knowledge/index/knowledge-index.ts'
import type { Knowledge } from '../knowledge/knowledge.ts'
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
      const [knowledge, index, embedder, own] = await Promise.all([
        import('../knowledge/knowledge.ts'),
        import('../knowledge/index/knowledge-index.ts'),
        import('../knowledge/embedder/hash-embedder.ts'),
        import('./own-knowledge.ts')
      ])
      this.#index = new index.KnowledgeIndex()
      this.#knowledge = await knowledge.openKnowledge({
        dataDir: options.dataDir,
        topic: topic.discoveryKey,
        signer: own.signerOf(identity as Identity),
        index: this.#index,
        embedder: embedder.hashEmbedder,
        clock: systemClock,
        nameOf: (peer) => this.#nameOf(peer),
        onEvent: (event) => this.#tell(event)
      })
      if (this.#parts.isClosing) return
      this.#parts.knowledge = own.knowledgeService(this.#knowledge, this.#index)
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
