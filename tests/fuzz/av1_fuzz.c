/* Fuzzes AV1 payloads and dependency descriptors. Input: a marker bit with a payload, or, when the first byte's highest bit
 * is set, a sequence of descriptors, each behind its length byte, read with one structure as a stream would. */
#include "rtp/dependency_descriptor.h"
#include "tests/fuzz/rtp_fuzz.h"

static void check_structure(const struct rtp_dependency_structure *s) {
  HOLDS(s->template_count >= 1 && s->template_count <= RTP_DD_MAX_TEMPLATES);
  HOLDS(s->target_count >= 1 && s->target_count <= RTP_DD_MAX_TARGETS);
  HOLDS(s->chain_count <= s->target_count);
  HOLDS(s->spatial_layers <= RTP_DD_MAX_SPATIAL && s->temporal_layers <= RTP_DD_MAX_TEMPORAL);
  HOLDS((uint64_t)s->active_targets >> s->target_count == 0);
  for (unsigned i = 0; i < s->target_count; i++) {
    HOLDS(s->chain_count == 0 || s->target_chain[i] < s->chain_count);
    HOLDS(s->target_spatial_id[i] < s->spatial_layers && s->target_temporal_id[i] < s->temporal_layers);
  }
}

static void check_descriptor(const struct rtp_dependency_structure *s, const struct rtp_dependency_descriptor *d) {
  check_structure(s);
  HOLDS(d->target_count == s->target_count && d->chain_count == s->chain_count);
  HOLDS(d->spatial_id < s->spatial_layers && d->temporal_id < s->temporal_layers);
  HOLDS(d->fdiff_count <= RTP_DD_MAX_FDIFFS && d->active_targets == s->active_targets);
  for (unsigned i = 0; i < d->fdiff_count; i++)
    HOLDS(d->fdiffs[i] >= 1 && d->fdiffs[i] <= 4096);
  for (unsigned i = 0; i < d->target_count; i++)
    HOLDS(d->dti[i] <= RTP_DTI_REQUIRED);
}

static void fuzz_descriptors(const uint8_t *data, size_t size) {
  static struct rtp_dependency_structure s, before;
  struct rtp_dependency_descriptor d;
  memset(&s, 0, sizeof s);
  while (size > 0) {
    size_t len = data[0] < size - 1 ? data[0] : size - 1;
    uint8_t *copy = malloc(len ? len : 1);
    HOLDS(copy != NULL);
    if (len > 0) memcpy(copy, data + 1, len);
    before = s;
    int error = rtp_dependency_parse(&s, copy, len, &d);
    HOLDS(error <= 0 && error > -RTP_ERROR_COUNT);
    if (error) HOLDS(memcmp(&s, &before, sizeof s) == 0); /* a broken descriptor changes nothing */
    if (!error) {
      check_descriptor(&s, &d);
      uint16_t number = (uint16_t)(d.frame_number + 1);
      rtp_dependency_patch_frame_number(copy, number);
      HOLDS(rtp_dependency_parse(&s, copy, len, &d) == RTP_OK && d.frame_number == number);
    }
    free(copy);
    data += len + 1;
    size -= len + 1;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 0 && data[0] & 0x80) {
    fuzz_descriptors(data + 1, size - 1);
    return 0;
  }
  return fuzz_codec(RTP_CODEC_AV1, data, size);
}
