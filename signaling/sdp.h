/* signaling/sdp.h: a client's SDP offer as a typed struct, and the server's typed answer as SDP text.
 *
 * The client always offers (RFC 8829, JSEP), over one bundled transport, to a server that is ICE-lite and DTLS server.
 * The gateway parses the offer here, sends it on as JSON (sdp_json.h), lets the worker choose (sdp_choose.h), and writes
 * the answer against the offer it kept. Nothing else in the project reads or writes SDP.
 *
 * Sources: RFC 8866 (SDP), 8829 (JSEP), 8843 (BUNDLE), 8839 (ICE), 8122 and 8842 (DTLS), 8841 (SCTP), 8851 (rid),
 *          8853 (simulcast), 8285 (extmap), 4585 and 5104 (rtcp-fb), 4588 (RTX), 5576 (ssrc), 8830 (msid).
 * Memory:  an offer or an answer is one allocation, strings included; its strings live and die with it.
 * Time:    linear in the text, but for identifiers that must be unique: at most 64 mids, 4 rids, 16 extensions.
 */
#ifndef SIGNALING_SDP_H
#define SIGNALING_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an offer may hold. */
#define SDP_MAX_BYTES        262144 /* 256 KiB */
#define SDP_MAX_LINE_BYTES   8192
#define SDP_MAX_MEDIA        64
#define SDP_MAX_CODECS       32 /* per m= section, RTX not counted: it is folded into the codec it repairs */
#define SDP_MAX_EXTENSIONS   24 /* per m= section; Chromium 156 offers 13 and knows 19 */
#define SDP_MAX_RIDS         4  /* per m= section, to be sent by the client */
#define SDP_MAX_SSRCS        16 /* per m= section, RTX not counted */
#define SDP_MAX_FINGERPRINTS 4
#define SDP_MAX_CANDIDATES   16
#define SDP_MAX_PTS          64 /* every codec with its RTX */
#define SDP_MAX_FMTP_BYTES   2048

/* RFC 8285 §4.2: a one-byte header extension holds at most 16 bytes, and the mid and the rid travel in one. */
#define SDP_MAX_ID_BYTES     16

#define SDP_NO_PT            (-1)

/* Why an offer or an answer was refused; sdp_error_name() and sdp_error_text() say it in words. */
enum sdp_error {
  SDP_OK = 0,
  SDP_ERROR_TOO_LARGE = -1,     /* more than SDP_MAX_BYTES, or an answer that does not fit its buffer            */
  SDP_ERROR_MEMORY = -2,        /* the one allocation failed                                                     */
  SDP_ERROR_LINE = -3,          /* not `x=value`, or the first line is not v=0                                   */
  SDP_ERROR_LINE_TOO_LONG = -4, /* more than SDP_MAX_LINE_BYTES                                                  */
  SDP_ERROR_CHARACTER = -5,     /* a control character, or a byte outside ASCII in a value that is kept          */
  SDP_ERROR_MEDIA_LINE = -6,    /* an m= line that RFC 8866 §5.14 does not allow                                 */
  SDP_ERROR_ATTRIBUTE = -7,     /* a known attribute with a value its RFC does not allow                         */
  SDP_ERROR_TOO_MANY_MEDIA = -8,
  SDP_ERROR_TOO_MANY_CODECS = -9,
  SDP_ERROR_TOO_MANY_EXTENSIONS = -10,
  SDP_ERROR_TOO_MANY_RIDS = -11,
  SDP_ERROR_TOO_MANY_SSRCS = -12,
  SDP_ERROR_NO_MEDIA = -13, /* no m= section                                                                 */
  SDP_ERROR_NO_MID = -14,   /* a section in use has no a=mid (RFC 8829 §5.2.1 wants one)                     */
  SDP_ERROR_DUPLICATE_MID = -15,
  SDP_ERROR_NO_BUNDLE = -16,    /* several sections and no BUNDLE group: the server has one transport            */
  SDP_ERROR_BUNDLE = -17,       /* two BUNDLE groups, or one that names an unknown mid or a mid twice            */
  SDP_ERROR_DUPLICATE_PT = -18, /* a payload type twice in an m= line                                            */
  SDP_ERROR_PT_CONFLICT = -19,  /* a payload type that means two codecs in one bundle (RFC 8843 §9.1)            */
  SDP_ERROR_EXTENSION_ID = -20, /* 0, 15 or beyond 255 (but for RFC 8285 §7's 4096-4351, which are skipped)      */
  SDP_ERROR_DUPLICATE_EXTENSION = -21, /* an id twice in one section                                                */
  SDP_ERROR_DUPLICATE_RID = -22,
  SDP_ERROR_NO_ICE = -23,         /* no a=ice-ufrag or a=ice-pwd                                                   */
  SDP_ERROR_ICE_LITE = -24,       /* the client is ICE-lite too: nobody would send checks                          */
  SDP_ERROR_NO_FINGERPRINT = -25, /* none of sha-256, sha-384, sha-512                                             */
  SDP_ERROR_SETUP = -26,          /* a=setup is neither actpass nor active: the server is the DTLS server          */
  SDP_ERROR_SDES = -27,           /* a=crypto: keys in signaling are refused                                       */
  SDP_ERROR_TOO_MANY_DATA = -28,  /* two data channel sections                                                     */
  SDP_ERROR_ANSWER = -29,         /* the answer does not fit the offer: see sdp_answer_write()                     */
};

enum sdp_kind { SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION, SDP_OTHER };

/* Bit 0: the describing side sends; bit 1: it receives. So `offer & mirror(answer)` is what both agree on. */
enum sdp_direction { SDP_INACTIVE = 0, SDP_SENDONLY = 1, SDP_RECVONLY = 2, SDP_SENDRECV = 3 };

enum sdp_setup { SDP_SETUP_ACTPASS, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE };

/* Feedback a codec is offered with, as a bit set; what is not in this list is not kept. RFC 4585 §4.2, RFC 5104 §7.1. */
enum sdp_feedback {
  SDP_FEEDBACK_NACK = 1 << 0,
  SDP_FEEDBACK_NACK_PLI = 1 << 1,
  SDP_FEEDBACK_CCM_FIR = 1 << 2,
  SDP_FEEDBACK_GOOG_REMB = 1 << 3,
  SDP_FEEDBACK_TRANSPORT_CC = 1 << 4,
};
#define SDP_FEEDBACK_COUNT 5

/* Why the server cannot use an offered section, whatever its policy. */
enum sdp_unusable {
  SDP_USABLE = 0,
  SDP_UNUSABLE_STOPPED,     /* port 0 without a=bundle-only: the client's transceiver is stopped      */
  SDP_UNUSABLE_NOT_BUNDLED, /* not in the BUNDLE group                                                */
  SDP_UNUSABLE_NO_RTCP_MUX, /* RTP without a=rtcp-mux                                                 */
  SDP_UNUSABLE_PROTOCOL,    /* not DTLS-SRTP, not SCTP over DTLS, or not audio, video or application  */
};

struct sdp_codec {
  uint8_t pt;
  uint8_t channels; /* 1 unless a=rtpmap says more */
  uint8_t feedback; /* enum sdp_feedback, `*` already applied */
  int16_t rtx_pt;   /* RFC 4588 payload type whose apt is `pt`, or SDP_NO_PT */
  uint32_t clock;   /* Hz */
  const char *name; /* as offered; compare without case */
  const char *fmtp; /* as offered, or NULL */
};

struct sdp_extension {
  uint8_t id; /* 1-14 or 16-255 */
  /* As offered, RFC 8285 §8; SDP_SENDRECV when the offer does not say. Not part of the JSON and ignored in an answer: the writer
   * mirrors what was offered. */
  enum sdp_direction direction;
  const char *uri;
};

struct sdp_ssrc {
  uint32_t ssrc;
  uint32_t rtx_ssrc; /* second of the FID group, or 0 */
};

struct sdp_sctp {
  bool present;
  bool legacy;               /* offered as `DTLS/SCTP 5000` with a=sctpmap, and must be answered so */
  uint16_t port;             /* SCTP port, RFC 8841 §5 */
  uint32_t max_message_size; /* bytes; 65536 when the offer does not say (RFC 8841 §6), 0 for "any size" */
  const char *mid;
};

struct sdp_media {
  enum sdp_kind kind;
  enum sdp_direction direction; /* as the client sees it */
  enum sdp_unusable unusable;
  bool rtcp_rsize;
  const char *mid; /* "" only on a stopped section */
  /* Of the m= line: media, proto and first format. NULL when the offer came as JSON: it cannot be answered in text then. */
  const char *type;
  const char *proto;
  const char *fmt;
  struct sdp_codec codecs[SDP_MAX_CODECS]; /* in the client's order of preference */
  size_t codec_count;
  struct sdp_extension extensions[SDP_MAX_EXTENSIONS];
  size_t extension_count;
  const char *rids[SDP_MAX_RIDS]; /* simulcast layers the client can send, in its order */
  size_t rid_count;
  struct sdp_ssrc ssrcs[SDP_MAX_SSRCS];
  size_t ssrc_count;
  const char *cname; /* of the first a=ssrc, or NULL */
  const char *msid;  /* "stream track", or NULL */
};

struct sdp_fingerprint {
  const char *algorithm; /* "sha-256", "sha-384" or "sha-512" */
  const char *value;     /* upper case hex pairs with colons, the right number of them */
};

/* The ICE, DTLS and SCTP values are those of the bundled transport: of the first section of the BUNDLE group. */
struct sdp_offer {
  const char *ice_ufrag;
  const char *ice_pwd;
  enum sdp_setup setup;
  struct sdp_fingerprint fingerprints[SDP_MAX_FINGERPRINTS];
  size_t fingerprint_count;
  bool extmap_allow_mixed;
  bool bundle; /* there is a BUNDLE group, to be answered with one; not part of the JSON */
  struct sdp_sctp sctp;
  size_t media_count;
  struct sdp_media media[];
};

struct sdp_candidate {
  const char *address; /* numeric IPv4 or IPv6 */
  const char *foundation;
  uint16_t port;
  uint32_t priority;
};

struct sdp_answer_media {
  const char *mid;
  bool accepted;
  enum sdp_direction direction; /* as the server sees it */
  uint8_t pts[SDP_MAX_PTS];     /* in order of preference, RTX included; all of them offered */
  size_t pt_count;
  struct sdp_extension extensions[SDP_MAX_EXTENSIONS];
  size_t extension_count;
  const char *rids[SDP_MAX_RIDS]; /* layers the server wants to receive */
  size_t rid_count;
  struct sdp_ssrc ssrc; /* what the server sends on this section (a slot); ssrc 0: nothing announced */
  const char *cname;    /* of that SSRC; NULL writes the mid */
};

/* Strings a caller puts in here are only borrowed: they must live until the answer has been written or encoded. */
struct sdp_answer {
  const char *ice_ufrag;
  const char *ice_pwd;
  struct sdp_fingerprint fingerprint;
  struct sdp_candidate candidates[SDP_MAX_CANDIDATES]; /* the first one is the default destination */
  size_t candidate_count;
  struct sdp_sctp sctp;
  uint64_t origin_id;      /* RFC 8866 §5.2 <sess-id>: the same for every answer of a session. Not part of the JSON. */
  uint64_t origin_version; /* <sess-version>: one more with every answer. Not part of the JSON. */
  size_t media_count;
  struct sdp_answer_media media[];
};

/* Where the parser stopped: `line` counts from 1, 0 when no single line is to blame (something is missing). */
struct sdp_fault {
  unsigned line;
};

/* Parses `len` bytes of SDP, CRLF or LF line ends, into *out (free with sdp_offer_free). Unknown lines and attributes are
 * skipped. Returns SDP_OK or an enum sdp_error, and then writes where into *fault, which may be NULL. Any bytes may be
 * given: `text` needs no terminator and is not kept. */
int sdp_offer_parse(struct sdp_offer **out, const char *text, size_t len, struct sdp_fault *fault);
void sdp_offer_free(struct sdp_offer *offer);

/* The section with this mid, or NULL. An empty mid finds nothing. */
const struct sdp_media *sdp_offer_find(const struct sdp_offer *offer, const char *mid);
struct sdp_answer_media *sdp_answer_find(struct sdp_answer *answer, const char *mid);

/* An answer with room for `media_count` sections, all zero. NULL without memory. sdp_choose_answer() fills one. */
struct sdp_answer *sdp_answer_new(size_t media_count);
void sdp_answer_free(struct sdp_answer *answer);

/* Writes `answer` to `offer` as SDP text with CRLF, NUL-terminated, into `out` of `cap` bytes, and its length without the
 * NUL to *len. Sections are matched by mid; an offered section that the answer lacks or does not accept gets port 0.
 * Feedback and fmtp are what sdp_choose.h says of the offered codec. Returns
 *   SDP_ERROR_TOO_LARGE  `cap` is too small: SDP_MAX_BYTES is enough for what browsers offer
 *   SDP_ERROR_ANSWER     an accepted section that was not usable or not offered, with no or a not offered payload type,
 *                        extension or rid, or with a direction the offer does not allow; or no ICE or DTLS values;
 *                        or a string with a line end in it. *fault_mid (may be NULL) then names the section, or is NULL. */
int sdp_answer_write(const struct sdp_answer *answer, const struct sdp_offer *offer, char *out, size_t cap, size_t *len,
                     const char **fault_mid);

/* "too_many_media" and the like, for logs and metrics; "unknown" for numbers that are none. */
const char *sdp_error_name(int error);
/* A sentence for the client's error message. */
const char *sdp_error_text(int error);
const char *sdp_kind_name(enum sdp_kind kind);                /* "audio", "video", "application", "other" */
const char *sdp_direction_name(enum sdp_direction direction); /* "sendrecv" and so on */
const char *sdp_setup_name(enum sdp_setup setup);
const char *sdp_unusable_name(enum sdp_unusable unusable);
const char *sdp_feedback_name(enum sdp_feedback bit); /* "nack pli" and so on */

/* The value of a name, or -1. */
int sdp_kind_from_name(const char *name);
int sdp_direction_from_name(const char *name);
int sdp_setup_from_name(const char *name);
int sdp_feedback_from_name(const char *name);

#endif
