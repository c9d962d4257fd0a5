/* rtp/dependency_descriptor.h: the dependency descriptor: which frames and decode targets need this frame.
 *
 * It lets the SFU choose layers without the payload (AV1, and any codec under end-to-end encryption). The template structure
 * arrives on key frames and explains all later descriptors, so each incoming stream keeps one
 * `struct rtp_dependency_structure` (about 6 KB, embed by value, zeroed before use) and feeds every descriptor through it in
 * order of arrival.
 *
 * Source: AV1 RTP specification 1.0, appendix A (the section numbers below are its). Nothing allocates.
 */
#ifndef RTP_DEPENDENCY_DESCRIPTOR_H
#define RTP_DEPENDENCY_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/error.h"

#define RTP_DD_MAX_TEMPLATES 64 /* A.8.2: six bits of template id                          */
#define RTP_DD_MAX_TARGETS   32 /* five bits of dt_cnt_minus_one                           */
#define RTP_DD_MAX_CHAINS    32 /* at most one chain a decode target                       */
#define RTP_DD_MAX_FDIFFS    16 /* ours: the specification has no limit, encoders use <= 8 */
#define RTP_DD_MAX_SPATIAL   4  /* as libaom's modes go up to L3; two bits on the wire     */
#define RTP_DD_MAX_TEMPORAL  8

/* A.8.1 decode target indication */
enum rtp_dti { RTP_DTI_NOT_PRESENT = 0, RTP_DTI_DISCARDABLE = 1, RTP_DTI_SWITCH = 2, RTP_DTI_REQUIRED = 3 };

struct rtp_dependency_template {
  uint8_t spatial_id, temporal_id;
  uint8_t fdiff_count;
  uint8_t dti[RTP_DD_MAX_TARGETS]; /* enum rtp_dti */
  uint8_t fdiffs[RTP_DD_MAX_FDIFFS];
  uint8_t chain_fdiffs[RTP_DD_MAX_CHAINS]; /* 0: this frame starts the chain */
};

struct rtp_dependency_structure {
  bool valid;
  uint8_t id_offset; /* template ids count from here, modulo 64 */
  uint8_t template_count, target_count, chain_count;
  uint8_t spatial_layers, temporal_layers;       /* highest id + 1 */
  uint8_t target_chain[RTP_DD_MAX_TARGETS];      /* which chain protects a decode target */
  uint8_t target_spatial_id[RTP_DD_MAX_TARGETS]; /* highest layers a decode target contains */
  uint8_t target_temporal_id[RTP_DD_MAX_TARGETS];
  bool has_resolutions;
  uint16_t width[RTP_DD_MAX_SPATIAL], height[RTP_DD_MAX_SPATIAL];
  uint32_t active_targets; /* bit n: decode target n is being sent; last value seen */
  struct rtp_dependency_template templates[RTP_DD_MAX_TEMPLATES];
};

/* One frame's descriptor, template already applied. */
struct rtp_dependency_descriptor {
  bool frame_start, frame_end; /* first, last packet of the frame                                */
  bool has_structure;          /* this descriptor brought a new structure: a key frame begins    */
  bool has_active_targets;     /* it said which targets are active                               */
  uint8_t template_id;
  uint16_t frame_number;
  uint32_t active_targets;
  uint8_t target_count, chain_count, fdiff_count;
  uint8_t spatial_id, temporal_id;
  uint8_t dti[RTP_DD_MAX_TARGETS];
  uint16_t fdiffs[RTP_DD_MAX_FDIFFS];      /* 1..4096 frame numbers back                         */
  uint8_t chain_fdiffs[RTP_DD_MAX_CHAINS]; /* frame numbers back to the chain's previous frame  */
  uint16_t width, height;                  /* of this spatial layer; 0: not told                 */
};

/* Reads one descriptor. A structure in it replaces *s, but only when the whole descriptor is sound.
 * Errors: SHORT, VALUE, TOO_MANY, NO_STRUCTURE (first key frame missed, or template outside the structure). */
int rtp_dependency_parse(struct rtp_dependency_structure *s, const uint8_t *data, size_t len,
                         struct rtp_dependency_descriptor *out);

/* Frame number without anything else: bytes 1 and 2, so that a forwarder can renumber in place. `len` must be >= 3, which
 * every parsed descriptor has. */
void rtp_dependency_patch_frame_number(uint8_t *data, uint16_t frame_number);

#endif
