// What stands on the terminal's last row of an answer that is still being written, so that a remark can take
// the row and the text be put behind it again: a sentence is then not torn by a line break. Pure. Knows it
// for plain characters only, because how wide others are is the terminal's own affair.

export class LineTail {
  #text = ''
  #isKnown = true

  /** @param width of the terminal, in columns. */
  push(text: string, width: number): void {
    const at = text.lastIndexOf('\n')
    if (at >= 0) this.clear()
    this.#text += text.slice(at + 1)
    this.#isKnown &&= /^[ -~]*$/.test(this.#text)
    // A full row stays where the cursor is until the next character.
    const rows = Math.ceil(this.#text.length / width)
    if (rows > 1) this.#text = this.#text.slice((rows - 1) * width)
  }

  /** Null when it is not known. */
  get text(): string | null {
    return this.#isKnown ? this.#text : null
  }

  clear(): void {
    this.#text = ''
    this.#isKnown = true
  }
}
