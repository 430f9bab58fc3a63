// Every failure the program can name. Owns the code list, the family of each code and what a family
// makes the caller do. A code is a promise to users and scripts: it is never renamed.
// Deliberately has no subclass per failure: the family decides the reaction, the code the message.

export type ErrorCode =
  // The command line or a request is wrong: message and hint, exit 2 (HTTP 400).
  | 'USAGE_UNKNOWN_COMMAND'
  | 'USAGE_UNKNOWN_FLAG'
  | 'USAGE_MISSING'
  | 'USAGE_BAD_VALUE'
  | 'USAGE_PROMPT_TOO_LONG'
  | 'USAGE_UNSUPPORTED'
  | 'USAGE_UNKNOWN_MODEL'
  | 'USAGE_UNKNOWN_ROUTE'
  | 'USAGE_BAD_METHOD'
  | 'USAGE_BAD_JSON'
  | 'USAGE_CONTENT_TYPE'
  | 'USAGE_TOO_LARGE'
  | 'USAGE_TOO_SLOW'
  | 'USAGE_FORBIDDEN'
  // A model file cannot be used: refuse to load and name the tensor or key.
  | 'MODEL_NOT_GIVEN'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_UNREADABLE'
  | 'MODEL_BAD_MAGIC'
  | 'MODEL_BAD_VERSION'
  | 'MODEL_TRUNCATED'
  | 'MODEL_BAD_METADATA'
  | 'MODEL_BAD_TENSOR'
  | 'MODEL_TOO_LARGE'
  | 'MODEL_UNSUPPORTED_ARCHITECTURE'
  | 'MODEL_UNSUPPORTED_TYPE'
  | 'MODEL_UNSUPPORTED_TOKENIZER'
  | 'MODEL_BAD_TEMPLATE'
  | 'MODEL_CHANGED'
  | 'MODEL_SECOND'
  // Bytes of another peer break the protocol: close the channel, mark the peer.
  | 'WIRE_BAD_FRAME'
  | 'WIRE_TOO_LARGE'
  | 'WIRE_UNKNOWN_TYPE'
  | 'WIRE_VERSION'
  | 'WIRE_PROOF'
  // Another peer is away or unwilling: take another route.
  | 'PEER_GONE'
  | 'PEER_TIMEOUT'
  | 'PEER_BUSY'
  | 'PEER_NO_LINK'
  | 'PEER_REFUSED'
  | 'PEER_DUPLICATE'
  | 'PEER_NOT_RUNNING'
  // A stage cannot go on with a session: replay elsewhere, or refuse admission.
  | 'STAGE_NOT_LOADED'
  | 'STAGE_POSITION_GAP'
  | 'STAGE_UNKNOWN_SESSION'
  | 'STAGE_FULL'
  | 'STAGE_NOT_FINITE'
  // No set of peers holds the whole model: wait and show the gap.
  | 'PLAN_GAP'
  | 'PLAN_NO_CAPACITY'
  // The addon or the processor: say which.
  | 'NATIVE_MISSING'
  | 'NATIVE_UNSUPPORTED_CPU'
  | 'NATIVE_OUT_OF_MEMORY'
  | 'NATIVE_SELF_TEST'
  | 'NATIVE_FAILED'
  // The data directory or the disk: lose nothing, say what to free or fix.
  | 'STORE_BUSY'
  | 'STORE_UNREADABLE'
  | 'STORE_FULL'

const FAMILIES = ['USAGE', 'MODEL', 'WIRE', 'PEER', 'STAGE', 'PLAN', 'NATIVE', 'STORE'] as const

export type ErrorFamily = (typeof FAMILIES)[number]

export interface SwarmErrorOptions {
  cause?: unknown
  param?: string
  peer?: string
  place?: { ticket: number; before: number }
}

/**
 * The one error class of the project.
 * `message` is one sentence with cause and next step, ready to be shown to a user.
 */
export class SwarmError extends Error {
  readonly code: ErrorCode
  /** The flag or request field that is wrong, where there is one: OpenAI's errors carry it. */
  readonly param: string | null
  /** The key of the peer that could not be reached, where that is why. */
  readonly peer: string | null
  /** The place in line for what there is no room for now (wire/session.ts), where waiting helps. */
  readonly place: { ticket: number; before: number } | null

  constructor(code: ErrorCode, message: string, options?: SwarmErrorOptions) {
    super(message, options)
    this.name = 'SwarmError'
    this.code = code
    this.param = options?.param ?? null
    this.peer = options?.peer ?? null
    this.place = options?.place ?? null
  }

  get family(): ErrorFamily {
    return familyOf(this.code)
  }

  toJSON(): { code: ErrorCode; message: string } {
    return { code: this.code, message: this.message }
  }
}

export function familyOf(code: ErrorCode): ErrorFamily {
  return code.slice(0, code.indexOf('_')) as ErrorFamily
}

/**
 * An error that another peer reported. A code of a family that is not known here says only that the
 * peer refuses; a newer peer's code of a known family is kept, because the family decides.
 * @param text safe to print.
 * @param more what else it said.
 */
export function errorFromPeer(
  code: string,
  text: string,
  more: Pick<SwarmErrorOptions, 'peer' | 'place'> = {}
): SwarmError {
  const isKnown = FAMILIES.some((family) => code.startsWith(`${family}_`))
  return isKnown
    ? new SwarmError(code as ErrorCode, text, more)
    : new SwarmError('PEER_REFUSED', `${text} (${code})`)
}

/** Exit status of a command that ends with this error. Scripts rely on these numbers. */
export function exitCodeOf(error: unknown): number {
  if (isAbort(error)) return 130
  if (!(error instanceof SwarmError)) return 1
  if (error.code === 'PEER_NOT_RUNNING') return 3
  switch (error.family) {
    case 'USAGE':
      return 2
    case 'PLAN':
    case 'PEER':
      return 4
    case 'MODEL':
      return 5
    case 'WIRE':
    case 'STAGE':
    case 'NATIVE':
    case 'STORE':
      return 1
  }
}

/** An abort through an AbortSignal is the caller's wish, not an error: it is never logged. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

export function abortError(): Error {
  return new DOMException('cancelled', 'AbortError')
}

/** Whatever was thrown, as a SwarmError: unknown causes keep their text under the given code. */
export function toSwarmError(error: unknown, code: ErrorCode): SwarmError {
  if (error instanceof SwarmError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new SwarmError(code, text, { cause: error })
}
