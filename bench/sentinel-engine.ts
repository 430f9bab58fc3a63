// The shipped model as a process asks it that runs no peer: whole greedy answers to conversations, one after
// the other, through the product's own text generator.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { silentLog } from '../src/base/log.ts'
import { openModel } from '../src/model/open-model.ts'
import { openLocal, type LocalModel } from '../src/node/local-model.ts'
import { readSentinelAnswer, type SentinelAnswer } from '../src/shell/sentinel-question.ts'

import type { ChatMessage } from '../src/wire/generation.ts'

const ANSWER_TOKENS = 110
/** What the model is opened for. */
const ANY = {
  messages: [],
  maxTokens: ANSWER_TOKENS,
  sampling: {},
  stop: [],
  kvType: 'f16' as const
}

export class SentinelEngine {
  readonly name: string
  readonly id: string
  readonly #local: LocalModel
  readonly #folder: string

  private constructor(id: string, local: LocalModel, folder: string) {
    this.name = local.name
    this.id = id
    this.#local = local
    this.#folder = folder
  }

  static async open(path: string): Promise<SentinelEngine> {
    const { signal } = new AbortController()
    const cacheDir = mkdtempSync(join(tmpdir(), 'swarm-bench-'))
    const { id } = await openModel(path)
    const own = { threads: 1, memoryBytes: null, request: ANY, needsId: false }
    const local = await openLocal(
      { model: path, ...own, cacheDir, log: silentLog, onProgress: () => {} },
      signal
    )
    return new SentinelEngine(id, local, cacheDir)
  }

  /** @returns null where the conversation is longer than the model's context. */
  async answer(messages: ChatMessage[]): Promise<SentinelAnswer | null> {
    const { signal } = new AbortController()
    const request = { messages, maxTokens: ANSWER_TOKENS, sampling: {}, stop: [] }
    let text = ''
    try {
      for await (const event of this.#local.generate({ ...request, kvType: 'f16' }, signal))
        if (event.type === 'text') text += event.text
    } catch (error) {
      if ((error as { code?: string }).code === 'USAGE_PROMPT_TOO_LONG') return null
      throw error
    }
    return readSentinelAnswer(text)
  }

  async close(): Promise<void> {
    await this.#local.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
