// Lines for `swarm chat`: a prompt with history on a terminal, plain lines from a pipe. Owns Ctrl-C on a
// terminal, where readline sees the key before it becomes a signal, and hides what is typed meanwhile.

import { createInterface, type Interface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { Host } from './context.ts'

export class ChatInput {
  readonly #lines: Interface
  readonly #stdout: NodeJS.WriteStream
  readonly #live: boolean
  #hidden = false

  /** @param onInterrupt called for Ctrl-C on a terminal; from a pipe it is a signal as usual. */
  constructor(host: Pick<Host, 'stdin' | 'stdout'>, live: boolean, onInterrupt: () => void) {
    this.#stdout = host.stdout
    this.#live = live
    this.#lines = createInterface({
      input: host.stdin,
      ...(live ? { output: this.#screen() } : {}),
      terminal: live,
      prompt: live ? 'you> ' : '',
      crlfDelay: Infinity
    })
    this.#lines.on('SIGINT', onInterrupt)
  }

  /** Every line until the input ends or close(); the prompt is shown before each. */
  async *read(): AsyncGenerator<string> {
    this.#prompt()
    for await (const line of this.#lines) {
      this.#hidden = true
      yield line
      this.#hidden = false
      this.#prompt()
    }
    // Left at the prompt: what follows starts on a line of its own.
    if (this.#live) this.#stdout.write('\n')
  }

  close(): void {
    this.#lines.close()
  }

  #prompt(): void {
    // What was typed ahead is in the line already; the cursor belongs behind it.
    if (this.#live) this.#lines.prompt(true)
  }

  /** The terminal for readline, silent while an answer is printed: typing ahead shows afterwards. */
  #screen(): Writable {
    const stdout = this.#stdout
    const screen = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!this.#hidden) stdout.write(chunk)
        done()
      }
    })
    const measure = () => Object.assign(screen, { columns: stdout.columns, rows: stdout.rows })
    stdout.on('resize', () => {
      measure()
      screen.emit('resize')
    })
    return measure()
  }
}
