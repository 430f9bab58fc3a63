// Which known name somebody who mistyped may have meant. Pure.

/** Slips that still count as the same word: one in a short name, two in a long one. */
function slipsMax(name: string): number {
  return name.length <= 4 ? 1 : 2
}

/** @returns the closest candidate, the first of equals, or null when none is close. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  let best: string | null = null
  let bestSlips = slipsMax(name) + 1
  for (const candidate of candidates) {
    const slips = countSlips(name, candidate)
    if (slips < bestSlips) [best, bestSlips] = [candidate, slips]
  }
  return (
    best ?? candidates.find((candidate) => name.length >= 3 && candidate.startsWith(name)) ?? null
  )
}

/**
 * Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
 * @param most lengths that differ by more are not compared: the answer is one above it.
 */
export function countSlips(a: string, b: string, most = 2): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let slips = Math.min(replaced, (last[j] as number) + 1, (row[j - 1] as number) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        slips = Math.min(slips, (beforeLast[j - 2] as number) + 1)
      }
      row.push(slips)
    }
    ;[beforeLast, last] = [last, row]
  }
  return last[b.length] as number
}
