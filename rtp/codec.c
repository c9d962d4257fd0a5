/* Codec names, dispatch to the codec's parser, and the patch of picture ids. */
#include "rtp/codec.h"

#include <strings.h>

#include "rtp/cursor.h"

typedef int parse_h(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out);

static int parse_red(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out) {
  struct rtp_red red;
  int error = rtp_red_parse(payload, len, &red);
  if (error) return error;
  const struct rtp_red_block *primary = &red.blocks[red.count - 1];
  error = rtp_opus_parse(primary->data, primary->len, marker, out);
  out->descriptor_len = (uint16_t)(primary->data - payload);
  return error;
}

static const struct {
  const char *name;
  parse_h *parse;
  uint32_t clock_hz;
  bool video;
} codecs[RTP_CODEC_COUNT] = {
    [RTP_CODEC_NONE] = {"none", NULL, 0, false},           [RTP_CODEC_OPUS] = {"opus", rtp_opus_parse, 48000, false},
    [RTP_CODEC_RED] = {"red", parse_red, 48000, false},    [RTP_CODEC_VP8] = {"VP8", rtp_vp8_parse, 90000, true},
    [RTP_CODEC_VP9] = {"VP9", rtp_vp9_parse, 90000, true}, [RTP_CODEC_H264] = {"H264", rtp_h264_parse, 90000, true},
    [RTP_CODEC_AV1] = {"AV1", rtp_av1_parse, 90000, true},
};

static bool is_codec(enum rtp_codec codec) {
  return (unsigned)codec < RTP_CODEC_COUNT;
}

enum rtp_codec rtp_codec_from_name(const char *name, size_t len) {
  for (int i = RTP_CODEC_NONE + 1; i < RTP_CODEC_COUNT; i++) {
    if (strlen(codecs[i].name) == len && strncasecmp(codecs[i].name, name, len) == 0) return (enum rtp_codec)i;
  }
  return RTP_CODEC_NONE;
}

const char *rtp_codec_name(enum rtp_codec codec) {
  return codecs[is_codec(codec) ? codec : RTP_CODEC_NONE].name;
}

bool rtp_codec_is_video(enum rtp_codec codec) {
  return is_codec(codec) && codecs[codec].video;
}

uint32_t rtp_codec_clock_hz(enum rtp_codec codec) {
  return is_codec(codec) ? codecs[codec].clock_hz : 0;
}

int rtp_codec_parse(enum rtp_codec codec, const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out) {
  *out = (struct rtp_codec_info){0};
  if (!is_codec(codec) || !codecs[codec].parse) return RTP_ERROR_TYPE;
  return codecs[codec].parse(payload, len, marker, out);
}
