// The shared memory of one installation, as a running peer, the command line and the shell see it: learn,
// forget and ask. Joins the store (logs on disk, replicated) to the index (what is found), and owns the one
// line in which writes stand. Nothing here waits for another machine but a log that is being restored.
//
//   learn --> embedder --> write line --> log set --> tail --> index <-- query
//
// The index and the embedder come from outside; so does the identity. Takes no lock: whoever opens a data
// directory holds its lock.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { SwarmError } from '../base/errors.ts'
import { fromHex, toHex } from '../base/text.ts'
import { entryId } from './store/entry-id.ts'
import { checkLearn } from './store/check-learn.ts'
import { HiddenIds } from './store/hidden-ids.ts'
import { LogSet } from './store/log-set.ts'
import { News } from './store/news.ts'
import { readSaved, writeSaved } from './store/saved-file.ts'
import { Shelf } from './store/shelf.ts'
import { WriteLine } from './store/write-line.ts'

import type { Clock } from '../base/clock.ts'
import type { PeerId } from '../wire/ids.ts'
import type {
  Forgotten,
  Hit,
  KnowledgeStatus,
  LearnRequest,
  Learnt,
  QueryRequest,
  Scope
} from '../wire/knowledge.ts'
import type { LogCard } from '../wire/log-card.ts'
import type { Embedder, KnowledgeEvent, KnowledgeIndex, Signer } from './ports.ts'
import type { Change } from './store/own-pair.ts'

/** A log that lost its tail waits so long for peers, from when something is to be added to it. */
const RESTORE_MS = 20_000

export interface KnowledgeOptions {
  /** The store is `store` below it. */
  dataDir: string
  /** Discovery key of the topic; null: of the one last joined, if any. */
  topic: Uint8Array | null
  signer: Signer
  index: KnowledgeIndex
  embedder: Embedder
  clock: Clock
  /** How long a log that lost its tail waits for peers; 0 where none can come. */
  restoreMs?: number
  /** What the peer of this key calls itself; null when that is not known. */
  nameOf?(peer: PeerId): string | null
  onEvent(event: KnowledgeEvent): void
}

/** How logs get over links: joined to peer/ by whoever knows both. */
export interface ReplicationPort {
  /** The link is up. @param mux Protomux of its connection. */
  attach(peer: PeerId, mux: unknown): void
  detach(peer: PeerId): void
  /** Of the logs that we write; null before there are any. */
  ownCard(): LogCard | null
  /** Every card that we know. */
  cards(): LogCard[]
  onCards(from: PeerId, cards: LogCard[]): void
  /** Sets who is told of new cards; `from` has told them and need not hear them. */
  onNews(handler: (cards: LogCard[], from: PeerId | null) => void): void
}

/** @throws STORE_BUSY, STORE_UNREADABLE, STORE_FULL */
export async function openKnowledge(options: KnowledgeOptions): Promise<Knowledge> {
  const knowledge = new Knowledge(options)
  try {
    await knowledge.open()
    return knowledge
  } catch (error) {
    await knowledge.close()
    throw error
  }
}

export class Knowledge {
  readonly replication: ReplicationPort
  readonly #options: KnowledgeOptions
  readonly #lines: Record<Scope, WriteLine<Change>>
  readonly #news: News
  #shelf: Shelf | null = null
  #hidden: HiddenIds | null = null
  #local: LogSet | null = null
  #topic: LogSet | null = null
  #trouble: string | null = null
  #onNews: (cards: LogCard[], from: PeerId | null) => void = () => {}
  #closing: Promise<void> | null = null

  /** Use openKnowledge. */
  constructor(options: KnowledgeOptions) {
    this.#options = options
    this.#news = new News(options.clock)
    const line = (scope: Scope) => new WriteLine<Change>((changes) => this.#commit(scope, changes))
    this.#lines = { swarm: line('swarm'), local: line('local') }
    this.replication = {
      attach: (peer, mux) => this.#topic?.replication.attach(peer, mux),
      detach: (peer) => this.#topic?.replication.detach(peer),
      ownCard: () => this.#topic?.ownCard ?? null,
      cards: () => this.#topic?.cards ?? [],
      onCards: (from, cards) => this.#topic?.takeCards(from, cards),
      onNews: (handler) => (this.#onNews = handler)
    }
  }

  async open(): Promise<void> {
    const folder = join(this.#options.dataDir, 'store')
    this.#shelf = await Shelf.open(join(folder, 'cores'))
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      this.#hidden = await HiddenIds.open(join(folder, 'hidden'))
      const topic = await this.#rememberTopic(join(folder, 'topic'))
      this.#local = await this.#openSet(join(folder, 'local'), null)
      if (topic !== null) this.#topic = await this.#openSet(join(folder, toHex(topic)), topic)
    } catch (error) {
      throw this.#shelf.error(error)
    }
  }

  /** Resolves when what was in the store at the start can be found. */
  async settled(): Promise<void> {
    await this.#local?.settled()
    await this.#topic?.settled()
  }

  /** Durable, and found by the next query, when it resolves. @throws STORE_*, USAGE_* */
  async learn(request: LearnRequest): Promise<Learnt> {
    const { scope: wanted, ...texts } = checkLearn(request)
    const scope = this.#topic === null ? 'local' : wanted
    const { signer, embedder, clock } = this.#options
    const id = entryId(signer.id, texts)
    await this.#set(scope).own.caughtUp()
    const { table } = this.#set(scope).own
    const hasBasin = table.spaceOf(id) === embedder.spaceId
    if (table.isLive(id) && hasBasin) return { id, scope, isKnown: true }
    const wallMs = Math.max(0, Math.floor(clock.wallMs()))
    const text = [texts.question, texts.answer].filter((part) => part !== '').join('\n')
    const vector = hasBasin ? null : embedder.embed(text)
    const basin = vector && { id, spaceId: embedder.spaceId, wallMs, vector }
    await this.#lines[scope].add({ id, value: { type: 'fact', ...texts, wallMs }, basin })
    return { id, scope, isKnown: false }
  }

  /** @throws USAGE_BAD_VALUE when nobody has such an entry; STORE_* */
  async forget(id: string): Promise<Forgotten> {
    const wallMs = Math.max(0, Math.floor(this.#options.clock.wallMs()))
    const scopes = (['swarm', 'local'] as const).filter((scope) => {
      return this.#sets[scope]?.own.table.isLive(id)
    })
    for (const scope of scopes) {
      await this.#lines[scope].add({ id, value: { type: 'tombstone', wallMs }, basin: null })
    }
    if (scopes.length > 0) return { id, isOwn: true }
    const author = this.#topic?.authors.find(({ table }) => table.isLive(id))
    if (author === undefined || this.#hidden?.has(id)) {
      throw new SwarmError('USAGE_BAD_VALUE', `There is no entry ${id}; see swarm query`)
    }
    await this.#hidden?.add(id)
    this.#options.index.remove(author.author, id)
    return { id, isOwn: false }
  }

  /** From memory; never waits. */
  query(request: QueryRequest): Hit[] {
    const { index, nameOf } = this.#options
    return index.query(request).map((hit) => {
      return { ...hit, authorName: nameOf?.(hit.author) ?? null, scope: this.#scopeOf(hit) }
    })
  }

  status(): KnowledgeStatus {
    const authors = this.#topic?.authors ?? []
    const local = this.#local?.own.table.size ?? 0
    const isRestoring = this.#topic?.isRestoring || this.#local?.isRestoring
    const restoring = 'A part of our own log is missing and is being fetched back from peers'
    return {
      entries: this.#options.index.size,
      own: (this.#topic?.own.table.size ?? 0) + local,
      authors: authors.map(({ author, table, bytes, isComplete }) => {
        return { author, entries: table.size, bytes, isComplete }
      }),
      trouble: this.#trouble ?? (isRestoring ? restoring : null)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([this.#topic?.close(), this.#local?.close()])
    await this.#shelf?.close()
  }

  get #sets(): Record<Scope, LogSet | null> {
    return { swarm: this.#topic, local: this.#local }
  }

  #set(scope: Scope): LogSet {
    const set = this.#sets[scope]
    if (set !== null) return set
    throw new SwarmError('STORE_BUSY', 'The store is not open yet; try again in a moment')
  }

  async #commit(scope: Scope, changes: Change[]): Promise<void> {
    try {
      await this.#set(scope).commit(changes)
      if (this.#trouble === null) return
      const text = 'The store can be written again'
      this.#tell({ kind: 'recovered', author: this.#options.signer.id, text })
    } catch (reason) {
      const error = (this.#shelf as Shelf).error(reason)
      const { code, message: text } = error
      const author = this.#options.signer.id
      if (code !== 'STORE_BUSY') this.#tell({ kind: 'trouble', author, text })
      throw error
    }
  }

  #scopeOf({ author, id }: Hit): Scope {
    const { signer } = this.#options
    if (author !== signer.id) return 'swarm'
    return this.#topic?.own.table.isLive(id) ? 'swarm' : 'local'
  }

  async #rememberTopic(path: string): Promise<Uint8Array | null> {
    const { topic } = this.#options
    const last = fromHex((await readSaved(path))?.toString('latin1').trim() ?? '', 32)
    if (topic === null) return last
    if (last === null || toHex(last) !== toHex(topic)) {
      await writeSaved(path, Buffer.from(`${toHex(topic)}\n`))
    }
    return topic
  }

  #openSet(folder: string, topic: Uint8Array | null): Promise<LogSet> {
    const { signer, clock, index, restoreMs = RESTORE_MS } = this.#options
    const isHidden = (author: PeerId, id: string) => author !== signer.id && this.#hidden?.has(id)
    return LogSet.open({
      shelf: this.#shelf as Shelf,
      folder,
      topic,
      signer,
      clock,
      // Nobody can give back what nobody was given.
      restoreMs: topic === null ? 0 : restoreMs,
      sink: {
        putFact: (author, fact) => isHidden(author, fact.id) || index.putFact(author, fact),
        putBasin: (author, basin) => isHidden(author, basin.id) || index.putBasin(author, basin),
        remove: (author, id) => {
          // What was learnt in both scopes is forgotten when it is in neither.
          const lives = [this.#topic, this.#local].some((set) => set?.own.table.isLive(id))
          if (author !== signer.id || !lives) index.remove(author, id)
        }
      },
      onForgotten: (author) => index.forgetAuthor(author),
      onEvent: (event) => this.#tell(event),
      onCards: (cards, from) => this.#onNews(cards, from)
    })
  }

  #tell(event: KnowledgeEvent): void {
    // It goes on until it is over, and is told once.
    if (event.kind === 'trouble' && event.text === this.#trouble) return
    if (event.kind === 'recovered' && this.#trouble === null) return
    if (event.kind === 'trouble') this.#trouble = event.text
    if (event.kind === 'recovered') this.#trouble = null
    if (this.#news.isNews(event)) this.#options.onEvent(event)
  }
}
