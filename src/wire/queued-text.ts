// What a person is told of a question that waits: everywhere the same words.

/** `queued: 2 before you`, or why there is nobody to ask yet. @param reason foreign text. */
export function queuedText({ reason, before }: { reason: string; before?: number }): string {
  if (before === undefined) return `waiting: ${reason}`
  return before === 0 ? `queued: you are next (${reason})` : `queued: ${before} before you`
}
