// Every bound on what the shell hook, and explanations of failed commands, hold or do, with its unit and the
// reason for its value: the part of limits.ts that other machines cannot run into. docs/limits.md lists both.

// The shell hook: files of the runtime folder and of the data directory that only this user writes.

/** Bytes of the spool before a shell starts a new one; one older is kept. Some thousand commands. */
export const SPOOL_BYTES_MAX = 256 * 2 ** 10
/** Characters kept of one command line, and of its directory: Linux's own bound of a path. */
export const SPOOL_COMMAND_CHARS_MAX = 4096
export const SPOOL_CWD_CHARS_MAX = 4096
/** Bytes kept of what a failed command wrote, its end: an error is said last. */
export const FAILURE_OUTPUT_BYTES_MAX = 64 * 2 ** 10
/** Bytes of the file that holds the last failure under swarm watch: in JSON a byte takes six at most. */
export const WATCHED_FILE_BYTES_MAX = 8 * FAILURE_OUTPUT_BYTES_MAX
/** Lines of a tmux pane above its screen that are searched for the failed command. */
export const CAPTURE_LINES_MAX = 200
/** Time for tmux to answer: it needs 3 ms; a server that hangs must not hold swarm why. */
export const CAPTURE_TIMEOUT_MS = 500
/** Bytes of one captured pane: CAPTURE_LINES_MAX and a screen, 1000 columns of four bytes each. */
export const CAPTURE_BYTES_MAX = 2 ** 20
/** Commands kept as suggestions: zsh reads all of them at a key, so that it takes milliseconds. */
export const COMMANDS_INDEXED_MAX = 4096
/** Characters of one suggestion: a longer line is a script, and does not fit the screen. */
export const COMMAND_INDEXED_CHARS_MAX = 256
/** Bytes of the file of suggestions: 64 each on average. */
export const COMMAND_INDEX_BYTES_MAX = 256 * 2 ** 10
/** Time after which a suggestion comes too late to be shown. */
export const SUGGEST_DEADLINE_MS = 50
/** Topics for which what is learnt from failures may leave this machine. */
export const HOOK_TOPICS_MAX = 64
/** Bytes of the file that names them: twice what it can hold. */
export const HOOK_FILE_BYTES_MAX = 16 * 2 ** 10
/** Characters of the line above the next prompt: it must not push the prompt away. */
export const NOTICE_CHARS_MAX = 200

// Failed commands.

/** Characters of one line that is looked at for secrets; a longer one is data and is taken out whole. */
export const REDACT_LINE_CHARS_MAX = 16 * 2 ** 10
/** Characters of a failed command and of its error lines in a stored fix: what a person would read. */
export const FIX_COMMAND_CHARS_MAX = 4096
export const FIX_OUTPUT_CHARS_MAX = 2048
/** Folders of a search path, and names of one folder, that are looked at for slips: far above real ones. */
export const SEARCH_PATH_FOLDERS_MAX = 64
export const FOLDER_ENTRIES_MAX = 8192
/** Stored fixes that one explanation asks for: those of one tool, of which several may fit. */
export const FIXES_ASKED_MAX = 32
/** Proposals of one explanation: more than a screen of them help nobody. */
export const PROPOSALS_MAX = 8
/** Characters of the question that the model gets about a failure: some 2000 tokens. */
export const EXPLAIN_PROMPT_CHARS_MAX = 8 * 2 ** 10
/** Time for the shared memory to answer before the rules do alone: 400 times its median. */
export const EXPLAIN_ASK_TIMEOUT_MS = 2_000
