// The interpreter of @huggingface/jinja, made to agree with Python where templates rely on it, and to
// stop. Owns the few nodes that it evaluates itself (below, each with the difference that it mends)
// and the count of steps; everything else is the library's. No template is treated specially.

import {
  Interpreter,
  type Environment,
  type RuntimeValue as Value,
  type Statement as Node
} from '@huggingface/jinja'
import { SwarmError } from '../../base/errors.ts'
import { TEMPLATE_STEPS_MAX } from '../../base/limits.ts'
import {
  boundedWidth,
  checkReplace,
  emptyOperand,
  escapeHtml,
  extreme,
  indent,
  join,
  strip,
  type Arguments
} from './jinja-filters.ts'
import {
  checkSize,
  entriesOf,
  isUndefined,
  itemsOf,
  jsonText,
  listValue,
  printed,
  textOf,
  toValue
} from './jinja-values.ts'

// Neither name can occur in a template: names there have no spaces.
const PRINT = 'print expression'
const KNOWN = 'known value'

const STATEMENTS = new Set([
  'Set',
  'If',
  'For',
  'Macro',
  'CallStatement',
  'FilterStatement',
  'Break',
  'Continue',
  'Comment',
  'StringLiteral'
])

/**
 * Marks what a template prints, so that it is printed as Python does: None, True, {'a': 1}. Changes
 * the tree in place.
 */
export function markPrinted(node: Node): void {
  for (const field of ['body', 'alternate', 'defaultBlock']) {
    const statements = node[field]
    if (!Array.isArray(statements)) continue
    node[field] = statements.map((statement: Node) => {
      markPrinted(statement)
      return STATEMENTS.has(statement.type)
        ? statement
        : derived(statement, { type: PRINT, printed: statement })
    })
  }
}

export class PythonInterpreter extends Interpreter {
  #steps = 0
  /** Texts that are safe HTML by the template's word; see #concatenate. */
  readonly #markup = new WeakSet<Value>()

  override evaluate(node: Node | undefined, environment: Environment): Value {
    this.#spend(1)
    if (!node) return toValue(undefined)
    const value = checkSize(this.#evaluate(node, environment))
    if (mayCopy(node)) this.#spend(copyCost(value))
    return value
  }

  #spend(steps: number): void {
    this.#steps += steps
    if (this.#steps <= TEMPLATE_STEPS_MAX) return
    throw new SwarmError(
      'MODEL_BAD_TEMPLATE',
      `the model's chat template did not come to an end within ${TEMPLATE_STEPS_MAX} steps`
    )
  }

  #evaluate(node: Node, environment: Environment): Value {
    switch (node.type) {
      case KNOWN:
        return node['value'] as Value
      case PRINT:
        return toValue(printed(this.#child(node, 'printed', environment)))
      case 'For':
        return this.#for(node, environment)
      // Python unpacks tuples as lists; the library unpacks lists only.
      case 'TupleLiteral':
        return this.#library({ ...node, type: 'ArrayLiteral' }, environment)
      case 'BinaryExpression':
        return this.#binary(node, environment)
      case 'FilterExpression':
        return this.#filter(node, environment)
      case 'CallExpression':
        return this.#call(node, environment)
      default:
        return this.#library(node, environment)
    }
  }

  #library(node: Node, environment: Environment): Value {
    return super.evaluate(node, environment)
  }

  #child(node: Node, field: string, environment: Environment): Value {
    return this.evaluate(node[field] as Node, environment)
  }

  /** An undefined value is iterated as an empty list, a text as its characters. */
  #for(node: Node, environment: Environment): Value {
    const iterable = node['iterable'] as Node
    const selected = iterable.type === 'SelectExpression'
    const source = selected ? (iterable['lhs'] as Node) : iterable
    const value = this.evaluate(source, environment)
    const text = textOf(value)
    const items = isUndefined(value) ? [] : text === null ? null : Array.from(text, toValue)
    const list = items ? listValue(items) : value
    // The library loops without asking this class, so the elements are counted beforehand.
    this.#spend(itemsOf(list)?.length ?? entriesOf(list)?.size ?? 0)
    const replaced = known(source, list)
    return this.#library(
      derived(node, { iterable: selected ? derived(iterable, { lhs: replaced }) : replaced }),
      environment
    )
  }

  #binary(node: Node, environment: Environment): Value {
    const operator = (node['operator'] as { value: string }).value
    if (operator !== '+' && operator !== '~') return this.#library(node, environment)
    const left = this.#child(node, 'left', environment)
    const right = this.#child(node, 'right', environment)
    if (operator === '~') return toValue(printed(left) + printed(right))
    if (this.#markup.has(left) || this.#markup.has(right)) return this.#concatenate(left, right)
    // Python adds a text to a text only; the library to anything.
    if ((textOf(left) === null) !== (textOf(right) === null)) {
      throw new SwarmError(
        'MODEL_BAD_TEMPLATE',
        `the model's chat template adds ${left.type} and ${right.type}`
      )
    }
    return this.#library(
      derived(node, { left: known(node, left), right: known(node, right) }),
      environment
    )
  }

  /** What `safe` has marked escapes every other text that is added to it (markupsafe). */
  #concatenate(left: Value, right: Value): Value {
    const escaped = (value: Value) =>
      this.#markup.has(value) ? printed(value) : escapeHtml(printed(value))
    return this.#marked(escaped(left) + escaped(right))
  }

  #marked(text: string): Value {
    const value = toValue(text)
    this.#markup.add(value)
    return value
  }

  #filter(node: Node, environment: Environment): Value {
    let operand = this.#child(node, 'operand', environment)
    const filter = node['filter'] as Node
    const callee = filter.type === 'CallExpression' ? (filter['callee'] as Node) : filter
    const name = String(callee['value'])
    if (isUndefined(operand)) operand = emptyOperand(name, operand)
    const text = textOf(operand)
    const items = itemsOf(operand)
    switch (name) {
      case 'safe':
        return this.#marked(printed(operand))
      case 'string':
        return toValue(printed(operand))
      case 'tojson':
        return toValue(this.#json(operand, this.#arguments(filter, environment)))
      case 'join':
        return toValue(join(operand, this.#arguments(filter, environment)))
      case 'indent':
        return toValue(indent(printed(operand), this.#arguments(filter, environment)))
      case 'replace':
        if (text !== null) checkReplace(text, this.#arguments(filter, environment))
        break
      case 'min':
      case 'max':
        if (items) return extreme(items, name)
        break
      case 'count':
        return this.#library(
          derived(node, {
            operand: known(node, operand),
            filter: derived(callee, { value: 'length' })
          }),
          environment
        )
    }
    return this.#library(derived(node, { operand: known(node, operand) }), environment)
  }

  /** strip('x') and its two sisters: the library takes off white space whatever it is told. */
  #call(node: Node, environment: Environment): Value {
    const callee = node['callee'] as Node
    if (callee.type !== 'MemberExpression' || callee['computed'] === true) {
      return this.#library(node, environment)
    }
    const object = this.#child(callee, 'object', environment)
    const text = textOf(object)
    const method = String((callee['property'] as Node)['value'])
    if (text !== null && method === 'replace') {
      checkReplace(text, this.#arguments(node, environment))
    }
    if (text !== null && /^[lr]?strip$/.test(method)) {
      const [characters] = this.#arguments(node, environment).positional
      const set = characters ? textOf(characters) : null
      if (set !== null) return toValue(strip(text, set, method))
    }
    const bound = derived(callee, { object: known(callee, object) })
    return this.#library(derived(node, { callee: bound }), environment)
  }

  #arguments(call: Node, environment: Environment): Arguments {
    const positional: Value[] = []
    const named = new Map<string, Value>()
    for (const argument of (call['args'] ?? []) as Node[]) {
      if (argument.type === 'KeywordArgumentExpression') {
        const key = String((argument['key'] as Node)['value'])
        named.set(key, this.#child(argument, 'value', environment))
      } else positional.push(this.evaluate(argument, environment))
    }
    return { positional, named }
  }

  #json(value: Value, { positional, named }: Arguments): string {
    const indentArgument = named.get('indent') ?? positional[0]
    const separators = itemsOf(named.get('separators') ?? toValue(null))?.map(printed)
    const [item, key] = separators ?? []
    return jsonText(value, {
      indent: boundedWidth(indentArgument),
      separators: item === undefined || key === undefined ? null : [item, key],
      sortKeys: named.get('sort_keys')?.value === true,
      ensureAscii: named.get('ensure_ascii')?.value === true
    })
  }
}

/** Whether the value may be a fresh copy of a large one. */
function mayCopy({ type, property }: Node): boolean {
  if (type === 'MemberExpression') return (property as Node).type === 'SliceExpression'
  return type === 'BinaryExpression' || type === 'FilterExpression' || type === 'CallExpression'
}

function copyCost(value: Value): number {
  return (itemsOf(value)?.length ?? 0) / 8 + (textOf(value)?.length ?? 0) / 1024
}

/** A node like another with some fields replaced; it stays an instance of the library's class. */
function derived(node: Node, fields: Partial<Node>): Node {
  return Object.assign(Object.create(Object.getPrototypeOf(node) as object), node, fields) as Node
}

/** A node whose value is known already, so that nothing is evaluated twice. */
function known(like: Node, value: Value): Node {
  return derived(like, { type: KNOWN, value })
}
