// Every shipped rule, in the order in which equally certain ones are tried: those of a tool before those
// of any tool.

import { FILES } from './files.ts'
import { GENERIC } from './generic.ts'
import { GIT_BRANCHES } from './git-branches.ts'
import { GIT_CHANGES } from './git-changes.ts'
import { LANGUAGES } from './languages.ts'
import { MANUALS } from './manuals.ts'
import { PACKAGES_RULES } from './packages.ts'
import type { Rule } from './rule.ts'
import { SERVICES } from './services.ts'

export const RULES: readonly Rule[] = [
  ...GIT_CHANGES,
  ...GIT_BRANCHES,
  ...PACKAGES_RULES,
  ...LANGUAGES,
  ...SERVICES,
  ...MANUALS,
  ...FILES,
  ...GENERIC
]
