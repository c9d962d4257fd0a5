/* server/worker/media_format.c: see the header. */
#include "server/worker/media_format.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signaling/sdp_choose.h"

/* The value of `name` in an fmtp line such as "level-asymmetry-allowed=1;packetization-mode=1". */
static const char *fmtp_value(const char *fmtp, const char *name) {
  size_t len = strlen(name);
  for (const char *at = fmtp; at && *at; at = strchr(at, ';')) {
    while (*at == ';' || *at == ' ')
      at++;
    if (strncasecmp(at, name, len) == 0 && at[len] == '=') return at + len + 1;
  }
  return NULL;
}

static int h264_format(const char *fmtp) {
  const char *mode = fmtp ? fmtp_value(fmtp, "packetization-mode") : NULL;
  if (!mode || *mode != '1') return MEDIA_FORMAT_H264_SINGLE;
  const char *profile = fmtp_value(fmtp, "profile-level-id");
  /* RFC 6184 §8.1: "If no profile-level-id is present, the Baseline profile, without additional constraints at Level 1, MUST be
   * inferred." */
  unsigned long id = profile ? strtoul(profile, NULL, 16) : 0x42000a;
  unsigned idc = (unsigned)(id >> 16) & 0xff, constraints = (unsigned)(id >> 8) & 0xff;
  switch (idc) {
    case 0x42:
      return constraints & 0x40 ? MEDIA_FORMAT_H264_CONSTRAINED_BASELINE : MEDIA_FORMAT_H264_BASELINE;
    case 0x4d:
      return constraints & 0x80 ? MEDIA_FORMAT_H264_CONSTRAINED_BASELINE : MEDIA_FORMAT_H264_MAIN;
    case 0x64:
      return MEDIA_FORMAT_H264_HIGH;
    default:
      return -1;
  }
}

int media_format_of(enum sdp_kind kind, const struct sdp_codec *codec) {
  switch (sdp_codec_identify(kind, codec)) {
    case SDP_CODEC_OPUS:
      return MEDIA_FORMAT_OPUS;
    case SDP_CODEC_RED:
      return MEDIA_FORMAT_RED;
    case SDP_CODEC_VP8:
      return MEDIA_FORMAT_VP8;
    case SDP_CODEC_VP9:
      return MEDIA_FORMAT_VP9;
    case SDP_CODEC_AV1:
      return MEDIA_FORMAT_AV1;
    case SDP_CODEC_H264:
      return h264_format(codec->fmtp);
    case SDP_CODEC_NONE:
      break;
  }
  return -1;
}

enum rtp_codec media_format_codec(enum media_format format) {
  switch (format) {
    case MEDIA_FORMAT_OPUS:
      return RTP_CODEC_OPUS;
    case MEDIA_FORMAT_RED:
      return RTP_CODEC_RED;
    case MEDIA_FORMAT_VP8:
      return RTP_CODEC_VP8;
    case MEDIA_FORMAT_VP9:
      return RTP_CODEC_VP9;
    case MEDIA_FORMAT_AV1:
      return RTP_CODEC_AV1;
    case MEDIA_FORMAT_H264_CONSTRAINED_BASELINE:
    case MEDIA_FORMAT_H264_BASELINE:
    case MEDIA_FORMAT_H264_MAIN:
    case MEDIA_FORMAT_H264_HIGH:
    case MEDIA_FORMAT_H264_SINGLE:
      return RTP_CODEC_H264;
    case MEDIA_FORMAT_COUNT:
      break;
  }
  return RTP_CODEC_NONE;
}

int media_format_decodes(enum media_format have, enum media_format sent) {
  if (have == sent) return 1;
  return sent == MEDIA_FORMAT_H264_CONSTRAINED_BASELINE &&
         (have == MEDIA_FORMAT_H264_BASELINE || have == MEDIA_FORMAT_H264_MAIN || have == MEDIA_FORMAT_H264_HIGH);
}
