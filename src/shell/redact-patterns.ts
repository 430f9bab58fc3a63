// Shapes that mark a secret by what stands around it: names that say so, headers, addresses with a
// password. Facts of how command lines, configuration files and verbose outputs are written. The keys of
// known issuers and the flags of single tools are beside (redact-issued.ts, redact-tools.ts). Data only.

import { ISSUED } from './redact-issued.ts'
import { isPathOrReference, isReference, type SecretPattern } from './redact-reference.ts'
import { TOOLS } from './redact-tools.ts'

/** A quoted or bare value. Bare ones end where a shell, JSON, YAML or a sentence would end them. */
const VALUE = `(?:"(?:[^"\\\\]|\\\\.)*"?|'[^']*'?|(?:\\\\.|[^\\s"'&;|<>,)}\\]\\\\])+)`

/** Words by which people name what is secret, also inside a longer name: `dbPassword`, `GH_TOKEN_2`. */
const LONG = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'secrets?',
  'token(?!s)',
  'credentials?',
  'api[-_.]?keys?',
  '(?:access|secret|private|auth|encryption|signing|master|account|license|deploy)[-_.]?keys?',
  'session[-_.]?id',
  'seed[-_.]?phrase',
  'mnemonic'
].join('|')

/** Short ones are parts of other words (path, compass, keyboard): alone or behind a separator only. */
const SHORT =
  '(?:db|my|user|root|admin|ssh|ftp|smtp|mail|pg|ldap|wifi|sudo)?pass|pwd|creds?|authorization|' +
  'auth|pat|jwt|cookie|webhook|dsn|pin|otp|salt|bearer'

const NAME =
  `(?:[A-Za-z0-9_.-]{0,60}?(?:${LONG})|(?:[A-Za-z0-9_.-]{0,60}?[-_.])?(?:${SHORT}))` +
  '(?:(?:[-_][A-Za-z0-9]{1,12}){1,3}|[0-9]{1,4})?'

/** Words that a sentence says after the name of a secret: `password is required`. */
const PROSE = new Set(
  (
    'is was not no the a an for to must missing required invalid incorrect expired failed wrong denied ' +
    'empty cannot can unable unexpected error and or of in from with file authentication ok enabled ' +
    'disabled unknown changed using needed bearer basic token digest apikey negotiate'
  ).split(' ')
)

function isProse(secret: string): boolean {
  return PROSE.has(secret.replace(/^["']|["'.!]$/g, '').toLowerCase())
}

/** A name that ends in `key` says little: only of a value that looks like one. */
function isKeyLike(secret: string): boolean {
  return secret.length >= 12 && /[0-9]/.test(secret) && /[A-Za-z]/.test(secret)
}

const from = (parts: string, flags: string): RegExp => new RegExp(parts, flags)

export const PATTERNS: readonly SecretPattern[] = [
  ...ISSUED,

  // Headers, as curl is given them and as verbose outputs print them.
  {
    pattern: from(
      '(?<before>\\b(?:proxy-)?authorization["\']?\\s{0,3}[:=]\\s{0,3}["\']?' +
        '(?:(?:bearer|basic|token|digest|apikey|negotiate|key)\\s{1,3})?)' +
        '(?<secret>[^\\s"\']+(?:[^"\'\\n]{0,500}(?=["\']))?)',
      'gi'
    ),
    unless: isReference
  },
  {
    pattern: /(?<before>\b(?:bearer|basic)\s{1,3})(?<secret>[A-Za-z0-9+/_.~=-]{6,})/gi,
    unless: (secret) => /^[a-z]{1,15}$/.test(secret)
  },
  {
    pattern: /(?<before>\b(?:set-)?cookie["']?\s{0,3}:\s{0,3}["']?)(?<secret>[^"'\n]+)/gi,
    unless: isReference
  },
  {
    pattern: from(
      '(?<before>\\bx-[a-z-]{0,30}(?:key|token|secret|auth|password)["\']?\\s{0,3}:\\s{0,3}["\']?)' +
        '(?<secret>[^\\s"\']+)',
      'gi'
    ),
    unless: isReference
  },

  // A password or a key in an address.
  {
    pattern: from(
      '(?<before>\\b[a-z][a-z0-9+.-]{1,20}:\\/\\/[^\\s/:@"\'?#]{0,100}:)' +
        '(?<secret>[^\\s/"\']{1,300})(?<after>@)',
      'gi'
    ),
    unless: isReference
  },
  {
    pattern:
      /(?<before>\b[a-z][a-z0-9+.-]{1,20}:\/\/)(?<secret>[A-Za-z0-9_.~%+-]{16,300})(?<after>@)/gi
  },
  {
    pattern: from(
      `(?<before>[?&;](?:${LONG}|${SHORT}|key|sig|signature|code|x-amz-[a-z-]{1,30}|` +
        '[a-z_-]{1,20}[_-](?:key|token))=)(?<secret>[^\\s&"\'#;]+)',
      'gi'
    ),
    unless: isReference
  },

  ...TOOLS,

  // Flags and assignments by a name that says it.
  {
    pattern: from(`(?<before>(?<![\\w-])--?(?:${NAME})(?:=|\\s{1,3}))(?<secret>${VALUE})`, 'gi'),
    unless: isPathOrReference
  },
  {
    pattern: from(
      `(?<before>(?<![A-Za-z0-9_.-])["']?(?:${NAME})["']?\\s{0,3}(?:=>|:=|=(?!=)|:(?!:))\\s{0,3})` +
        `(?<secret>${VALUE})`,
      'gi'
    ),
    unless: (secret) => isPathOrReference(secret) || isProse(secret)
  },
  {
    pattern: from(
      `(?<before>(?<![A-Za-z0-9_.-])-{0,2}["']?[A-Za-z0-9_.-]{1,60}[-_.]key["']?\\s{0,3}[=:]\\s{0,3})` +
        `(?<secret>${VALUE})`,
      'gi'
    ),
    unless: (secret) => isPathOrReference(secret) || !isKeyLike(secret)
  },
  {
    pattern: from(
      '(?<before>\\bpass(?:word|phrase|code)?(?: (?:for|of) \\S{1,60})?(?: is| was|:)\\s{1,3}["\'`]?)' +
        '(?<secret>[^\\s"\'`]{3,})',
      'gi'
    ),
    unless: isProse
  },
  {
    pattern:
      /(?<before>\b(?:IDENTIFIED (?:WITH \S{1,60} )?BY|PASSWORD)\s{1,3})(?<secret>'[^']*'?|"[^"]*"?)/gi
  },
  {
    pattern: from(
      '(?<before>\\b(?:machine\\s{1,3}\\S{1,100}|default)\\s{1,3}login\\s[^\\n]{0,80}\\bpassword\\s{1,3})' +
        '(?<secret>\\S+)',
      'gi'
    )
  }
]
