// The two outputs of a command. Answers go to standard output, everything else to standard error. Owns
// what differs by destination: control characters, colours and redrawing on a terminal only; with
// --json nothing but JSON on standard output; a reader that went away (| head) ends the command quietly.

import type { Clock } from '../base/clock.ts'
import { abortError, SwarmError } from '../base/errors.ts'
import type { LogLine } from '../base/log.ts'
import { clip } from '../base/text.ts'
import { LineTail } from './line-tail.ts'
import { printable } from './printable.ts'
import { Progress } from './progress.ts'

/** Columns where the output is no terminal or does not say. */
const WIDTH_DEFAULT = 80
/** Characters of one note or log line: a sentence with a path or two. */
const NOTE_CHARS_MAX = 2000

export interface TerminalOptions {
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
  env: NodeJS.ProcessEnv
  clock: Clock
  json: boolean
}

export class Terminal {
  readonly json: boolean
  /** Standard output is a terminal. */
  readonly live: boolean
  readonly width: number
  readonly progress: Progress
  readonly #options: TerminalOptions
  /** Standard output can be drawn on: a terminal that says what it is and obeys more than line breaks. */
  readonly canDraw: boolean
  readonly #colour: boolean
  readonly #broken = new AbortController()
  #midLine = false
  /** Of an answer on a terminal that can be drawn on. */
  readonly #tail = new LineTail()
  #diverted: ((line: string) => void) | null = null

  constructor(options: TerminalOptions) {
    const { stdout, stderr, env, clock } = options
    this.#options = options
    this.json = options.json
    this.live = stdout.isTTY === true
    // A terminal that was never told its size says 0.
    this.width = stdout.columns || WIDTH_DEFAULT
    const dumb = env['TERM'] === 'dumb'
    this.canDraw = this.live && !dumb && Boolean(env['TERM'])
    this.#colour = this.live && !dumb && !env['NO_COLOR']
    const writeNote = (text: string) => void stderr.write(text)
    this.progress = new Progress(writeNote, clock, stderr.isTTY === true && !dumb)
    stdout.on('error', (error: NodeJS.ErrnoException) => this.#broken.abort(reasonOf(error)))
    // Nobody is left to be told.
    stderr.on('error', () => {})
  }

  /** Aborts when standard output cannot be written any more. */
  get broken(): AbortSignal {
    return this.#broken.signal
  }

  /** Part of an answer, as it comes. Foreign text. */
  answer(text: string): void {
    if (text === '') return
    this.progress.clear()
    const shown = this.live ? printable(text) : text
    this.#options.stdout.write(shown)
    if (shown === '') return
    this.#midLine = !shown.endsWith('\n')
    if (this.canDraw) this.#tail.push(shown, this.width)
  }

  /** Ends the answer: a line break where it has none, so that the shell's prompt starts a line. */
  endAnswer(): void {
    if (this.#midLine) this.#options.stdout.write('\n')
    this.#midLine = false
    this.#tail.clear()
  }

  /** An answer is being written, and its last line is not complete. */
  get isMidLine(): boolean {
    return this.#midLine
  }

  /** From now on lines and notes go there, because something else draws on the terminal; null: no more. */
  divert(sink: ((line: string) => void) | null): void {
    this.progress.clear()
    this.#diverted = sink
  }

  /** A line of our own making on standard output. */
  line(text = ''): void {
    if (this.#diverted !== null) return this.#diverted(text)
    this.progress.clear()
    this.#options.stdout.write(`${text}\n`)
  }

  /** A JSON object on a line of standard output. */
  object(value: object): void {
    this.line(JSON.stringify(value))
  }

  /** A remark for the person in front, on standard error; a faint one is not worth reading twice. */
  note(text: string, style: 'plain' | 'faint' = 'plain'): void {
    this.progress.clear()
    const line = clip(text, NOTE_CHARS_MAX)
    if (this.#diverted !== null) return this.#diverted(line)
    const write = () => this.#options.stderr.write(`${style === 'faint' ? this.dim(line) : line}\n`)
    if (this.#midLine && this.live) this.#besideAnswer(write)
    else write()
  }

  /** Above the row on which the answer stands where that can be redrawn, else on a row of its own. */
  #besideAnswer(write: () => void): void {
    const tail = this.canDraw ? this.#tail.text : null
    if (tail === null) {
      this.endAnswer()
      return write()
    }
    this.#options.stdout.write('\r\u001b[K')
    write()
    this.#options.stdout.write(tail)
  }

  /** Resolves when everything written has left this process, or cannot. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.#options.stdout.write('', () => setImmediate(resolve)))
  }

  log(line: LogLine): void {
    this.note(`${clockTime(line.wallMs)} ${line.level} ${line.scope}: ${line.text}`)
  }

  /** Colours may be used on standard output. */
  get hasColour(): boolean {
    return this.#colour && this.#diverted === null
  }

  bold(text: string): string {
    return this.hasColour ? `\u001b[1m${text}\u001b[22m` : text
  }

  dim(text: string): string {
    return this.hasColour ? `\u001b[2m${text}\u001b[22m` : text
  }
}

/** `15:20:02` in this machine's time zone. */
export function clockTime(wallMs: number): string {
  const time = new Date(wallMs)
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

/** A reader that left is the reader's wish; anything else is a failure to be told. */
function reasonOf(error: NodeJS.ErrnoException): Error {
  if (error.code === 'EPIPE') return abortError()
  const code = error.code === 'ENOSPC' ? 'STORE_FULL' : 'STORE_UNREADABLE'
  return new SwarmError(code, `standard output cannot be written: ${error.message}`, {
    cause: error
  })
}
