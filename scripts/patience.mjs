// Loaded before each test file: brittle gives a test 30 s, which those that compute a lot exceed where others
// use the machine too. How long a test may hang is no claim of any of them.

import { configure } from 'brittle'

configure({ timeout: 120_000 })
