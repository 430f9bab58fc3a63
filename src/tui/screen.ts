// The terminal: the one file that knows blessed. Owns the alternate screen and raw mode from open to
// close, the cells that have changed, and what a key press is called. Draws exact rows (view/frame.ts):
// they are written into blessed's cell buffer, which sends only what differs, and rows that are as before
// are not even compared. Interprets nothing: texts come through foreign.ts, tags and titles are not used.

import blessed from 'blessed'
import Line from 'blessed-contrib/lib/widget/charts/line.js'

import { formatCount } from './format.ts'

import type { Key } from './message.ts'
import type { Row, Style } from './style.ts'
import type { Frame, Graph } from './view/frame.ts'

/** A character and its attributes: flags in bits 18 and up, foreground in 9 to 17, background in 0 to 8. */
type Cell = [attributes: number, character: string]
type CellRow = Cell[] & { dirty: boolean }

/** What blessed's screen has and its types do not tell. */
interface CellScreen {
  lines: CellRow[]
}

const DEFAULT_COLOUR = 0x1ff
const FLAG_BOLD = 1
const FLAG_INVERSE = 8

const [RED, GREEN, YELLOW, GREY] = [1, 2, 3, 8]

/** Bytes that a terminal is asked to put onto its clipboard; xterm takes no more at once. */
const COPY_BYTES_MAX = 74_994

export interface ScreenOptions {
  onKey: (key: Key) => void
  onSize: (size: { width: number; height: number }) => void
  /** False draws bold and inverse only. */
  hasColour: boolean
}

export class Screen {
  readonly #screen: blessed.Widgets.Screen
  readonly #attributes: Record<Style, number>
  /** What each row shows now. */
  #drawn: string[] = []
  #graph: InstanceType<typeof Line> | null = null
  #graphShown = ''
  #isClosed = false

  /** Takes the terminal over. */
  constructor({ onKey, onSize, hasColour }: ScreenOptions) {
    this.#attributes = attributesOf(hasColour)
    this.#screen = blessed.screen({
      fullUnicode: false,
      smartCSR: false,
      warnings: false,
      terminal: terminalName(process.env['TERM'])
    })
    this.#screen.on('keypress', (text: string | undefined, key: BlessedKey) => {
      const pressed = keyOf(text, key)
      if (pressed !== null) onKey(pressed)
    })
    this.#screen.on('resize', () => {
      this.#drawn = []
      this.#dropGraph()
      onSize(this.size)
    })
  }

  get size(): { width: number; height: number } {
    return { width: Number(this.#screen.width), height: Number(this.#screen.height) }
  }

  /** A frame of another size than the terminal's is late: the next one follows a resize. */
  draw({ rows, graph }: Frame): void {
    const { lines } = this.#screen as unknown as CellScreen
    if (this.#isClosed || rows.length !== lines.length) return
    for (const [y, row] of rows.entries()) this.#drawRow(lines[y] as CellRow, y, row)
    if (graph === null) this.#dropGraph()
    else this.#drawGraph(graph)
    this.#screen.render()
  }

  /** Asks the terminal to put a text onto its clipboard (OSC 52); many do not, for good reasons. */
  copy(text: string): void {
    const bytes = Buffer.from(text).subarray(0, COPY_BYTES_MAX)
    this.#screen.program.output.write(`\u001b]52;c;${bytes.toString('base64')}\u0007`)
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#screen.destroy()
  }

  #drawRow(line: CellRow, y: number, row: Row): void {
    const shown = row.map(({ text, style }) => `${style}\n${text}`).join('\n')
    if (this.#drawn[y] === shown) return
    this.#drawn[y] = shown
    let x = 0
    for (const { text, style } of row) {
      const attributes = this.#attributes[style]
      for (const character of text) {
        const cell = line[x++]
        if (cell === undefined) break
        cell[0] = attributes
        cell[1] = character
      }
    }
    line.dirty = true
  }

  #drawGraph({ top, height, values, minimum }: Graph): void {
    const shown = `${top} ${minimum} ${values.join()}`
    if (shown === this.#graphShown) return
    this.#graphShown = shown
    if (this.#graph === null) {
      this.#graph = new Line({
        top,
        left: 0,
        width: this.size.width,
        height,
        minY: minimum,
        numYLabels: 4,
        xPadding: 8,
        style: { line: 'green', text: 'white', baseline: 'white' }
      })
      this.#screen.append(this.#graph)
    }
    this.#graph.options.minY = minimum
    const x = values.map((_, index) => `-${values.length - index} s`)
    // The widget writes its labels with all their digits.
    const y = values.map((value) => Number(formatCount(value).replace('k', '000')))
    this.#graph.options.showNthLabel = Math.max(1, Math.ceil(values.length / 10))
    this.#graph.setData([{ x, y }])
  }

  #dropGraph(): void {
    if (this.#graph === null) return
    this.#screen.remove(this.#graph)
    this.#graph.destroy()
    this.#graph = null
    this.#graphShown = ''
    // What it covered is drawn anew.
    this.#drawn = []
  }
}

interface BlessedKey {
  name?: string
  sequence?: string
  ctrl?: boolean
  meta?: boolean
  shift?: boolean
}

/** @returns null for what is no key of its own: blessed tells of Enter twice. */
function keyOf(text: string | undefined, key: BlessedKey): Key | null {
  if (key.name === 'return') return null
  const name = key.name === 'linefeed' ? 'enter' : (key.name ?? text ?? '')
  const types = text !== undefined && !key.ctrl && !key.meta && /^\P{Cc}+$/u.test(text)
  return { name, text: types ? text : '', ctrl: key.ctrl === true, shift: key.shift === true }
}

function attributesOf(hasColour: boolean): Record<Style, number> {
  const of = (colour: number, flags = 0) => {
    const foreground = hasColour && colour >= 0 ? colour : DEFAULT_COLOUR
    return (flags << 18) | (foreground << 9) | DEFAULT_COLOUR
  }
  return {
    plain: of(-1),
    strong: of(-1, FLAG_BOLD),
    faint: of(GREY),
    title: of(-1, FLAG_INVERSE),
    selected: of(-1, FLAG_INVERSE),
    good: of(GREEN),
    warning: of(YELLOW),
    bad: of(RED, FLAG_BOLD)
  }
}

/** Descriptions of some terminals make blessed complain in the middle of the screen; these are alike. */
function terminalName(name: string | undefined): string {
  return name === undefined || /^(screen|tmux|alacritty)/.test(name) ? 'xterm-256color' : name
}
