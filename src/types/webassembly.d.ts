// The one part of WebAssembly that is used, its memory: pages that begin where a disk can write to, which
// no other buffer of JavaScript promises. The library of ES2023 does not declare it.

declare namespace WebAssembly {
  class Memory {
    /** @param descriptor `initial` pages of 64 KiB. */
    constructor(descriptor: { initial: number })
    readonly buffer: ArrayBuffer
  }
}
