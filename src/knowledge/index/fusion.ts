// Two rankings -> one (reciprocal rank fusion: Cormack, Clarke and Buettcher, SIGIR 2009). Only places
// count, because the scores of words and of angles cannot be compared. Pure.

/** The constant of the paper: how little the very first places differ. */
const FLATTENING = 60
/** On questions to passages words find more than the hashed vectors do (docs/knowledge.md). */
const TEXT_WEIGHT = 2
const VECTOR_WEIGHT = 1

export interface Fused {
  slot: number
  score: number
}

/**
 * @param byText, byVector slots, best first.
 * @param isBefore order of two entries with equal scores.
 */
export function fuse(
  byText: readonly number[],
  byVector: readonly number[],
  isBefore: (slotA: number, slotB: number) => boolean
): Fused[] {
  const scores = new Map<number, number>()
  for (const [at, slot] of byText.entries()) scores.set(slot, TEXT_WEIGHT / (FLATTENING + 1 + at))
  for (const [at, slot] of byVector.entries()) {
    scores.set(slot, (scores.get(slot) ?? 0) + VECTOR_WEIGHT / (FLATTENING + 1 + at))
  }
  return [...scores]
    .map(([slot, score]) => ({ slot, score }))
    .toSorted((a, b) => b.score - a.score || (isBefore(a.slot, b.slot) ? -1 : 1))
}
