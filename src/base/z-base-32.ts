// Bytes as text that people copy by hand: z-base-32 (Wilcox-O'Hearn, "human-oriented base-32 encoding"),
// whose alphabet leaves out 0, l, v and 2 because they are taken for others. Five bits per character,
// highest first; what is left of the last character is zero. One text per value: nothing else decodes.

const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769'

export function toZBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31]
}

/** @returns null when the text is not what toZBase32 makes of any bytes. */
export function fromZBase32(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let at = 0
  let bits = 0
  let held = 0
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) return null
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >>> bits
    held &= (1 << bits) - 1
  }
  return bits < 5 && held === 0 ? bytes : null
}
