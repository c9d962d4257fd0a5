/* The template structure of the dependency descriptor: AV1 RTP specification A.8.2, in the order of its fields. */
#include "rtp/dependency_fields.h"

/* next_layer_idc */
enum { LAYER_SAME = 0, LAYER_TEMPORAL = 1, LAYER_SPATIAL = 2, LAYER_NONE = 3 };

static int read_layers(struct rtp_bits *b, struct rtp_dependency_structure *s) {
  uint8_t spatial = 0, temporal = 0;
  uint32_t next;
  do {
    if (s->template_count == RTP_DD_MAX_TEMPLATES) return RTP_ERROR_TOO_MANY;
    s->templates[s->template_count++] =
        (struct rtp_dependency_template){.spatial_id = spatial, .temporal_id = temporal};
    if (temporal >= s->temporal_layers) s->temporal_layers = (uint8_t)(temporal + 1);
    s->spatial_layers = (uint8_t)(spatial + 1);
    next = rtp_read_bits(b, 2);
    if (next == LAYER_TEMPORAL && ++temporal == RTP_DD_MAX_TEMPORAL) return RTP_ERROR_TOO_MANY;
    if (next == LAYER_SPATIAL) {
      temporal = 0;
      if (++spatial == RTP_DD_MAX_SPATIAL) return RTP_ERROR_TOO_MANY;
    }
  } while (next != LAYER_NONE && !b->failed);
  return b->failed ? RTP_ERROR_SHORT : RTP_OK;
}

static int read_fdiffs(struct rtp_bits *b, struct rtp_dependency_template *t) {
  while (rtp_read_bit(b)) {
    if (t->fdiff_count == RTP_DD_MAX_FDIFFS) return RTP_ERROR_TOO_MANY;
    t->fdiffs[t->fdiff_count++] = (uint8_t)(rtp_read_bits(b, 4) + 1);
  }
  return RTP_OK;
}

static void read_chains(struct rtp_bits *b, struct rtp_dependency_structure *s) {
  s->chain_count = (uint8_t)rtp_read_ns(b, s->target_count + 1U);
  if (s->chain_count == 0) return;
  for (unsigned i = 0; i < s->target_count; i++)
    s->target_chain[i] = (uint8_t)rtp_read_ns(b, s->chain_count);
  for (unsigned i = 0; i < s->template_count; i++) {
    for (unsigned c = 0; c < s->chain_count; c++)
      s->templates[i].chain_fdiffs[c] = (uint8_t)rtp_read_bits(b, 4);
  }
}

/* A.8.2 decode_target_layers(): nothing is read; a target contains the highest layers among the frames it needs. */
static void derive_target_layers(struct rtp_dependency_structure *s) {
  for (unsigned target = 0; target < s->target_count; target++) {
    for (unsigned i = 0; i < s->template_count; i++) {
      const struct rtp_dependency_template *t = &s->templates[i];
      if (t->dti[target] == RTP_DTI_NOT_PRESENT) continue;
      if (t->spatial_id > s->target_spatial_id[target]) s->target_spatial_id[target] = t->spatial_id;
      if (t->temporal_id > s->target_temporal_id[target]) s->target_temporal_id[target] = t->temporal_id;
    }
  }
}

static int read_resolutions(struct rtp_bits *b, struct rtp_dependency_structure *s) {
  s->has_resolutions = rtp_read_bit(b);
  for (unsigned i = 0; s->has_resolutions && i < s->spatial_layers; i++) {
    uint32_t width = rtp_read_bits(b, 16) + 1, height = rtp_read_bits(b, 16) + 1;
    if (width > UINT16_MAX || height > UINT16_MAX) return RTP_ERROR_VALUE;
    s->width[i] = (uint16_t)width;
    s->height[i] = (uint16_t)height;
  }
  return RTP_OK;
}

int rtp_dependency_read_structure(struct rtp_bits *b, struct rtp_dependency_structure *s) {
  *s = (struct rtp_dependency_structure){0};
  s->id_offset = (uint8_t)rtp_read_bits(b, 6);
  s->target_count = (uint8_t)(rtp_read_bits(b, 5) + 1);
  int error = read_layers(b, s);
  if (error) return error;
  for (unsigned i = 0; i < s->template_count; i++) {
    for (unsigned d = 0; d < s->target_count; d++)
      s->templates[i].dti[d] = (uint8_t)rtp_read_bits(b, 2);
  }
  for (unsigned i = 0; i < s->template_count; i++) {
    error = read_fdiffs(b, &s->templates[i]);
    if (error) return error;
  }
  read_chains(b, s);
  derive_target_layers(s);
  error = read_resolutions(b, s);
  if (error) return error;
  if (b->failed) return RTP_ERROR_SHORT;
  s->active_targets = (uint32_t)((1ULL << s->target_count) - 1);
  s->valid = true;
  return RTP_OK;
}
