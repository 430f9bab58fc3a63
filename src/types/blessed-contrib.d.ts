// blessed-contrib's own declarations do not pass strict checks, and cover no deep import: the one widget
// that is used, without the maps and pictures that its index loads.

declare module 'blessed-contrib/lib/widget/charts/line.js' {
  import type { Widgets } from 'blessed'

  export interface LineOptions extends Widgets.BoxOptions {
    style?: { line?: string; text?: string; baseline?: string }
    minY?: number
    numYLabels?: number
    xPadding?: number
    xLabelPadding?: number
    showNthLabel?: number
    wholeNumbersOnly?: boolean
  }

  interface LineWidget extends Widgets.BoxElement {
    options: LineOptions
    /** Only once it has been appended to a screen. */
    setData(data: { x: string[]; y: number[] }[]): void
  }

  const line: new (options: LineOptions) => LineWidget
  export default line
}
