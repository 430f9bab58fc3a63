// Optional fields of an object as exactOptionalPropertyTypes means them: a field that was not given is not
// there. Owns nothing else.

/** Without the fields whose value is undefined. */
export function given<T extends object>(
  fields: T
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> }
}
