/* The dependency descriptor of one frame: AV1 RTP specification A.8, with the template of its structure applied. */
#include "rtp/dependency_descriptor.h"

#include "rtp/dependency_fields.h"

#define MANDATORY_SIZE 3 /* A.8.1: descriptors of 3 bytes have no extended fields */

struct custom {
  bool dtis, fdiffs, chains;
};

/* A.8.3 frame_fdiffs(): next_fdiff_size says how many half bytes follow, 0 ends the list. */
static int read_frame_fdiffs(struct rtp_bits *b, struct rtp_dependency_descriptor *out) {
  out->fdiff_count = 0;
  for (;;) {
    unsigned size = rtp_read_bits(b, 2);
    if (size == 0) return RTP_OK;
    if (out->fdiff_count == RTP_DD_MAX_FDIFFS) return RTP_ERROR_TOO_MANY;
    out->fdiffs[out->fdiff_count++] = (uint16_t)(rtp_read_bits(b, 4 * size) + 1);
  }
}

static void apply_template(const struct rtp_dependency_structure *s, const struct rtp_dependency_template *t,
                           struct rtp_dependency_descriptor *out) {
  out->target_count = s->target_count;
  out->chain_count = s->chain_count;
  out->spatial_id = t->spatial_id;
  out->temporal_id = t->temporal_id;
  out->fdiff_count = t->fdiff_count;
  for (unsigned i = 0; i < t->fdiff_count; i++)
    out->fdiffs[i] = t->fdiffs[i];
  memcpy(out->dti, t->dti, sizeof out->dti);
  memcpy(out->chain_fdiffs, t->chain_fdiffs, sizeof out->chain_fdiffs);
  if (!s->has_resolutions) return;
  out->width = s->width[t->spatial_id];
  out->height = s->height[t->spatial_id];
}

/* A.8.3 frame_dependency_definition() */
static int read_frame(struct rtp_bits *b, const struct rtp_dependency_structure *s, struct custom custom,
                      struct rtp_dependency_descriptor *out) {
  unsigned index = (out->template_id + RTP_DD_MAX_TEMPLATES - s->id_offset) % RTP_DD_MAX_TEMPLATES;
  if (index >= s->template_count) return RTP_ERROR_NO_STRUCTURE;
  apply_template(s, &s->templates[index], out);
  for (unsigned i = 0; custom.dtis && i < s->target_count; i++)
    out->dti[i] = (uint8_t)rtp_read_bits(b, 2);
  if (custom.fdiffs) {
    int error = read_frame_fdiffs(b, out);
    if (error) return error;
  }
  for (unsigned i = 0; custom.chains && i < s->chain_count; i++)
    out->chain_fdiffs[i] = (uint8_t)rtp_read_bits(b, 8);
  return b->failed ? RTP_ERROR_SHORT : RTP_OK;
}

/* Active targets, then the frame itself: what follows the flags, and the structure if there is one. */
static int read_rest(struct rtp_bits *b, const struct rtp_dependency_structure *s, struct custom custom,
                     struct rtp_dependency_descriptor *out) {
  if (!s->valid) return RTP_ERROR_NO_STRUCTURE;
  out->active_targets = s->active_targets;
  if (out->has_active_targets) out->active_targets = rtp_read_bits(b, s->target_count);
  return read_frame(b, s, custom, out);
}

/* The structure is read aside, so that a broken descriptor leaves *s as it was. */
static int read_with_structure(struct rtp_bits *b, struct rtp_dependency_structure *s, struct custom custom,
                               struct rtp_dependency_descriptor *out) {
  struct rtp_dependency_structure fresh;
  int error = rtp_dependency_read_structure(b, &fresh);
  if (!error) error = read_rest(b, &fresh, custom, out);
  if (!error) *s = fresh;
  return error;
}

int rtp_dependency_parse(struct rtp_dependency_structure *s, const uint8_t *data, size_t len,
                         struct rtp_dependency_descriptor *out) {
  *out = (struct rtp_dependency_descriptor){0};
  if (len < MANDATORY_SIZE) return RTP_ERROR_SHORT;
  struct rtp_bits b = rtp_bits_of(data, len);
  out->frame_start = rtp_read_bit(&b);
  out->frame_end = rtp_read_bit(&b);
  out->template_id = (uint8_t)rtp_read_bits(&b, 6);
  out->frame_number = (uint16_t)rtp_read_bits(&b, 16);
  struct custom custom = {0};
  if (len > MANDATORY_SIZE) {
    out->has_structure = rtp_read_bit(&b);
    out->has_active_targets = rtp_read_bit(&b);
    custom.dtis = rtp_read_bit(&b);
    custom.fdiffs = rtp_read_bit(&b);
    custom.chains = rtp_read_bit(&b);
  }
  int error = out->has_structure ? read_with_structure(&b, s, custom, out) : read_rest(&b, s, custom, out);
  if (!error) s->active_targets = out->active_targets;
  return error;
}

void rtp_dependency_patch_frame_number(uint8_t *data, uint16_t frame_number) {
  rtp_store(data + 1, 2, frame_number);
}
