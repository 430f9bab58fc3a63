// Every bound on what a file, a user or another peer can make this process hold or do, with its unit
// and the reason for its value. The exception to "no domain words in base": one place to audit them.
// docs/limits.md lists the same names; a test compares the two.

/** Layers of one model. The largest open model has 126; a record with more is a mistake or an attack. */
export const LAYERS_MAX = 1024
/** Peers of one topic that enter a view. The design is for 2 to 20 machines; 64 leaves room. */
export const PEERS_MAX = 64
/** Stages of one route: each costs a hop per token, so more than this never pays. */
export const ROUTE_STAGES_MAX = 64
/** Positions of one session: 2^20 is above every published context length. */
export const CONTEXT_TOKENS_MAX = 2 ** 20
/** Entries of a vocabulary: the largest published one has 262,144. */
export const VOCAB_MAX = 2 ** 20
/** Width of the residual stream, f32 elements: 4 times the widest published dense model. */
export const DIM_MAX = 65_536
/** Positions in one step. Larger chunks no longer gain speed and delay other sessions' tokens. */
export const CHUNK_TOKENS_MAX = 512
/** Bytes of one activation message: the largest chunk at DIM_MAX would not fit a Noise frame. */
export const ACTIVATION_BYTES_MAX = 15 * 2 ** 20
/** Bytes of one control or session message that is not an activation: a route plus a prompt chunk. */
export const MESSAGE_BYTES_MAX = 64 * 2 ** 10
/** Sessions that one stage serves at once; each holds a KV cache besides. */
export const SESSIONS_MAX = 64
/** Bytes of activations queued towards one peer before its sessions are failed as too slow. */
export const HOP_BACKLOG_BYTES_MAX = 64 * 2 ** 20
/** Ids that end a generation: a handful per model, sent with every session. */
export const STOP_IDS_MAX = 64
/** Stop strings of one request, and characters of one: OpenAI allows 4; both bound the scan per token. */
export const STOP_TEXTS_MAX = 16
export const STOP_TEXT_CHARS_MAX = 256
/** Entries of a logit bias table: OpenAI's documented bound. */
export const LOGIT_BIAS_MAX = 300

/** Bytes of one request body: a prompt of a million tokens at 4 to 5 bytes each, and some escaping. */
export const API_BODY_BYTES_MAX = 8 * 2 ** 20
/** Bytes of all request bodies held at once, so that many large ones cannot add up to the memory. */
export const API_BODIES_BYTES_MAX = 64 * 2 ** 20
/** Time for a body to arrive. Both listeners are on this machine: slower than this is a stuck client. */
export const API_BODY_TIMEOUT_MS = 30_000
/** Open connections of one listener: every request may bring its own, with room for idle ones. */
export const API_CONNECTIONS_MAX = 256
/** Bytes of a request's header lines; Node's own default, stated so that it cannot drift. */
export const API_HEADER_BYTES_MAX = 16 * 2 ** 10
/** Bytes of one line from a peer's own API: the last event of a session holds every id of its prompt. */
export const API_LINE_BYTES_MAX = 32 * 2 ** 20
/** Requests served at once, waiting ones included: twice what the stages can admit as sessions. */
export const API_REQUESTS_MAX = 128
/** A reader that takes nothing for so long loses its stream, and with it the session it holds. */
export const API_STALL_MS = 30_000
/** Messages of one conversation: far above what any context holds, below what hurts to template. */
export const CHAT_MESSAGES_MAX = 4096
/** Parts of one message's content: text that a client has cut into more pieces is a mistake. */
export const CHAT_PARTS_MAX = 1024
/** How often one flag may be repeated: what a request takes of stop texts, and far above other needs. */
export const FLAG_REPEATS_MAX = 16
/** Bytes of a prompt read from standard input: half a request body, so that escaping still fits. */
export const PROMPT_BYTES_MAX = 4 * 2 ** 20
/** Bytes of a Unix socket's path without its final zero: `sun_path` of Linux's unix(7) has 108. */
export const SOCKET_PATH_BYTES_MAX = 107
