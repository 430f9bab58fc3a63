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

// Model files. They come from anywhere: each count in a header is checked before it is believed.

/** Width of one attention head: 4 times the widest published one. */
export const HEAD_DIM_MAX = 1024
/** Query heads of one layer: 8 times the most published. */
export const HEADS_MAX = 1024
/** Width of the feed-forward layer, f32 elements: 4 times DIM_MAX, the widest published ratio. */
export const HIDDEN_DIM_MAX = 4 * DIM_MAX
/** Bytes before the tensor data. Real headers take 1 to 30 MB, nearly all of it the vocabulary. */
export const GGUF_HEADER_BYTES_MAX = 256 * 2 ** 20
/** Bytes of one key: the bound of the GGUF specification. */
export const GGUF_KEY_BYTES_MAX = 65_535
/** Keys of one file: real ones have 20 to 60. */
export const GGUF_KEYS_MAX = 4096
/** Bytes of one string value: some files carry a whole tokenizer.json of up to 20 MB. */
export const GGUF_STRING_BYTES_MAX = 64 * 2 ** 20
/** Tensors of one file: LAYERS_MAX layers of 16 tensors and a few besides. */
export const GGUF_TENSORS_MAX = 16 * LAYERS_MAX + 1024
/** Bytes of one tensor name: GGML keeps 64 with the terminating zero. */
export const GGUF_TENSOR_NAME_BYTES_MAX = 63
/** UTF-16 units of one text to encode: CONTEXT_TOKENS_MAX tokens of ordinary text, four units each. */
export const PROMPT_CHARS_MAX = 4 * CONTEXT_TOKENS_MAX
/** Bytes of one token's text: the longest published ones are runs of some hundred spaces. */
export const TOKEN_BYTES_MAX = 16_384
/** UTF-16 units of one chat template: 8 times the longest published one. */
export const TEMPLATE_CHARS_MAX = 2 ** 18
/** White space in one run of a template: the library tries each of its starts against its end. */
export const TEMPLATE_SPACE_RUN_MAX = 1024
/** Steps of one rendering (nodes evaluated, elements looped over, data copied): about three seconds. */
export const TEMPLATE_STEPS_MAX = 2 ** 20
/** Elements of one list inside a template: `range(n)`, and lists that grow in a loop. */
export const TEMPLATE_LIST_MAX = 2 ** 18
/** Messages of one conversation. Published templates copy the list for each of them. */
export const CHAT_MESSAGES_MAX = 2048
/** Model files whose ids are remembered: far more than a disk holds. */
export const MODEL_IDS_REMEMBERED_MAX = 256
/** Bytes of the file that remembers them: paths of ordinary length. */
export const MODEL_IDS_BYTES_MAX = 2 ** 20
