/* ice/srtp_session.h: protects and opens one peer's RTP and RTCP with the keys its DTLS handshake exported.
 *
 * RTP and RTCP are our own RFC 3711 / RFC 7714 transform, because it reads the plaintext once and writes the ciphertext straight
 * to where it is sent from, and because Debian's libsrtp2 costs ten times as much, and 40 KB a peer; it is the tests' oracle.
 *
 *   engine   one per worker: chosen back-end, fetched ciphers
 *   session  one per DTLS association: keys, incoming SSRCs (at most SRTP_MAX_RECEIVERS), senders
 *   sender   one per outgoing SSRC (a slot or its RTX): the hot path needs no look-up
 *
 * Sources: RFC 3711 (SRTP), RFC 7714 (AES-GCM), RFC 5764 §4.2 (keys out of DTLS).
 * Memory:  a session allocates when it is created and per sender; never per packet. One loop, no locks.
 *          Key material lies in pages excluded from core dumps and is cleansed when it is freed.
 */
#ifndef ICE_SRTP_SESSION_H
#define ICE_SRTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The values are the DTLS-SRTP protection profile ids (RFC 5764 §4.1.2, RFC 7714 §14.2), as OpenSSL's
 * SSL_get_selected_srtp_profile()->id gives them. */
enum srtp_profile {
  SRTP_PROFILE_AES128_CM_SHA1_80 = 0x0001,
  SRTP_PROFILE_AEAD_AES_128_GCM = 0x0007, /* preferred */
  SRTP_PROFILE_AEAD_AES_256_GCM = 0x0008,
};

enum srtp_backend {
  SRTP_BACKEND_AUTO = 0, /* ipsec-mb where this build and this CPU have it, else EVP  */
  SRTP_BACKEND_IPSEC_MB, /* Intel multi-buffer library: AES-NI at least, VAES if present */
  SRTP_BACKEND_EVP,      /* OpenSSL, everywhere                                       */
};

/* Which end of the DTLS association we are; the exported block is split accordingly. */
enum srtp_role {
  SRTP_ROLE_SERVER = 0,
  SRTP_ROLE_CLIENT,
};

/* What every function of this header returns when it fails, and the name under which a packet's drop is counted.
 * No failure harms the session: drop the packet, count the reason, go on (a flood of bad tags must not end a call). */
enum srtp_status {
  SRTP_OK = 0,
  SRTP_MALFORMED = -1,    /* not RTP/RTCP version 2, or its lengths don't fit the datagram          */
  SRTP_AUTH_FAILED = -2,  /* the authentication tag is wrong                                        */
  SRTP_REPLAYED = -3,     /* this index has been received already (RFC 3711 §3.3.2)                 */
  SRTP_TOO_OLD = -4,      /* behind the replay window (open) or the window of sent indices (seal)   */
  SRTP_SSRC_LIMIT = -5,   /* a new SSRC, but the table of this session is full                      */
  SRTP_INDEX_USED = -6,   /* sealing this SSRC and index again would repeat a nonce: refused        */
  SRTP_KEY_EXPIRED = -7,  /* 2^48 packets under one key (RFC 3711 §9.2)                             */
  SRTP_NO_SPACE = -8,     /* the output buffer is too small: nothing was written, no index was used */
  SRTP_BAD_ARGUMENT = -9, /* unknown profile, wrong key length                                      */
  SRTP_NO_MEMORY = -10,   /* allocation failed                                                      */
  SRTP_UNAVAILABLE = -11, /* the asked-for back-end or cipher is not in this build or on this CPU   */
  SRTP_CRYPTO_ERROR = -12 /* the library below failed for a reason of its own                       */
};
#define SRTP_STATUS_COUNT        13 /* size of an array of counters indexed by -status */

/* Incoming SSRCs of a session: simulcast × RTX × sources of one participant is below 20; the rest is an attack. */
#define SRTP_MAX_RECEIVERS       64
/* Outgoing SSRCs of a session: 128 slots, each with RTX. */
#define SRTP_MAX_SENDERS         256
/* Both windows, in packets. RFC 3711 §3.3.2: "the replay list ... SHOULD be ... at least 64"; half a second of 8 Mbit/s. */
#define SRTP_WINDOW_PACKETS      512
/* Streams that nobody receives stay authenticated by sampling: at least one packet in so many, and one a second. The estimate of an
 * index holds for 2^15 packets (RFC 3711 §3.3.1). */
#define SRTP_SAMPLE_PACKETS      64
#define SRTP_SAMPLE_US           1000000
#define SRTP_SAMPLE_MAX_STEP     (1 << 14)
/* RFC 7714 §13.2: 16 bytes of tag; the largest of the three profiles. Room an egress slot must leave for RTP. */
#define SRTP_MAX_TAG_BYTES       16
/* What SRTCP adds at most: E-flag and index, and the tag. */
#define SRTCP_MAX_OVERHEAD_BYTES 20
/* The largest exporter block, of AEAD_AES_256_GCM: two keys of 32 and two salts of 12. */
#define SRTP_MAX_EXPORTED_BYTES  88

struct srtp_engine;
struct srtp_session;
struct srtp_sender;

const char *srtp_status_name(int status);                /* "auth_failed"; "unknown" for anything else */
const char *srtp_profile_name(enum srtp_profile p);      /* OpenSSL's spelling: "SRTP_AEAD_AES_128_GCM" */
size_t srtp_profile_exported_bytes(enum srtp_profile p); /* length to ask the DTLS exporter for; 0 = unknown profile */
size_t srtp_profile_tag_bytes(enum srtp_profile p);      /* what sealing adds to an RTP packet: 16, 16, 10      */

/* --- engine --------------------------------------------------------------------------------------------------- */

/* Detects the CPU, fetches ciphers. SRTP_UNAVAILABLE: the back-end asked for cannot run here.
 * Must outlive its sessions. */
int srtp_engine_create(struct srtp_engine **out, enum srtp_backend backend);
void srtp_engine_free(struct srtp_engine *engine);
/* "ipsec-mb" or "evp", for logs and metrics. */
const char *srtp_engine_backend_name(const struct srtp_engine *engine);

/* --- session -------------------------------------------------------------------------------------------------- */

/* `exported` is what SSL_export_keying_material() gave for the label "EXTRACTOR-dtls_srtp" (no context), in RFC 5764
 * §4.2's order: client key, server key, client salt, server salt. It is copied; the caller cleanses its own. */
int srtp_session_create(struct srtp_session **out, struct srtp_engine *engine, enum srtp_profile profile,
                        enum srtp_role role, const uint8_t *exported, size_t exported_len);
/* Frees the senders too. Accepts NULL. */
void srtp_session_free(struct srtp_session *session);
enum srtp_profile srtp_session_profile(const struct srtp_session *session);

/* Authenticates and decrypts one SRTP packet in place. Returns the length of the RTP packet (header included), or a
 * negative status; after a failure the payload bytes are garbage. A new SSRC gets state only once authenticated. */
int srtp_session_open_rtp(struct srtp_session *session, uint8_t *packet, size_t len);

/* Whether this packet may be left unopened, for nobody receives its stream: its SSRC has sent authentic packets, the last of them
 * less than SRTP_SAMPLE_US and SRTP_SAMPLE_PACKETS calls ago, and its number is so near that the next authentic packet will find the
 * roll-over counter right. A true counts as left out. Nothing else changes: what is not opened moves no window (RFC 3711 §3.3). */
bool srtp_session_may_skip(struct srtp_session *session, const uint8_t *packet, size_t len, int64_t now_us);

/* The same for SRTCP (compound or reduced-size); the SSRC of its first packet is the sender's. */
int srtp_session_open_rtcp(struct srtp_session *session, uint8_t *packet, size_t len);

/* Protects one RTCP compound into `out` (len + SRTCP_MAX_OVERHEAD_BYTES are always enough). Returns the bytes written. */
int srtp_session_seal_rtcp(struct srtp_session *session, const uint8_t *packet, size_t len, uint8_t *out, size_t cap);

/* --- sending RTP ---------------------------------------------------------------------------------------------- */

/* Gives the sender of `ssrc`: the existing one if it was opened before, so that its indices are never used twice.
 * Owned by the session and valid until that is freed; there is no close, because forgetting indices under a living key
 * would allow a nonce to repeat. Errors: SRTP_SSRC_LIMIT, SRTP_NO_MEMORY. */
int srtp_sender_open(struct srtp_sender **out, struct srtp_session *session, uint32_t ssrc);
/* The keys of this sender will be needed soon. */
void srtp_sender_prefetch(const struct srtp_sender *sender);
uint32_t srtp_sender_ssrc(const struct srtp_sender *sender);
struct srtp_session *srtp_sender_session(const struct srtp_sender *sender);

/* One packet to seal. `header` is the complete RTP header (CSRCs and extension included) with the sender's SSRC;
 * `payload` is the plaintext, read once and not changed; it may not overlap `out`, the header may be there already. With `padding` > 0, that many
 * bytes of RTP padding (RFC 3550 §5.1) are appended and the P bit is set in the copy of the header, where it must not be
 * set already. */
struct srtp_seal {
  struct srtp_sender *sender;
  const uint8_t *header;
  size_t header_len;
  const uint8_t *payload;
  size_t payload_len;
  uint8_t *out; /* needs header_len + payload_len + padding + srtp_profile_tag_bytes() */
  size_t cap;
  uint8_t padding;
  int result; /* out: bytes written, or a negative status */
};

/* Seals one packet; returns (and stores in seal->result) the bytes written or a negative status: SRTP_INDEX_USED,
 * SRTP_TOO_OLD, SRTP_KEY_EXPIRED, SRTP_NO_SPACE, SRTP_MALFORMED (header or SSRC wrong). The roll-over counter follows
 * the sequence number by itself (RFC 3711 §3.3.1): a step of more than 2^15 backwards is a wrap. Start a new SSRC below
 * 2^15 (ibid.): a receiver that misses the first packets around a wrap would otherwise never find the counter. */
int srtp_seal_packet(struct srtp_seal *seal);

/* The hot path's way: a packet whose header of `header_len` bytes was just written at `packet` by us, for this sender's SSRC, with the
 * P bit only if `padding` is 0; that is not looked at again. Payload, padding, result and the other errors as above. */
int srtp_seal_written(struct srtp_sender *sender, uint8_t *packet, size_t header_len, const uint8_t *payload,
                      size_t payload_len, uint8_t padding, size_t cap);
/* Writes the tags that srtp_seal_written() still owes. With AES128_CM_SHA1_80 up to 32 packets, of any senders of the engine, wait for
 * each other, because hashing many at once costs less than half; they must stay where they are until then, and must be neither sent
 * nor copied. Cheap when nothing waits. Freeing a session finishes its packets. */
void srtp_engine_finish(struct srtp_engine *engine);

/* Seals `count` packets of any senders of one engine, in order; each gets its own result. Returns how many succeeded.
 * Many receivers of one packet are the natural batch: multi-buffer hashing needs independent packets. */
size_t srtp_seal_batch(struct srtp_engine *engine, struct srtp_seal *seals, size_t count);

#endif
