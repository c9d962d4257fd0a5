/* signaling/sdp_choose.h: what of an offer the server takes. The negotiation policy, as pure functions.
 *
 * The worker calls sdp_choose_answer() with the room's policy and fills in the transport and the slots' SSRCs; it may
 * accept less than was chosen, never more. The writer asks sdp_choose_feedback() and sdp_choose_fmtp() for what the
 * answer's JSON does not carry, so gateway and worker agree without saying it.
 *
 * Sources: RFC 8829 §5.3 (answers), RFC 7587 §7 (Opus), RFC 6184 §8 (H264), RFC 9628 §6 (VP9), the AV1 RTP
 *          specification §7, RFC 2198 and RFC 4588 (RED, RTX).
 */
#ifndef SIGNALING_SDP_CHOOSE_H
#define SIGNALING_SDP_CHOOSE_H

#include "signaling/sdp.h"

enum sdp_codec_id {
  SDP_CODEC_NONE = 0,
  SDP_CODEC_OPUS,
  SDP_CODEC_RED,
  SDP_CODEC_VP8,
  SDP_CODEC_H264,
  SDP_CODEC_VP9,
  SDP_CODEC_AV1
};
#define SDP_VIDEO_CODECS 4

/* Extensions the server knows, as bits of struct sdp_policy's `extensions`. */
enum sdp_extension_id {
  SDP_EXTENSION_MID = 0,
  SDP_EXTENSION_RID,
  SDP_EXTENSION_REPAIRED_RID,
  SDP_EXTENSION_AUDIO_LEVEL,
  SDP_EXTENSION_TRANSPORT_CC,
  SDP_EXTENSION_ABS_SEND_TIME, /* taken only where transport-cc is not: it costs four bytes a packet */
  SDP_EXTENSION_VIDEO_ORIENTATION,
  SDP_EXTENSION_DEPENDENCY_DESCRIPTOR,
  SDP_EXTENSION_ABS_CAPTURE_TIME,
  SDP_EXTENSION_PLAYOUT_DELAY,
};
#define SDP_EXTENSION_COUNT 10

/* RED for audio costs double the bitrate, so it is the room's choice, and only where the receivers take it too. */
enum sdp_red {
  SDP_RED_OFF,
  SDP_RED_ACCEPT /* after Opus: the client may receive it */,
  SDP_RED_PREFER /* client sends it */
};

struct sdp_policy {
  enum sdp_codec_id video[SDP_VIDEO_CODECS]; /* wanted codecs, best first */
  size_t video_count;
  enum sdp_red red;
  uint32_t extensions; /* 1u << enum sdp_extension_id */
  size_t max_audio;    /* sections accepted of each kind; later ones are rejected */
  size_t max_video;
  bool data;                 /* whether data channels are accepted */
  uint16_t sctp_port;        /* what the answer says about data channels */
  uint32_t max_message_size; /* bytes */
};

/* VP8 then H264, RED off, all extensions but abs-capture-time, 32 sections of each kind, data channels on
 * port 5000 with 64 KiB messages. */
void sdp_policy_default(struct sdp_policy *policy);

/* Reads "VP8,H264,VP9,AV1" (any order, any case, at least one, none twice) into the policy's video list.
 * Returns 0, or -1 and leaves the policy alone. */
int sdp_policy_set_video(struct sdp_policy *policy, const char *list);

/* Which codec this is; SDP_CODEC_NONE for what the server does not forward (telephone-event, CN, ulpfec, flexfec, red in a
 * video section, VP9 and AV1 profiles other than 0). */
enum sdp_codec_id sdp_codec_identify(enum sdp_kind kind, const struct sdp_codec *codec);
const char *sdp_codec_id_name(enum sdp_codec_id id); /* "VP8"; "none" */

/* -1 for an unknown URI, else an enum sdp_extension_id; and the way back. */
int sdp_extension_identify(const char *uri);
const char *sdp_extension_uri(enum sdp_extension_id id);

/* Payload types to accept, best first, each followed by its RTX: one variant of each codec. Of several H264 variants that is
 * constrained baseline with packetization-mode=1, then baseline with mode 1, then any with mode 1, then the rest.
 * Writes at most SDP_MAX_PTS to `pts`, returns how many: 0 means there is no common codec. */
size_t sdp_choose_codecs(const struct sdp_media *media, const struct sdp_policy *policy, uint8_t pts[SDP_MAX_PTS]);

/* The feedback to answer with: goog-remb only where transport-cc was not offered, nothing video-like for audio. */
unsigned sdp_choose_feedback(enum sdp_kind kind, const struct sdp_codec *codec);

/* The fmtp to answer with: known parameters, echoed, so that the client's encoder does what it offered (Opus FEC, DTX,
 * stereo; H264 profile). Writes a string, "" for no line; returns its length. */
size_t sdp_choose_fmtp(enum sdp_kind kind, const struct sdp_codec *codec, char out[SDP_MAX_FMTP_BYTES + 1]);

/* Extensions to accept, in the offer's order. Writes at most SDP_MAX_EXTENSIONS; the strings stay the offer's. */
size_t sdp_choose_extensions(const struct sdp_media *media, const struct sdp_policy *policy,
                             struct sdp_extension out[SDP_MAX_EXTENSIONS]);

/* The server's side of an offered direction: it takes all that is offered and sends wherever it may. */
enum sdp_direction sdp_choose_direction(enum sdp_direction offered);

/* A whole answer, one section per offered section in the same order, SCTP filled; ICE, fingerprint, candidates, SSRCs and
 * cnames are the caller's to set. An extension id that another section already uses for another URI is not taken: ids are
 * one space in a bundle (RFC 8843 §10), whatever some clients (aiortc) offer. The strings are copies: the offer may go first. Returns SDP_OK or SDP_ERROR_MEMORY. */
int sdp_choose_answer(struct sdp_answer **out, const struct sdp_offer *offer, const struct sdp_policy *policy);

#endif
