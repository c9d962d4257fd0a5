/* The filter of scalable streams: see rtp/layer_filter.h. */
#include "rtp/layer_filter.h"

#include <string.h>

static enum rtp_dti dti_of(const struct rtp_frame_marks *m, int target) {
  return (enum rtp_dti)(m->dti >> (2 * target) & 3);
}

static bool was_left_out(const struct layer_filter *f, uint16_t frame_number) {
  return f->left_out[frame_number % LAYER_FILTER_FRAMES / 64] >> (frame_number % 64) & 1;
}

static void note(struct layer_filter *f, uint16_t frame_number, bool left_out) {
  uint64_t *word = &f->left_out[frame_number % LAYER_FILTER_FRAMES / 64], bit = UINT64_C(1) << (frame_number % 64);
  *word = left_out ? *word | bit : *word & ~bit;
}

void layer_filter_init(struct layer_filter *f) {
  *f = (struct layer_filter){.spatial_max = RTP_DD_MAX_SPATIAL - 1, .target = -1};
}

void layer_filter_begin(struct layer_filter *f) {
  *f = (struct layer_filter){.spatial_max = f->spatial_max, .target = -1};
}

bool layer_filter_fits(const struct rtp_dependency_structure *s) {
  return s->valid && s->spatial_layers > 1 && s->target_count <= LAYER_FILTER_TARGETS &&
         s->chain_count <= LAYER_FILTER_CHAINS;
}

struct rtp_frame_marks layer_filter_marks(const struct rtp_dependency_structure *s,
                                          const struct rtp_dependency_descriptor *d) {
  struct rtp_frame_marks m = {.frame_number = d->frame_number};
  if (!layer_filter_fits(s)) return m;
  m.layered = true;
  m.spatial_id = d->spatial_id;
  m.temporal_id = d->temporal_id;
  m.frame_end = d->frame_end;
  for (unsigned t = 0; t < s->target_count; t++)
    m.dti |= (uint32_t)(d->dti[t] & 3) << (2 * t);
  memcpy(m.chain_fdiffs, d->chain_fdiffs, sizeof m.chain_fdiffs);
  return m;
}

int layer_filter_target(const struct rtp_dependency_structure *s, uint8_t spatial, uint8_t temporal) {
  int best = -1;
  for (int t = 0; t < s->target_count && t < LAYER_FILTER_TARGETS; t++) {
    const uint8_t ts = s->target_spatial_id[t], tt = s->target_temporal_id[t];
    if (ts > spatial || tt > temporal || !(s->active_targets >> t & 1)) continue;
    bool better = best < 0 || ts > s->target_spatial_id[best] ||
                  (ts == s->target_spatial_id[best] && tt > s->target_temporal_id[best]);
    if (better) best = t;
  }
  return best;
}

/* Whether every frame of `inner` is one of `outer`, too: then it can be decoded from wherever `outer` is. */
static bool is_contained(const struct rtp_dependency_structure *s, int inner, int outer) {
  for (unsigned i = 0; i < s->template_count; i++) {
    const uint8_t *dti = s->templates[i].dti;
    if (dti[inner] != RTP_DTI_NOT_PRESENT && dti[outer] == RTP_DTI_NOT_PRESENT) return false;
  }
  return true;
}

/* Whether all that the target needs from a base frame on refers to nothing older than it, but for its chain. */
static bool begins_with_base(const struct rtp_dependency_structure *s, int target) {
  for (unsigned i = 0; i < s->template_count; i++) {
    const struct rtp_dependency_template *t = &s->templates[i];
    bool base = t->spatial_id == s->target_spatial_id[target] && t->temporal_id == 0;
    if (base && t->dti[target] != RTP_DTI_SWITCH) return false;
  }
  return true;
}

static void follow_chains(struct layer_filter *f, const struct rtp_dependency_structure *s,
                          const struct rtp_frame_marks *m) {
  for (unsigned c = 0; c < s->chain_count && c < LAYER_FILTER_CHAINS; c++) {
    if (m->chain_fdiffs[c] == 0)
      f->broken &= (uint8_t) ~(1U << c);
    else if (was_left_out(f, (uint16_t)(m->frame_number - m->chain_fdiffs[c])))
      f->broken |= (uint8_t)(1U << c);
  }
}

/* The first packet of a temporal unit: here, and only here, another target may begin. */
static void begin_unit(struct layer_filter *f, const struct rtp_dependency_structure *s,
                       const struct rtp_frame_marks *m, uint8_t temporal_max, bool keyframe) {
  /* The structure may be newer than the packet, and larger than the filter. */
  const int wanted = layer_filter_fits(s) ? layer_filter_target(s, f->spatial_max, temporal_max) : -1;
  if (wanted == f->target || wanted < 0) {
    f->stuck = false;
    return;
  }
  bool first = f->target < 0 || f->target >= s->target_count;
  bool intact = s->chain_count > 0 && !(f->broken >> s->target_chain[wanted] & 1);
  bool base = m->temporal_id == 0;
  if (keyframe || first || is_contained(s, wanted, f->target) || (intact && base && begins_with_base(s, wanted))) {
    f->target = (int8_t)wanted;
    f->stuck = false;
  } else if (base && !intact) {
    f->stuck = true;
  }
}

bool layer_filter_wants(struct layer_filter *f, const struct rtp_dependency_structure *s,
                        const struct rtp_frame_marks *m, uint32_t timestamp, uint8_t temporal_max, bool keyframe,
                        bool newest) {
  const int16_t ahead = (int16_t)(uint16_t)(m->frame_number - f->newest);
  if (f->begun && (!newest || ahead <= 0)) {
    bool known = ahead <= 0 && ahead > -LAYER_FILTER_FRAMES;
    if (f->target < 0 || (known && was_left_out(f, m->frame_number))) return false;
    return dti_of(m, f->target) != RTP_DTI_NOT_PRESENT;
  }
  /* Frames that did not come (yet) are not of our leaving out: they may come late. */
  for (int i = 1; f->begun && i < ahead && i < LAYER_FILTER_FRAMES; i++)
    note(f, (uint16_t)(f->newest + i), false);
  if (keyframe) f->broken = 0;
  if (f->begun) follow_chains(f, s, m);
  if (!f->begun || timestamp != f->timestamp) begin_unit(f, s, m, temporal_max, keyframe);
  f->begun = true;
  f->newest = m->frame_number;
  f->timestamp = timestamp;
  bool wanted = f->target >= 0 && dti_of(m, f->target) != RTP_DTI_NOT_PRESENT;
  note(f, m->frame_number, !wanted);
  return wanted;
}

bool layer_filter_ends(const struct layer_filter *f, const struct rtp_dependency_structure *s,
                       const struct rtp_frame_marks *m) {
  return m->frame_end && f->target >= 0 && f->target < s->target_count &&
         m->spatial_id >= s->target_spatial_id[f->target];
}
