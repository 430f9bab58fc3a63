// A learnt fix applied to another failure: the edit from the learnt command to its fix is derived word by
// word and replayed on the new command, with the names of the new command and of its output, never those
// of the other. Owns the replay and how much it is worth; which learnt fixes are looked at is why.ts's.
// Nothing is run. Pure.

import { errorShape, shapeLikeness } from './analogy-shape.ts'
import { imageOf, tokensOf, wordEdits, type WordEdit } from './analogy-words.ts'
import { normalised } from './rules/command-line.ts'
import { mostSimilar } from './rules/similar.ts'
import { commandRules } from './rules/subcommands.ts'
import { meantNames, possibleNames } from './rules/suggestions.ts'
import type { AskedFailure } from './why-question.ts'

export interface Learnt extends AskedFailure {
  fix: string
}

export interface Replayed {
  command: string
  /** From 0 to 1: how much the learnt failure and this one have in common, and what had to be assumed. */
  strength: number
}

/** Of a fix whose words are all flags, operators, or names of the new command. */
const CERTAIN = 0.95
/** A word that neither the new command nor its output names, as a package: right for one program only. */
const BORROWED = 0.35
/** Nothing says that the errors are the same: for the same command, with equal flags, others, or another
 * subcommand. */
const SAME_SILENT = 0.8
const SILENT = 0.5
const OTHER_FLAGS_SILENT = 0.35
const OTHER_SUB_SILENT = 0.2
/** Another program with the same error: `sudo`, a missing folder. */
const OTHER_TOOL = 0.45

/** @returns null where the edit cannot be replayed on this command. */
export function replay(learnt: Learnt, failed: AskedFailure): Replayed | null {
  const likeness = likenessOf(learnt, failed)
  if (likeness === 0) return null
  const [before, now] = [tokensOf(learnt.command), tokensOf(failed.command)]
  const image = imageOf(before, now)
  const scene: Scene = { learnt, failed, before, now, image, isBorrowed: false }
  const after: string[][] = now.map((token) => [token])
  const ahead: string[] = []
  for (const edit of wordEdits(before, tokensOf(learnt.fix))) {
    const added = edit.added.map((word, index) => replayed(word, edit, index, scene))
    if (added.some((word) => word === null)) return null
    const words = added as string[]
    // Where the learnt command has no such word in this one, the edit has no place.
    const places = edit.removed.map((index) => image[index])
    if (places.some((place) => place === undefined)) return null
    for (const place of places) after[place as number] = []
    const [first] = places
    if (first !== undefined) after[first] = words
    else if (edit.at === 0) ahead.push(...words)
    else {
      const place = image[edit.at - 1]
      if (place === undefined) return null
      after[place]?.push(...words)
    }
  }
  const command = [...ahead, ...after.flat()].join(' ')
  if (normalised(command) === normalised(failed.command)) return null
  return { command, strength: CERTAIN * likeness * (scene.isBorrowed ? BORROWED : 1) }
}

interface Scene {
  learnt: Learnt
  failed: AskedFailure
  before: readonly string[]
  now: readonly string[]
  image: readonly (number | undefined)[]
  isBorrowed: boolean
}

/** Programs and subcommands that are alike, and errors of the same shape. */
function likenessOf(learnt: Learnt, failed: AskedFailure): number {
  const [a, b] = [programOf(learnt.command), programOf(failed.command)]
  const said = shapeLikeness(errorShape(learnt), errorShape(failed))
  const isSilent = learnt.output.trim() === '' || failed.output.trim() === ''
  if (a.program !== b.program) return !isSilent && said > 0.7 ? OTHER_TOOL * said : 0
  if (normalised(learnt.command) === normalised(failed.command))
    return isSilent ? SAME_SILENT : 0.5 + 0.5 * said
  const isSameSub = a.sub === b.sub
  if (isSilent)
    return !isSameSub ? OTHER_SUB_SILENT : a.flags === b.flags ? SILENT : OTHER_FLAGS_SILENT
  return said * (isSameSub ? 1 : 0.85)
}

/** What a command says it is to do, apart from the names it does it to. */
function programOf(command: string): { program: string; sub: string; flags: string } {
  const words = tokensOf(command).filter((word) => word !== 'sudo' && !/^\w+=/.test(word))
  const program = (words[0] ?? '').replace(/^.*\//, '')
  const hasSubs = commandRules(program).subcommands.length > 0
  const sub = hasSubs ? (words.slice(1).find((word) => !word.startsWith('-')) ?? '') : ''
  const flags = words.filter((word) => word.startsWith('-')).map((word) => word.replace(/=.*/, ''))
  return { program, sub, flags: flags.toSorted().join(' ') }
}

/** A word of the learnt fix as it would be here. */
function replayed(word: string, edit: WordEdit, index: number, scene: Scene): string | null {
  const { before, now, image, learnt, failed } = scene
  const old = edit.removed[index] ?? edit.removed[0]
  const place = old === undefined ? undefined : image[old]
  if (old !== undefined && place !== undefined) {
    return substituted(before[old] as string, word, now[place] as string, scene)
  }
  if (/^(?:-|&&|\|\|?|;|>|<)/.test(word)) return word
  const own = before.findIndex((one, at) => at > 0 && one === word)
  if (own > 0) return image[own] === undefined ? null : (now[image[own] as number] as string)
  for (const [at, one] of before.entries()) {
    const here = image[at] === undefined ? undefined : now[image[at] as number]
    const changed = here === undefined || at === 0 ? null : sameChange(one, word, here)
    if (changed !== null) return changed
  }
  const named = sameContext(word, learnt.output, failed.output)
  if (named !== null) return named
  // A name that the other's output gave and this one does not: it would be the other's.
  if (isName(word) && learnt.output.includes(word)) return null
  if (isName(word) && before.length > 0 && !isProgramWord(word, learnt.fix)) scene.isBorrowed = true
  return word
}

/** Words that a command line is made of: programs and their subcommands, whatever they work on. */
function isProgramWord(word: string, fix: string): boolean {
  if (/^(?:sudo|mkdir|touch|cd|\.)$/.test(word)) return true
  const words = tokensOf(fix)
  const at = words.indexOf(word)
  const start = words.slice(0, at).findLastIndex((one) => /^(?:&&|\|\|?|;)$/.test(one)) + 1
  const head = words.slice(start, at).filter((one) => one !== 'sudo')
  if (head.length === 0) return true
  return head.length === 1 && commandRules(head[0] as string).subcommands.includes(word)
}

const isName = (word: string): boolean => /[A-Za-z]/.test(word)

/** `now` changed as `old` was into `word`. */
function substituted(old: string, word: string, now: string, scene: Scene): string | null {
  const { learnt, failed } = scene
  if (old === now) return sameContext(word, learnt.output, failed.output) ?? word
  const typed = new Set(scene.now)
  const said = [...meantNames(failed.output, typed), ...possibleNames(failed.output)]
  const isSaid = learnt.output.includes(word)
  if (isSaid || said.length > 0) {
    const near = mostSimilar(bare(now), said, 0.3)[0]
    if (near !== undefined) return now.replace(bare(now), near)
    const named = sameContext(word, learnt.output, failed.output)
    if (named !== null) return named
  }
  const { program, sub } = programOf(failed.command)
  const known = commandRules(program).subcommands
  const changed = sameChange(old, word, now)
  if (changed !== null && (now !== sub || known.includes(changed))) return changed
  // A slip was mended there: here another one is, if the tool's words are known.
  return mostSimilar(now, known)[0] ?? null
}

const bare = (text: string): string => text.replace(/[:=].*$/, '') || text

/** What was put before, behind, or taken off `old` to make `word`, done to `now`; null for other changes. */
function sameChange(old: string, word: string, now: string): string | null {
  if (old.length < 2) return null
  const quote = /^(["'])(.*)\1$/
  if (quote.exec(word)?.[2] === old) return `${word[0]}${now}${word[0]}`
  const at = word.indexOf(old)
  if (at >= 0) return word.slice(0, at) + now + word.slice(at + old.length)
  if (old.startsWith(word) && word !== '') {
    const tail = old.slice(word.length)
    // An ending, a last part of a path, or exactly this text.
    if (now.endsWith(tail)) return now.slice(0, -tail.length)
    if (/^\.\w+$/.test(tail)) return /\.\w+$/.test(now) ? now.replace(/\.\w+$/, '') : null
    if (/^\/[^/]*$/.test(tail)) return now.includes('/') ? now.replace(/\/[^/]*$/, '') : null
  }
  if (old.endsWith(word) && word !== '') {
    const head = old.slice(0, -word.length)
    if (now.startsWith(head)) return now.slice(head.length)
    if (head.endsWith('://')) return now.replace(/^\w+:\/\//, '')
    if (/^[^.]+\.$/.test(head)) return now.includes('.') ? now.replace(/^[^.]+\./, '') : null
  }
  return null
}

/** The word that stands in `here` where `word` stands in `there`: between the same neighbours. */
function sameContext(word: string, there: string, here: string): string | null {
  const others = here.split('\n').map((line) => line.trim().split(/\s+/))
  for (const line of there.split('\n')) {
    const words = line.trim().split(/\s+/)
    const at = words.findIndex((one) => bareName(one) === word)
    const [left, right] = [words[at - 1], words[at + 1]]
    if (at < 0 || (left === undefined && right === undefined)) continue
    for (const other of others) {
      const found = other.find((_, k) => other[k - 1] === left && other[k + 1] === right)
      const name = bareName(found ?? '')
      if (/^[\w@%+=:,./~^-]+$/.test(name)) return name
    }
  }
  return null
}

/** Without the quotes and the punctuation of a sentence. */
function bareName(text: string): string {
  return text.replace(/^["'`‘“(]+|["'`’”),.:;?!]+$/g, '')
}
