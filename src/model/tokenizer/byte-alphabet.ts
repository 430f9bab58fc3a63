// The 256 printable characters with which GPT-2's tokenizer writes bytes: its vocabulary and merges are
// text in this alphabet. Source: bytes_to_unicode in encoder.py of the GPT-2 release.

/** Character of each byte, index 0 to 255. */
export const BYTE_ALPHABET: readonly string[] = makeAlphabet()

const bytes = new Map(BYTE_ALPHABET.map((character, byte) => [character, byte]))

/** Bytes that a token's text stands for; characters outside the alphabet stand for themselves. */
export function bytesOfAlphabet(text: string): Uint8Array {
  const out: number[] = []
  for (const character of text) {
    const byte = bytes.get(character)
    if (byte === undefined) out.push(...Buffer.from(character))
    else out.push(byte)
  }
  return Uint8Array.from(out)
}

function isPrintable(byte: number): boolean {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173)
}

/** Printable Latin-1 stands for itself, every other byte for the next code point from 256 on. */
function makeAlphabet(): string[] {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrintable(byte) ? byte : next++)
  )
}
