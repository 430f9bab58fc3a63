// Every bound on what a file, a user or another peer can make this process hold or do, with its unit
// and the reason for its value. The exception to "no domain words in base": one place to audit them.
// docs/limits.md lists the same names; a test compares the two.

/** Layers of one model. The largest open model has 126; a record with more is a mistake or an attack. */
export const LAYERS_MAX = 1024
/** Peers of one topic that enter a view. The design is for 2 to 20 machines; 64 leaves room. */
export const PEERS_MAX = 64
/** KiB of one model, 2 TiB: with RATE_MIBPS_MIN it keeps every sum of a plan below 2^53. */
export const MODEL_KIB_MAX = 2 ** 31
/** KiB that one peer can claim, 64 TiB: above every machine that can be bought. */
export const MEMORY_KIB_MAX = 2 ** 36
/** MiB/s of weights below which a peer is left out of plans: 1 GiB would cost 32 s per token. */
export const RATE_MIBPS_MIN = 32
/** MiB/s of weights that a profile can claim: ten times the fastest accelerator memory sold. */
export const RATE_MIBPS_MAX = 2 ** 26
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
/** Sessions that one origin keeps for a next turn; each holds KV caches on every stage. */
export const SESSIONS_KEPT_MAX = 8
/** Time without a frame after which a stage frees a session: longer than people think about a reply. */
export const SESSION_IDLE_MS = 10 * 60_000
/** Time for every stage to open: a cache of gigabytes takes a second or two to allocate. */
export const OPEN_TIMEOUT_MS = 5_000
/** Time without any progress of a session: one chunk of a 70B model on a slow stage takes 20 s. */
export const STEP_TIMEOUT_MS = 120_000
/** Time to wait for what a session cost: only figures are lost by not waiting longer. */
export const CLOSE_TIMEOUT_MS = 1_000
/** Bytes of activations queued towards one peer before its sessions are failed as too slow. */
export const HOP_BACKLOG_BYTES_MAX = 64 * 2 ** 20
/** Ids that end a generation: a handful per model, sent with every session. */
export const STOP_IDS_MAX = 64
/** Stop strings of one request, and characters of one: OpenAI allows 4; both bound the scan per token. */
export const STOP_TEXTS_MAX = 16
export const STOP_TEXT_CHARS_MAX = 256
/** Characters of an error code that another peer names; ours are at most 30. */
export const ERROR_CODE_CHARS_MAX = 40
/** UTF-8 bytes of the sentence that comes with it: a line or three, not a log. */
export const ERROR_TEXT_BYTES_MAX = 2048
/** Size of a penalty, bias or temperature: OpenAI allows 2, 100 and 2; far more loses logits' low bits. */
export const SAMPLING_VALUE_MAX = 1000
/** Entries of a logit bias table: OpenAI's documented bound. */
export const LOGIT_BIAS_MAX = 300
