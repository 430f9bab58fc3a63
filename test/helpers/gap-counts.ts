// Times between two tokens, counted by the millisecond, so that a long run takes no more memory than a short
// one and its quantiles are exact to a millisecond.

const LONGEST_MS = 120_000

export class GapCounts {
  readonly #counts = new Uint32Array(LONGEST_MS + 1)
  total = 0
  longestMs = 0

  /** @param nTokens that came together: the reader waited for the first of them. */
  add(gapMs: number, nTokens: number): void {
    this.#count(gapMs, 1)
    if (nTokens > 1) this.#count(0, nTokens - 1)
    this.longestMs = Math.max(this.longestMs, gapMs)
  }

  /** ms that this share of the gaps stays within. */
  quantile(share: number): number {
    let seen = 0
    const due = share * this.total
    const found = this.#counts.findIndex((count) => (seen += count) >= due && seen > 0)
    return Math.max(0, found)
  }

  get text(): string {
    const [p50, p95, p999] = [0.5, 0.95, 0.999].map((share) => this.quantile(share))
    const longest = this.longestMs.toFixed(0)
    return `median ${p50} ms, 95 % within ${p95} ms, 99.9 % within ${p999} ms, longest ${longest} ms`
  }

  #count(gapMs: number, times: number): void {
    const ms = Math.min(LONGEST_MS, Math.round(gapMs))
    this.#counts[ms] = (this.#counts[ms] ?? 0) + times
    this.total += times
  }
}
