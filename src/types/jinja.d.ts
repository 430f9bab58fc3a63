// @huggingface/jinja 0.5: only what model/ calls. Its own declarations import without file extensions,
// which does not resolve for an ES module.

declare module '@huggingface/jinja' {
  export interface RuntimeValue {
    type: string
    value: unknown
    toString(): string
  }

  /** A node of the syntax tree; fields by type. */
  export interface Statement {
    type: string
    [field: string]: unknown
  }

  export class Environment {
    constructor(parent?: Environment)
    /** Declares a variable and converts a plain value to a runtime value, which it returns. */
    set(name: string, value: unknown): RuntimeValue
  }

  export class Interpreter {
    constructor(environment?: Environment)
    run(program: Statement): RuntimeValue
    /** Called for every node, also from inside. */
    evaluate(statement: Statement | undefined, environment: Environment): RuntimeValue
  }

  export interface Token {
    type: string
    value: string
  }

  export function tokenize(
    source: string,
    options?: { trim_blocks?: boolean; lstrip_blocks?: boolean }
  ): Token[]

  export function parse(tokens: Token[]): Statement
}
