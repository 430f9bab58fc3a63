// fs-native-extensions 1.5: only what base/file-lock.ts calls.

declare module 'fs-native-extensions' {
  const extensions: {
    /** Exclusive advisory lock of the open file; the system frees it when the process ends. */
    tryLock(fd: number): boolean
    unlock(fd: number): void
  }
  export default extensions
}
