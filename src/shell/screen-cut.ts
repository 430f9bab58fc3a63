// What a command wrote, cut out of the text of a terminal: between the line where it was typed and the next
// prompt. The hook draws no marks (it prints nothing), so prompts are known by what they have in common:
// the text before the command, and the lines above it. Pure; gives null rather than the wrong lines.

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
  let from = typed.line + 1
  for (const line of more) if (lines[from]?.endsWith(line)) from++
  const next = nextPrompt(lines, from, end, typed.prompt)
  const until = next - promptHeight(lines, typed.line, next, from)
  const output = lines.slice(from, until).join('\n').trim()
  return output === '' ? null : output
}

/** The last line that ends a prompt with the command, best one whose prompt ends like that of the question. */
function findTyped(
  lines: readonly string[],
  command: string,
  prompt: string | null
): { line: number; prompt: string } | null {
  let weak: { line: number; prompt: string } | null = null
  if (command === '') return null
  for (let line = lines.length - 1; line >= 0; line--) {
    const text = lines[line] as string
    const at = text.indexOf(command)
    // Behind it may be a right prompt, which zsh keeps apart.
    if (at === -1 || !/^(\s{2,}\S.*)?$/.test(text.slice(at + command.length))) continue
    const before = text.slice(0, at)
    if (prompt !== null && lastSign(before) === lastSign(prompt)) return { line, prompt: before }
    if (before !== '') weak ??= { line, prompt: before }
  }
  return weak
}

/** `$`, `%`, `>` or an arrow; the words before it may tell a status or a folder. */
function lastSign(prompt: string): string {
  return prompt.trimEnd().at(-1) ?? ''
}

function nextPrompt(lines: readonly string[], from: number, end: number, prompt: string): number {
  if (prompt.trim() === '') return end
  const found = lines.findIndex(
    (line, i) => i >= from && i < end && line.startsWith(prompt.trimEnd())
  )
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
