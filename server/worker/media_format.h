/* server/worker/media_format.h: one number per codec and profile, the same for every peer of a worker.
 *
 * Each peer has payload types of its own; rtp/ forwards between them by these format numbers (rtp/media_packet.h). Two H.264
 * profiles are two formats, because a decoder of one may not decode the other.
 * Sources: RFC 6184 §8.1 (profile-level-id, packetization-mode), RFC 7587 (Opus).
 */
#ifndef SERVER_WORKER_MEDIA_FORMAT_H
#define SERVER_WORKER_MEDIA_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "rtp/codec.h"
#include "rtp/media_packet.h"
#include "signaling/sdp.h"

enum media_format {
  MEDIA_FORMAT_OPUS = 0,
  MEDIA_FORMAT_RED,
  MEDIA_FORMAT_VP8,
  MEDIA_FORMAT_VP9,
  MEDIA_FORMAT_AV1,
  MEDIA_FORMAT_H264_CONSTRAINED_BASELINE, /* packetization-mode=1, as all below but SINGLE */
  MEDIA_FORMAT_H264_BASELINE,
  MEDIA_FORMAT_H264_MAIN,
  MEDIA_FORMAT_H264_HIGH,
  MEDIA_FORMAT_H264_SINGLE, /* packetization-mode=0, any profile */
  MEDIA_FORMAT_COUNT,
};
_Static_assert(MEDIA_FORMAT_COUNT <= RTP_MAX_FORMATS, "rtp/ tables are too small");

/* The format of an offered codec; -1 for what is not forwarded. */
int media_format_of(enum sdp_kind kind, const struct sdp_codec *codec);

enum rtp_codec media_format_codec(enum media_format format);

/* Whether a receiver that negotiated `have` can be sent `sent` under the same payload type: equal formats, and H.264 baselines
 * decode the constrained baseline, as do main and high (RFC 6184 §8.2.2, H.264 annex A). */
int media_format_decodes(enum media_format have, enum media_format sent);

#endif
