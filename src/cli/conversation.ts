// The state of `swarm chat`, without a terminal: messages so far, the session that holds their KV, and
// what each outcome of a turn does to both. An answer that failed leaves no trace; one that was stopped
// stays as far as it was read.

import type { ChatMessage, GenerateRequest, GenerateResult, SavedPrefix } from '../api/service.ts'

export class Conversation {
  readonly #request: GenerateRequest
  readonly #system: string | undefined
  readonly turns: GenerateResult[] = []
  #messages: ChatMessage[] = []
  #session: string | undefined
  /** What stages keep of it on their disks; null: nothing that is known. */
  saved: SavedPrefix | null = null

  /** @param request sampling of every turn. */
  constructor(request: GenerateRequest, system: string | undefined) {
    this.#request = request
    this.#system = system
    this.clear()
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages
  }

  /** The session that the peer keeps for the next turn. */
  get session(): string | undefined {
    return this.#session
  }

  /** What to ask for after this line of the user; nothing is kept of it until answered() or stopped(). */
  ask(text: string): GenerateRequest {
    return {
      ...this.#request,
      messages: [...this.#messages, { role: 'user', content: text }],
      keep: true,
      ...(this.#session === undefined ? {} : { session: this.#session }),
      ...(this.saved === null ? {} : { saved: this.saved })
    }
  }

  answered(text: string, result: GenerateResult): void {
    this.#keep(text, result.text)
    this.#session = result.session
    this.turns.push(result)
  }

  /** @param soFar the part of the answer that the user saw. */
  stopped(text: string, soFar: string): void {
    this.#keep(text, soFar)
    // Stopping freed every stage; the next turn computes the conversation anew.
    this.#session = undefined
  }

  clear(): void {
    this.#messages = this.#system === undefined ? [] : [{ role: 'system', content: this.#system }]
    this.#session = undefined
    this.saved = null
  }

  /** Goes on from another conversation, instructions included. */
  restore(messages: readonly ChatMessage[], saved: SavedPrefix | null): void {
    this.#messages = [...messages]
    this.#session = undefined
    this.saved = saved
  }

  #keep(question: string, answer: string): void {
    this.#messages.push({ role: 'user', content: question }, { role: 'assistant', content: answer })
  }
}
