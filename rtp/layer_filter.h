/* rtp/layer_filter.h: which frames of a scalable stream (SVC) one receiver gets, by the dependency descriptor.
 *
 * A stream with spatial layers carries several pictures of one moment (a temporal unit), the larger ones predicted from the
 * smaller ones: always (L3T3), or only in key frames (L3T3_KEY). The publisher's descriptor names decode targets, says of every
 * frame which of them need it, and links the frames that each needs without exception by chains. A receiver gets one target;
 * its change takes effect between two temporal units, and only to a target that can be decoded from there on: one that is
 * contained in what flows, or whose chain has lost nothing here and begins anew with base frames. Anything else waits for a
 * key frame.
 *
 * Source: AV1 RTP specification 1.0, A.8.1, A.8.2; appendix A.4 on chains. No memory beyond the structure, no time.
 */
#ifndef RTP_LAYER_FILTER_H
#define RTP_LAYER_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/dependency_descriptor.h"

#define LAYER_FILTER_TARGETS 16 /* ours: L4T4; streams with more pass as they are */
#define LAYER_FILTER_CHAINS  4
#define LAYER_FILTER_FRAMES  256 /* the furthest that a chain's difference reaches */

/* What a packet's descriptor says that the filter needs; 16 bytes that travel with the packet. */
struct rtp_frame_marks {
  uint32_t dti; /* two bits a decode target, the lowest bits for target 0: enum rtp_dti */
  uint16_t frame_number;
  uint8_t chain_fdiffs[LAYER_FILTER_CHAINS];
  uint8_t spatial_id, temporal_id;
  bool layered;   /* the stream has several spatial layers: the rest is meaningful */
  bool frame_end; /* last packet of this layer's frame */
};

struct layer_filter {
  uint8_t spatial_max; /* wanted; RTP_DD_MAX_SPATIAL - 1 at first */
  int8_t target;       /* decode target that flows; -1: none yet  */
  uint8_t broken;      /* bit n: a frame of chain n was left out  */
  bool stuck;          /* what is wanted needs a key frame        */
  bool begun;
  uint16_t newest;                             /* frame number */
  uint32_t timestamp;                          /* of the newest temporal unit */
  uint64_t left_out[LAYER_FILTER_FRAMES / 64]; /* by frame number, of the last ones */
};

/* Whether the stream has several spatial layers, and not more targets and chains than the filter knows. */
bool layer_filter_fits(const struct rtp_dependency_structure *s);

void layer_filter_init(struct layer_filter *f);

/* What a parsed descriptor amounts to. Not layered when the structure has one spatial layer, or is larger than the filter. */
struct rtp_frame_marks layer_filter_marks(const struct rtp_dependency_structure *s,
                                          const struct rtp_dependency_descriptor *d);

/* The decode target with the highest layers up to these among those that are sent; -1: none. */
int layer_filter_target(const struct rtp_dependency_structure *s, uint8_t spatial, uint8_t temporal);

/* A new stretch of a stream begins with the next packet, which begins a key frame. */
void layer_filter_begin(struct layer_filter *f);

/* Whether a packet goes to the receiver. `newest`: its sequence number is the highest so far; a late one follows what was decided
 * for its frame. `keyframe`: a decoder may begin with it. `temporal_max` as wanted. */
bool layer_filter_wants(struct layer_filter *f, const struct rtp_dependency_structure *s,
                        const struct rtp_frame_marks *m, uint32_t timestamp, uint8_t temporal_max, bool keyframe,
                        bool newest);

/* Whether this packet, which goes, is the last of the largest picture that the receiver gets of this moment: it carries the
 * marker, as the packets that would have carried it do not come. */
bool layer_filter_ends(const struct layer_filter *f, const struct rtp_dependency_structure *s,
                       const struct rtp_frame_marks *m);

#endif
