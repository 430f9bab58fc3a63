// Switching the hook on and off on this machine, and saying what it does. Consent lies in the data directory
// (hook-config.ts), the spool in the runtime folder (spool.ts), the suggestions beside the consent
// (command-index.ts); this keeps the three in step. A reboot empties the runtime folder: the next shell
// that loads the hook makes the spool anew if the consent is there.

import { join } from 'node:path'

import { CommandIndex, type IsHarmless } from './command-index.ts'
import { readHookConfig, writeHookConfig, type HookConfig } from './hook-config.ts'
import { zshHookScript } from './hook-script.ts'
import { dropNotices } from './notice.ts'
import { lastFailed, Spool } from './spool.ts'

export interface HookStatus extends HookConfig {
  /** Where the spool is, and what it holds. */
  spool: string
  spoolBytes: number
  commandsNoted: number
  failuresNoted: number
  /** Where the suggestions are, and how many. */
  index: string
  commandsIndexed: number
}

export class HookSetup {
  readonly spool: Spool
  readonly index: CommandIndex
  readonly #dataDir: string

  /** @param folder of the hook in the runtime folder, whose parent is there. */
  constructor(dataDir: string, folder: string) {
    this.#dataDir = dataDir
    this.spool = new Spool(folder)
    this.index = new CommandIndex(join(dataDir, 'hook-commands'))
  }

  get config(): HookConfig {
    return readHookConfig(this.#dataDir)
  }

  /** Adds to what is allowed; enabling again takes nothing back. @throws STORE_*, USAGE_BAD_VALUE */
  enable(shareTopics: readonly string[], notice: boolean): void {
    const before = this.config
    writeHookConfig(this.#dataDir, {
      enabled: true,
      shareTopics: [...new Set([...before.shareTopics, ...shareTopics])],
      notice: before.notice || notice
    })
    this.spool.open()
  }

  /** Takes back the consent to share with these topics. */
  unshare(topics: readonly string[]): void {
    const before = this.config
    const shareTopics = before.shareTopics.filter((topic) => !topics.includes(topic))
    writeHookConfig(this.#dataDir, { ...before, shareTopics })
  }

  /** Nothing of the hook stays on this machine but the line in .zshrc. */
  disable(): void {
    this.spool.remove()
    this.index.remove()
    // Also a file that cannot be read.
    writeHookConfig(this.#dataDir, { enabled: false, shareTopics: [], notice: false })
  }

  /** For a shell that starts: the script, with the spool as the consent says. */
  script(isHarmless: IsHarmless): string {
    if (this.config.enabled) {
      this.spool.open()
      dropNotices(this.spool.folder)
      this.index.fold(this.spool.read(), isHarmless)
    } else this.spool.close()
    return zshHookScript({ folder: this.spool.folder, index: this.index.path })
  }

  status(): HookStatus {
    const records = this.spool.read()
    const ended = records.filter(({ kind }) => kind === 'ended')
    return {
      ...this.config,
      spool: this.spool.folder,
      spoolBytes: this.spool.sizeBytes,
      commandsNoted: ended.length,
      failuresNoted: ended.filter((record) => lastFailed([record], record.shellPid)).length,
      index: this.index.path,
      commandsIndexed: this.index.read().length
    }
  }
}
