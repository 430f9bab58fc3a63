// Every bound on what a file, a user or another peer can make this process hold or do, with its unit
// and the reason for its value. The exception to "no domain words in base": one place to audit them.
// docs/limits.md lists the same names; a test compares the two. Those of the shell are in shell-limits.ts.

// Models and plans.

/** Layers of one model. The largest open model has 126; a record with more is a mistake or an attack. */
export const LAYERS_MAX = 1024
/** Entries of a vocabulary: the largest published one has 262,144. */
export const VOCAB_MAX = 2 ** 20
/** Width of the residual stream, f32 elements: 4 times the widest published dense model. */
export const DIM_MAX = 65_536
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

// Sessions.

/** Stages of one route: each costs a hop per token, so more than this never pays. */
export const ROUTE_STAGES_MAX = 64
/** Positions of one session: 2^20 is above every published context length. */
export const CONTEXT_TOKENS_MAX = 2 ** 20
/** Positions in one step. Larger chunks no longer gain speed and delay other sessions' tokens. */
export const CHUNK_TOKENS_MAX = 512
/** Ids drafted behind one token: beyond it a stage computes more than a long ring's silence is worth. */
export const DRAFT_TOKENS_MAX = 16
/** Bytes of one activation message: the largest chunk at DIM_MAX would not fit a Noise frame. */
export const ACTIVATION_BYTES_MAX = 15 * 2 ** 20
/** Bytes of one control or session message that is not an activation: a route plus a prompt chunk. */
export const MESSAGE_BYTES_MAX = 64 * 2 ** 10
/** Sessions that one stage serves at once; each holds a KV cache besides. */
export const SESSIONS_MAX = 64
/** Questions of one origin that wait for room, in line: more than a stage serves would wait for minutes. */
export const QUESTIONS_WAITING_MAX = 64
/** Time that one waits: an idle conversation makes room after STEP_TIMEOUT_MS, and a client still listens. */
export const ADMISSION_WAIT_MS = 180_000
/** Time that a stage keeps the place of an origin that does not ask again: several tries on any link. */
export const WAITING_PLACE_MS = 4_000
/** Bytes of one exported piece of keys and values: 512 positions of an 8B model's layers in f16. */
export const KV_PIECE_BYTES_MAX = 64 * 2 ** 20 + 2 ** 10
/** Ended sessions whose keys and values one stage keeps for a prompt that begins alike, of all origins. */
export const PREFIXES_MAX = 32
/** Bytes of saved keys and values on one peer's disk: 32,768 positions of an 8B model's layers in f16. */
export const KV_SAVED_BYTES_MAX = 4 * 2 ** 30
/** Files of them: one that lists at once; a thousand tokens of an 8B model each reach the bytes first. */
export const KV_SAVED_FILES_MAX = 256
/** Sessions that wait on one peer to be saved or read back: each costs its disk seconds. */
export const KV_SAVES_WAITING_MAX = 8
/** Bytes of a file that `swarm chat` saved: PREFIX_IDS_MAX ids in decimal, and as much text. */
export const CONVERSATION_BYTES_MAX = 16 * 2 ** 20
/** Ids of earlier prompts and answers that one origin remembers, to find such a beginning: 4 MiB. */
export const PREFIX_IDS_MAX = 2 ** 20
/** Sessions that one origin keeps for a next turn; each holds KV caches on every stage. */
export const SESSIONS_KEPT_MAX = 8
/** Answers whose cost a peer remembers, predicted beside measured: a day of one person's questions. */
export const SESSION_HISTORY_MAX = 64
/** Bytes of the file that remembers them: as many answers on routes of a dozen stages. */
export const SESSION_HISTORY_BYTES_MAX = 2 ** 18
/** Time without a frame after which a stage frees a session: longer than people think about a reply. */
export const SESSION_IDLE_MS = 10 * 60_000
/** Time for every stage to open: a cache of gigabytes takes a second or two to allocate. */
export const OPEN_TIMEOUT_MS = 5_000
/** Time without any progress of a session: one chunk of a 70B model on a slow stage takes 20 s. */
export const STEP_TIMEOUT_MS = 120_000
/** Time that an answer looks for another route: a peer that returns has loaded its layers by then. */
export const REROUTE_TIMEOUT_MS = 120_000
/** Routes that fail one after the other for a fault of a stage: the next would fail for it too. */
export const REROUTES_MAX = 3
/** Time that stages keep an answer whose origin is gone: to walk to another machine and attach there. */
export const ORPHAN_MS = 5 * 60_000
/** Ids in the logs of all sessions of one stage, 8 MiB: beyond, a new session is lost with its origin. */
export const LOGGED_IDS_MAX = 2 ** 20
/** Ids of a log in one message: 32 KiB leave room in MESSAGE_BYTES_MAX for all that a session can carry. */
export const LOG_CHUNK_IDS_MAX = 8192
/** Questions about sessions answered per second, and at once: a log of a million ids takes 128. */
export const SESSION_QUESTIONS_PER_SECOND = 64
export const SESSION_QUESTIONS_BURST = 256
/** Time for a member to answer one: it does so from memory. */
export const SESSION_QUESTION_MS = 1_000
/** Time to attach: stages still notice that the origin is gone, or another peer attaches as well. */
export const ATTACH_TIMEOUT_MS = 10_000
/** Time to wait for what a session cost: only figures are lost by not waiting longer. */
export const CLOSE_TIMEOUT_MS = 1_000
/** Bytes of outputs that one stage keeps for stages lost behind it: 8,192 positions of 4,096 wide. */
export const KEPT_OUTPUT_BYTES_MAX = 128 * 2 ** 20
/** Time for a stage to look up what its rows hashed to. Who is silent for longer is left out. */
export const AUDIT_TIMEOUT_MS = 2_000
/** Faults in one answer, of stages or of checkers, before it ends: more than that is no accident. */
export const AUDIT_FAULTS_MAX = 8
/** Bytes of activations queued towards one peer before its sessions are failed as too slow. */
export const HOP_BACKLOG_BYTES_MAX = 64 * 2 ** 20
/** Bytes of activations that wait for a step on one stage: 64 chunks of 128 positions, 8192 wide. */
export const STAGE_QUEUE_BYTES_MAX = 256 * 2 ** 20
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

// Peers, links and lanes.

/** Bytes of a topic's name and of its secret: a sentence fits, and neither is ever sent. */
export const TOPIC_NAME_BYTES_MAX = 64
export const TOPIC_SECRET_BYTES_MAX = 1024
/** Nodes of a private DHT in one invite: one meets all, the others are for when it is away. */
export const INVITE_ADDRESSES_MAX = 4
/** Bytes of a host name: the bound of the domain name system. */
export const HOST_BYTES_MAX = 253
/** Characters of an invite: eight per five bytes of its longest form, and its mark. */
export const INVITE_CHARS_MAX = 2048
/** Keys on the allow-list and on the list of revoked ones: 16 times the peers of a view. */
export const GATE_KEYS_MAX = 1024
/** Bytes of the file that holds both: 72 for each key. */
export const GATE_FILE_BYTES_MAX = 2 ** 18
/** Bytes of a peer's name (a host name has at most 63), and of a model's name (a file name). */
export const PEER_NAME_BYTES_MAX = 64
export const MODEL_NAME_BYTES_MAX = 256
/** Bytes of a program version or of the name of a kernel table. */
export const VERSION_TEXT_BYTES_MAX = 32
/** Ranges of layers that one peer says it holds: its stage, and standbys for stages of others. */
export const HELD_RANGES_MAX = 8
/** Neighbours of which one record tells what was measured: the design is for 2 to 20 machines. */
export const NEIGHBOURS_MAX = 20
/** Bytes of one signed record: its fields can hold 1600 today, most of it NEIGHBOURS_MAX. */
export const RECORD_BYTES_MAX = 2048
/** Records in one gossip message: together they stay below MESSAGE_BYTES_MAX. */
export const GOSSIP_RECORDS_MAX = 24
/** Records kept of one topic, present and past peers: four views, so that churn evicts only the past. */
export const DIRECTORY_RECORDS_MAX = 256
/** Own addresses in a hello. A machine has a few interfaces; each address costs the other a dial. */
export const LANE_ADDRESSES_MAX = 8
/** Bytes of an address as text: IPv6 with a zone name. */
export const ADDRESS_BYTES_MAX = 64
/** Connections without a handshake or proof yet; beyond it the oldest goes: a friend needs milliseconds. */
export const CONNECTIONS_UNPROVEN_MAX = 32
/** Lanes of one peer that have not proven themselves: it may try several of our addresses at once. */
export const LANES_UNPROVEN_MAX = 4
/** Proven lanes of one peer that carry nothing: one per address of it while paths are compared. */
export const LANE_SPARES_MAX = 1 + LANE_ADDRESSES_MAX
/** Rounds of dialling a peer's other addresses, per second and at once: LANE_SPARES_MAX dials each. */
export const PATH_SEARCHES_PER_SECOND = 0.1
export const PATH_SEARCHES_BURST = 4
/** Lists of its addresses that one peer sends per second, and at once: ours are looked at once a second. */
export const ADDRESS_CHANGES_PER_SECOND = 2
export const ADDRESS_CHANGES_BURST = 16
/** Bytes of one block of weights: a chunk of 1 MiB and what is said about it. */
export const WEIGHTS_BLOCK_BYTES_MAX = 2 ** 20 + 2 ** 12
/** Least bytes of a piece of a block but its last: each costs its receiver an object of its own. */
export const WEIGHTS_PIECE_BYTES_MIN = 4096
/** Bytes of blocks that wait to be sent to one peer: enough to keep any wire busy, eight chunks. */
export const WEIGHTS_QUEUE_BYTES_MAX = 8 * WEIGHTS_BLOCK_BYTES_MAX
/** Bytes a stranger may send before its proof: handshake, proof and what a fast friend adds behind it. */
export const UNPROVEN_BYTES_MAX = 128 * 2 ** 10
/** Control messages of one peer per second, and at once: heartbeats and gossip need about 20. */
export const CONTROL_MESSAGES_PER_SECOND = 100
export const CONTROL_MESSAGES_BURST = 400
/** Pings answered on one lane per second, and at once: ours come four times a second, each twice. */
export const LANE_PINGS_PER_SECOND = 32
export const LANE_PINGS_BURST = 128
/** Bytes of one padding of a lane, and how many per second and at once: a new link sends three. */
export const PADDING_BYTES_MAX = 256 * 2 ** 10
export const PADDINGS_PER_SECOND = 0.1
export const PADDINGS_BURST = 8
/** Heartbeats of one peer checked per second, and at once: ours come ten times a second, at 8 us each. */
export const HEARTBEATS_PER_SECOND = 40
export const HEARTBEATS_BURST = 80
/**
 * Channels that one peer opens on a link, per second, at once, in all: two logs of each member. On a new link
 * each opens twice where one side has more of it and both rest (knowledge/store/followed-log.ts).
 */
export const CHANNEL_OPENS_PER_SECOND = 64
export const CHANNEL_OPENS_BURST = 2048
export const CHANNELS_MAX = 4096
/** Messages in one batch of a link: they are handled in one go, while everything else waits. */
export const BATCH_MESSAGES_MAX = 4096
/** Signatures checked per second, and at once, for all peers: 60 microseconds each, a tenth of a core. */
export const SIGNATURES_PER_SECOND = 1600
export const SIGNATURES_BURST = 2048
/** Records taken from one peer per second, and at once: their signatures cost 2 % of a core. */
export const GOSSIP_RECORDS_PER_SECOND = 400
export const GOSSIP_RECORDS_BURST = 1024
/** Peers that beacons have told of. Any machine of the LAN can fill it, so it stays small. */
export const HINTS_MAX = 256
/** Addresses kept of one hinted peer: loopback, a cable, Wi-Fi, one to spare, IPv4 and IPv6 of each. */
export const HINT_ADDRESSES_MAX = 8
/** Beacons processed per second, and at once: 64 peers on 4 interfaces send 256. */
export const BEACONS_PER_SECOND = 512
export const BEACONS_BURST = 1024

// Shared memory: logs, their cards and what is kept of them.

/** Elements of the vector that stands for an entry. */
export const EMBEDDING_DIM = 256
/** UTF-8 bytes of what an answer answers: a failed command with the last lines of its output. */
export const FACT_QUESTION_BYTES_MAX = 8 * 2 ** 10
/** UTF-8 bytes of one answer: some pages of text; longer documents are learnt in pieces. */
export const FACT_ANSWER_BYTES_MAX = 32 * 2 ** 10
/** UTF-8 bytes of where a fact comes from: a path. */
export const FACT_SOURCE_BYTES_MAX = 512
/** Bytes of one fact as a knowledge bee keeps it: its three texts and a few bytes around them. */
export const FACT_BYTES_MAX = 42 * 2 ** 10
/** Mean bytes of a block of a knowledge bee: a fact, its key and the part of the tree around it. */
export const FACT_BLOCK_BYTES_MAX = 48 * 2 ** 10
/** Blocks of one log of one author, his own included: beyond it an author begins new logs. */
export const LOG_BLOCKS_MAX = 2 ** 17
/** Bytes of one log of one author: a full basin log has 132 MiB, facts of 2 KiB as many come to this. */
export const LOG_BYTES_MAX = 256 * 2 ** 20
/** Time for a peer to show that it has more of our own log than we have: a few round trips. */
export const CLAIM_MS = 5_000
/** Log pairs of one author that are followed, the newest: another begins where one is lost or full. */
export const LOG_EPOCHS_MAX = 8
/** Authors whose logs are followed in one topic: the peers of a view. */
export const LOG_AUTHORS_MAX = 64
/** Authors without a link to us that one peer can introduce: it could make them up. */
export const LOG_AUTHORS_INTRODUCED_MAX = 32
/** Log cards in one message, 164 bytes each: some of each author. */
export const LOG_CARDS_MAX = 256
/** New cards of one peer checked per second, and at once: a signature costs 60 microseconds. */
export const LOG_CARDS_PER_SECOND = 32
export const LOG_CARDS_BURST = 2 * LOG_CARDS_MAX
/** Blocks of one log that are fetched per second, and at once: each costs 0.1 ms on both sides. */
export const LOG_BLOCKS_PER_SECOND = 2048
export const LOG_BLOCKS_BURST = 16_384
/** Blocks of one log of another author that turn out malformed before nothing more of it is fetched. */
export const LOG_FAULTS_MAX = 32
/** Entries of other authors that are hidden on this machine: a file of 1 MiB. */
export const HIDDEN_ENTRIES_MAX = 2 ** 16
/** Entries that wait to be written in one batch: more only delays the first. */
export const LEARN_BATCH_MAX = 256

// Measuring a cable with `swarm bridge`, while that command runs.

/** Bytes of one block that fills the cable: as large as a Noise message of ours needs to be for speed. */
export const PROBE_PADDING_BYTES_MAX = 60 * 2 ** 10
/** Bytes taken in one direction of one measurement: more than a second of 10 Gbit/s. */
export const PROBE_FLOOD_BYTES_MAX = 2 * 2 ** 30
/** Round trips answered in one measurement: ours asks for 80. */
export const PROBE_PINGS_MAX = 256
/** Time for one measurement: four seconds of bulk, and as much for a slow machine. */
export const PROBE_SESSION_MS = 15_000
/** Measurements answered at once, other ends remembered, and those of other topics: a cable has one. */
export const PROBE_SESSIONS_MAX = 4
export const PROBE_ENDS_MAX = 16
export const PROBE_STRANGERS_MAX = 4

// Settings of this machine that `swarm bridge --apply` changes.

/** Bytes of the journal of what was changed: hundreds of changes; more is not ours. */
export const JOURNAL_BYTES_MAX = 256 * 2 ** 10

// The control socket, HTTP and the command line.

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
/** Parts of one message's content: text that a client has cut into more pieces is a mistake. */
export const CHAT_PARTS_MAX = 1024
/** UTF-16 units typed into one line of the dashboard: a pasted page; more goes through a file. */
export const DASH_INPUT_CHARS_MAX = 2 ** 14
/** Bytes of join.log, of which one older file is kept: weeks of events. */
export const JOIN_LOG_BYTES_MAX = 4 * 2 ** 20
/** How often one flag may be repeated: what a request takes of stop texts, and far above other needs. */
export const FLAG_REPEATS_MAX = 16
/** Bytes of a prompt read from standard input: half a request body, so that escaping still fits. */
export const PROMPT_BYTES_MAX = 4 * 2 ** 20
/** Bytes of a Unix socket's path without its final zero: `sun_path` of Linux's unix(7) has 108. */
export const SOCKET_PATH_BYTES_MAX = 107

// Tokenizers and chat templates.

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

// The shared memory's index, which is held in memory.

/** Entries of all authors: 1.4 KiB of vector each and about as much text, so below 3 GiB when full. */
export const INDEX_ENTRIES_MAX = 2 ** 20
/** Entries of one author: a quarter, so that a flood from one peer leaves room for the others. */
export const INDEX_AUTHOR_ENTRIES_MAX = 2 ** 18
/** Words of one entry, or of a question, that are looked at: three pages. */
export const ENTRY_WORDS_MAX = 1500
/** Different words of a question that are searched for, rarest first: each may stand in every entry. */
export const QUERY_WORDS_MAX = 64
/** UTF-16 units of one question: a failed command with all of its output that a screen shows. */
export const QUERY_CHARS_MAX = 2 ** 15
/** Answers to one query: more than anybody reads. */
export const QUERY_HITS_MAX = 100
/** Bytes of a file or of standard input that `swarm learn` takes: a thousand pages. */
export const LEARN_FILE_BYTES_MAX = 4 * 2 ** 20
/** UTF-16 units of one passage of a learnt text: what an answer shows without hiding the next one. */
export const PASSAGE_CHARS_MAX = 2000
