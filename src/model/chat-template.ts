// Flow B, before the tokenizer: a conversation becomes the text that the model was trained to answer,
// by the Jinja template in its file. Owns the variables that a template sees, as Hugging Face's
// transformers sets them, and its bounds: the template is a stranger's program. How far it agrees with
// Python, and what is not bounded, is said in docs/chat-templates.md.

import { Environment, parse, tokenize, type Statement } from '@huggingface/jinja'
import { SwarmError } from '../base/errors.ts'
import {
  CHAT_MESSAGES_MAX,
  TEMPLATE_CHARS_MAX,
  TEMPLATE_LIST_MAX,
  TEMPLATE_SPACE_RUN_MAX
} from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { markPrinted, PythonInterpreter } from './template/jinja-interpreter.ts'
import { strftime } from './template/strftime.ts'

export interface RenderOptions {
  /** End with what begins the model's answer. */
  addGenerationPrompt: boolean
  /** Tools in OpenAI's shape; absent: the variable is undefined. */
  tools?: readonly object[]
  /** Texts of the tokens; empty where the model has none. */
  bosToken: string
  eosToken: string
  /** What `strftime_now` tells, in local time. */
  now: Date
  /** Further variables, such as enable_thinking. */
  extra?: Readonly<Record<string, unknown>>
}

/** Reading the program is left to the first rendering: a model with a broken one still completes text. */
export class ChatTemplate {
  readonly source: string
  #program: Statement | null = null

  constructor(source: string) {
    this.source = source
  }

  /**
   * @param messages objects with role and content, and whatever else the template knows.
   * @returns the prompt; special tokens are in it as text, bos too if the template writes it.
   * @throws MODEL_BAD_TEMPLATE, also when the template itself refuses the conversation;
   *         USAGE_PROMPT_TOO_LONG
   */
  render(messages: readonly object[], options: RenderOptions): string {
    if (messages.length > CHAT_MESSAGES_MAX) {
      throw new SwarmError(
        'USAGE_PROMPT_TOO_LONG',
        `the conversation has ${messages.length} messages, above the bound of ${CHAT_MESSAGES_MAX}`
      )
    }
    this.#program ??= readProgram(this.source)
    const environment = new Environment()
    for (const [name, value] of Object.entries(variables(messages, options))) {
      environment.set(name, value)
    }
    try {
      const result = new PythonInterpreter(environment).run(this.#program)
      return String(result.value)
    } catch (error) {
      throw badTemplate('failed', error)
    }
  }
}

function variables(
  messages: readonly object[],
  { addGenerationPrompt, tools, bosToken, eosToken, now, extra }: RenderOptions
): Record<string, unknown> {
  const given: Record<string, unknown> = {
    ...extra,
    messages,
    add_generation_prompt: addGenerationPrompt,
    bos_token: bosToken,
    eos_token: eosToken
  }
  if (tools) given['tools'] = tools
  return {
    ...given,
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    raise_exception: (text: unknown) => {
      throw new SwarmError(
        'MODEL_BAD_TEMPLATE',
        `the model's chat template refuses the conversation: ${clip(String(text), 200)}`
      )
    },
    range,
    strftime_now: (format: unknown) => strftime(now, String(format))
  }
}

/** @throws MODEL_BAD_TEMPLATE */
function range(first: unknown, last?: unknown, by: unknown = 1): number[] {
  const [start, stop] = last === undefined ? [0, Number(first)] : [Number(first), Number(last)]
  const step = Number(by)
  const count = Math.max(0, Math.ceil((stop - start) / step))
  if (!Number.isInteger(count) || count > TEMPLATE_LIST_MAX) {
    throw new SwarmError(
      'MODEL_BAD_TEMPLATE',
      `the chat template asks for a range of ${count} numbers, above ${TEMPLATE_LIST_MAX}`
    )
  }
  return Array.from({ length: count }, (_, index) => start + index * step)
}

/** @throws MODEL_BAD_TEMPLATE */
function readProgram(source: string): Statement {
  checkSource(source)
  try {
    const program = parse(tokenize(source, { trim_blocks: true, lstrip_blocks: true }))
    markPrinted(program)
    return program
  } catch (error) {
    throw badTemplate('cannot be read', error)
  }
}

function checkSource(source: string): void {
  if (source.length > TEMPLATE_CHARS_MAX) {
    throw new SwarmError(
      'MODEL_BAD_TEMPLATE',
      `the chat template has ${source.length} characters, above the bound of ${TEMPLATE_CHARS_MAX}`
    )
  }
  if (new RegExp(`\\s{${TEMPLATE_SPACE_RUN_MAX + 1}}`).test(source)) {
    throw new SwarmError(
      'MODEL_BAD_TEMPLATE',
      `the chat template has more than ${TEMPLATE_SPACE_RUN_MAX} characters of white space in a row`
    )
  }
}

function badTemplate(what: string, cause: unknown): SwarmError {
  if (cause instanceof SwarmError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  return new SwarmError(
    'MODEL_BAD_TEMPLATE',
    `the model's chat template ${what}: ${clip(text, 200)}`,
    {
      cause
    }
  )
}
