/* tests/fuzz/rtp_fuzz.h: what the fuzzers of wire formats share. A broken invariant traps, which libFuzzer reports. */
#ifndef TESTS_FUZZ_RTP_FUZZ_H
#define TESTS_FUZZ_RTP_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rtp/codec.h"

#define HOLDS(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every payload parser promises of its result; `payload` may be patched. */
static inline void check_codec_info(enum rtp_codec codec, uint8_t *payload, size_t len,
                                    const struct rtp_codec_info *info) {
  HOLDS(info->descriptor_len <= len);
  HOLDS(info->temporal_id < 8 && info->spatial_id < 8 && info->keyidx < 32 && info->picture_id < 0x8000);
  HOLDS(info->picture_id_bits == 0 || info->picture_id_bits == 7 || info->picture_id_bits == 15);
  if (info->picture_id_bits)
    HOLDS(info->picture_id_offset + (info->picture_id_bits == 15 ? 2U : 1U) <= info->descriptor_len);
  if (info->has_tl0picidx) HOLDS(info->tl0picidx_offset < info->descriptor_len);
  HOLDS(!info->discardable || !info->keyframe);

  /* A patch changes what it says and nothing else. */
  struct rtp_codec_info patched;
  rtp_codec_patch_picture(payload, info, 0x1234, 0x56);
  HOLDS(rtp_codec_parse(codec, payload, len, info->frame_end, &patched) == RTP_OK);
  HOLDS(patched.picture_id_bits == info->picture_id_bits && patched.has_tl0picidx == info->has_tl0picidx);
  HOLDS(patched.descriptor_len == info->descriptor_len && patched.keyframe == info->keyframe);
  if (info->picture_id_bits == 15) HOLDS(patched.picture_id == 0x1234);
  if (info->picture_id_bits == 7) HOLDS(patched.picture_id == 0x34);
  if (info->has_tl0picidx) HOLDS(patched.tl0picidx == 0x56);
}

/* One payload; the first byte of the input is the marker bit. */
static inline int fuzz_codec(enum rtp_codec codec, const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  size_t len = size - 1;
  uint8_t *payload = malloc(len ? len : 1); /* exact, so that one byte too many is seen */
  HOLDS(payload != NULL);
  if (len > 0) memcpy(payload, data + 1, len);
  struct rtp_codec_info info;
  int error = rtp_codec_parse(codec, payload, len, data[0] & 1, &info);
  HOLDS(error <= 0 && error > -RTP_ERROR_COUNT);
  if (error) {
    HOLDS(!info.keyframe && !info.frame_end && info.picture_id_bits == 0 && !info.has_tl0picidx);
  } else {
    check_codec_info(codec, payload, len, &info);
  }
  free(payload);
  return 0;
}

#endif
