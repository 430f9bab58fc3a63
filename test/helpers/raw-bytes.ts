// Little-endian bytes written one field after another, right or wrong: files that a careful writer
// would never make. Independent of the product's own writer.

export class RawBytes {
  readonly #parts: Buffer[] = []

  get length(): number {
    return this.#parts.reduce((sum, part) => sum + part.length, 0)
  }

  raw(bytes: Uint8Array | string): this {
    this.#parts.push(Buffer.from(bytes as string))
    return this
  }

  u8(...values: number[]): this {
    return this.raw(Uint8Array.from(values))
  }

  u32(...values: number[]): this {
    for (const value of values) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(value >>> 0)
      this.#parts.push(bytes)
    }
    return this
  }

  u64(...values: (number | bigint)[]): this {
    for (const value of values) {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)))
      this.#parts.push(bytes)
    }
    return this
  }

  f32(...values: number[]): this {
    for (const value of values) {
      const bytes = Buffer.alloc(4)
      bytes.writeFloatLE(value)
      this.#parts.push(bytes)
    }
    return this
  }

  /** Length and bytes, as GGUF writes keys, names and strings. */
  text(text: string): this {
    return this.u64(Buffer.byteLength(text)).raw(text)
  }

  zeros(count: number): this {
    return this.raw(new Uint8Array(count))
  }

  padTo(alignment: number): this {
    return this.zeros((alignment - (this.length % alignment)) % alignment)
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts))
  }
}
