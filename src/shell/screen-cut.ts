// What a command wrote, cut out of the text of a terminal: between the line where it was typed and the next
// prompt. The hook draws no marks (it prints nothing), so prompts are known by what they have in common:
// the text before the command, and the lines above it. Pure; gives null rather than the wrong lines.

/** Where in a line a wrapped command may begin: more than one place only if it repeats itself. */
const TRIES_MAX = 4

/** The line on which this was asked. */
const ASK = /^(.*?)(?:\S*\/)?swarm\s+(?:why|learn)\b/

/**
 * @param screen lines of a terminal, oldest first, wrapped lines joined.
 * @param command as it was typed; several lines as zsh shows them below each other.
 * @returns null when the command is not on it, or wrote nothing.
 */
export function outputOnScreen(screen: string, command: string): string | null {
  const lines = screen.split('\n').map((line) => line.trimEnd())
  const [first = '', ...more] = command.split('\n').map((line) => line.trimEnd())
  const ask = lines.findLastIndex((line) => ASK.test(line))
  const end = ask === -1 ? lines.length : ask
  const prompt = ask === -1 ? null : (ASK.exec(lines[ask] as string)?.[1] ?? '')
  const typed = findTyped(lines.slice(0, end), first, prompt)
  if (typed === null) return null
  let from = typed.next
  for (const line of more) if (lines[from]?.endsWith(line)) from++
  const next = nextPrompt(lines, from, end, typed.prompt)
  const until = next - promptHeight(lines, typed.line, next, from)
  const output = lines.slice(from, until).join('\n').trim()
  return output === '' ? null : output
}

interface Typed {
  /** Of the prompt that it was typed at. */
  line: number
  /** Where what it wrote may begin. */
  next: number
  prompt: string
}

/** The last place where a prompt is followed by the command, best one that ends like that of the question. */
function findTyped(lines: readonly string[], command: string, prompt: string | null): Typed | null {
  if (command === '') return null
  let weak: Typed | null = null
  for (let line = lines.length - 1; line >= 0; line--) {
    const typed = typedAt(lines, line, command)
    if (typed === null) continue
    if (prompt !== null && lastSign(typed.prompt) === lastSign(prompt)) return typed
    if (typed.prompt !== '') weak ??= typed
  }
  return weak
}

function typedAt(lines: readonly string[], line: number, command: string): Typed | null {
  const text = lines[line] as string
  const at = text.indexOf(command)
  // Behind it may be a right prompt, which zsh keeps apart.
  if (at !== -1 && /^(\s{2,}\S.*)?$/.test(text.slice(at + command.length))) {
    return { line, next: line + 1, prompt: text.slice(0, at) }
  }
  return wrappedAt(lines, line, command)
}

/** The line editor of zsh wraps by itself, so tmux cannot join: spaces at the edge are lost. */
function wrappedAt(lines: readonly string[], line: number, command: string): Typed | null {
  const text = lines[line] as string
  const wanted = squeeze(command)
  let tries = 0
  for (let head = Math.min(text.length, command.length); head > 0 && tries < TRIES_MAX; head--) {
    const start = text.slice(text.length - head)
    if (!command.startsWith(start)) continue
    tries++
    let joined = squeeze(start)
    let next = line + 1
    while (wanted.startsWith(joined) && joined.length < wanted.length && next < lines.length) {
      joined += squeeze(lines[next++] as string)
    }
    if (joined === wanted) return { line, next, prompt: text.slice(0, text.length - head) }
  }
  return null
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, '')
}

/** `$`, `%`, `>` or an arrow; the words before it may tell a status or a folder. */
function lastSign(prompt: string): string {
  return prompt.trimEnd().at(-1) ?? ''
}

function nextPrompt(lines: readonly string[], from: number, end: number, prompt: string): number {
  const start = shape(prompt.trimEnd())
  if (start === '') return end
  const found = lines.findIndex((line, i) => i >= from && i < end && shape(line).startsWith(start))
  return found === -1 ? end : found
}

/** Lines of a prompt above the one that is typed on: those that both prompts share, but for numbers. */
function promptHeight(lines: readonly string[], typed: number, next: number, from: number): number {
  let height = 0
  while (next - height - 1 >= from && typed - height - 1 >= 0) {
    const above = shape(lines[next - height - 1] as string)
    if (above === '' || above !== shape(lines[typed - height - 1] as string)) break
    height++
  }
  return height
}

function shape(line: string): string {
  return line.replace(/\d+/g, '0')
}
