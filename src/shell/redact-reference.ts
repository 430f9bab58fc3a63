// The shape of a pattern that finds secrets, and what stands in a secret's place without being one:
// variables, placeholders, files. Pure.

export interface SecretPattern {
  /** Global, on one line, with the groups `before` (kept), `secret` and perhaps `after` (kept). */
  pattern: RegExp
  /** Values that are no secret: names of variables, files, prompts. */
  unless?: (secret: string) => boolean
}

/** References and placeholders: nothing that anybody could use. */
export function isReference(secret: string): boolean {
  const bare = secret.replace(/^["']|["']$/g, '')
  return (
    bare === '' ||
    /^\$(?:\{?\w+\}?|\(.*\)?)$/.test(bare) ||
    /^(?:true|false|null|none|yes|no|on|off|undefined|\*+|x+|\.+|<[^>]*>?)$/i.test(bare) ||
    bare.startsWith('-')
  )
}

const FILE_ENDING =
  'pem|key|pub|crt|txt|json|ya?ml|toml|env|conf|cfg|ini|[jt]sx?|py|md|c|h|go|rs|rb|java|html?|css|lock|log|sh'
const FILE = new RegExp(`^["']?[\\w-]{1,40}\\.(?:${FILE_ENDING})["']?$`)

export function isPathOrReference(secret: string): boolean {
  return (
    isReference(secret) || /^["']?(?:~|\.{1,2})?\/[\w.@/-]*["']?$/.test(secret) || FILE.test(secret)
  )
}
