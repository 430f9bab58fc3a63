// Flow B, audit: what verification came to in one answer, for its result: tokens that were computed
// twice, and who was left out.

import type { GenerateResult } from '../wire/generation.ts'
import type { PeerId } from '../wire/ids.ts'
import type { AuditNews } from './audited-turn.ts'

export class AuditTally {
  #checkedTokens = 0
  readonly #excluded = new Set<PeerId>()

  /** A token is shown that was computed twice, with the same bits. */
  count(): void {
    this.#checkedTokens++
  }

  note({ guilty }: AuditNews): void {
    for (const peer of guilty) this.#excluded.add(peer)
  }

  get result(): NonNullable<GenerateResult['audit']> {
    return { checkedTokens: this.#checkedTokens, excluded: [...this.#excluded] }
  }
}
