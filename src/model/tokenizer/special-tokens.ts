// Tokens that are more than text: which of them end an answer, and how a text is cut at them before it
// is tokenized. Owns the lists by which llama.cpp recognises such tokens by their text, because files
// rarely mark them all (src/llama-vocab.cpp, read at commit 00ad355e). Does not tokenize.

import type { Metadata } from '../metadata.ts'
import {
  readTokenId,
  TOKEN_CONTROL,
  TOKEN_UNKNOWN,
  TOKEN_USER_DEFINED,
  type TokenTable
} from './token-table.ts'

const END_OF_GENERATION = [
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '<\uFF5Cend\u2581of\u2581sentence\uFF5C>',
  '[e~['
]

// Of each line the first that a vocabulary has is one that a code model writes when it leaves the file
// that it was completing.
const END_OF_FILE = [
  ['<|fim_pad|>', '<fim-pad>', '<fim_pad>', '<PAD>', '[PAD]'],
  ['<|fim_repo|>', '<|repo_name|>', '<fim-repo>', '<REPO>', '<reponame>'],
  ['<|file_sep|>']
]

/**
 * Ids that end a generation, ascending. Marks the ones that were found by their text as control tokens
 * in `table`, since some files mark them as plain text.
 * @throws MODEL_BAD_METADATA
 */
export function findStopIds(metadata: Metadata, table: TokenTable, eosId: number | null): number[] {
  const byText = END_OF_GENERATION.map((text) => table.idOf(text))
  for (const names of END_OF_FILE) {
    byText.push(names.map((text) => table.idOf(text)).find((id) => id >= 0) ?? -1)
  }
  const found = byText.filter((id) => id >= 0)
  for (const id of found) table.types[id] = TOKEN_CONTROL
  const named = [eosId, ...['eot', 'eom'].map((name) => readTokenId(metadata, name, table.size))]
  for (const id of named) if (id !== null) found.push(id)
  return [...new Set(found)].toSorted((a, b) => a - b)
}

/** A text, or the id of a special token between two texts. */
export type Fragment = string | number

interface SpecialToken {
  id: number
  text: string
  /** User-defined tokens are found even where control tokens are plain text. */
  always: boolean
}

export class SpecialSplitter {
  /** Longest first, then by id. */
  readonly #tokens: SpecialToken[] = []
  readonly #firsts: ReadonlySet<string>

  constructor(table: TokenTable) {
    for (let id = 0; id < table.size; id++) {
      const type = table.typeOf(id)
      const always = type === TOKEN_USER_DEFINED
      if (!always && type !== TOKEN_CONTROL && type !== TOKEN_UNKNOWN) continue
      const text = table.textOf(id)
      if (table.idOf(text) === id) this.#tokens.push({ id, text, always })
    }
    this.#tokens.sort(
      (a, b) => Buffer.byteLength(b.text) - Buffer.byteLength(a.text) || a.id - b.id
    )
    this.#firsts = new Set(this.#tokens.map(({ text }) => text.charAt(0)))
  }

  /**
   * Cuts a text at special tokens; a longer token wins over a shorter one anywhere in the text.
   * @param special whether control tokens count; user-defined ones always do.
   */
  split(text: string, special: boolean): Fragment[] {
    let fragments: Fragment[] = text === '' ? [] : [text]
    // Most texts have none of the few characters that special tokens start with.
    const present = new Set([...this.#firsts].filter((first) => text.includes(first)))
    for (const { id, text: name, always } of this.#tokens) {
      if (!(special || always) || !present.has(name.charAt(0)) || !text.includes(name)) continue
      fragments = fragments.flatMap((fragment) =>
        typeof fragment === 'string' ? cut(fragment, name, id) : [fragment]
      )
    }
    return fragments
  }
}

function cut(text: string, name: string, id: number): Fragment[] {
  const fragments: Fragment[] = []
  for (const [index, part] of text.split(name).entries()) {
    if (index > 0) fragments.push(id)
    if (part !== '') fragments.push(part)
  }
  return fragments
}
