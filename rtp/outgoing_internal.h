/* rtp/outgoing_internal.h: the layout of struct rtp_outgoing_stream and what its source files share:
 *
 *   outgoing_stream.c   life, selection, RTCP
 *   outgoing_forward.c  the hot path: sequence map, layer filter, switch
 *   outgoing_picture.c  picture ids
 *   outgoing_header.c   the RTP header
 *   outgoing_rtx.c      retransmission
 *   outgoing_red.c      redundant audio
 */
#ifndef RTP_OUTGOING_INTERNAL_H
#define RTP_OUTGOING_INTERNAL_H

#include <endian.h>
#include <string.h>

#include "rtp/keyframe_requests.h"
#include "rtp/outgoing_stream.h"
#include "rtp/rate_window.h"

/* ---- picture ids (RFC 7741 §4.2) ---- */

#define PICTURE_RING 128 /* four seconds at 30 frames a second; a power of two */

/* Source picture id → ours. Pictures that were dropped in order leave no gap in ours; pictures not seen yet have their number
 * reserved, for they may come late. */
struct picture_map {
  bool started;                /* within this epoch */
  uint32_t highest;            /* source, extended  */
  uint32_t offset;             /* ours = source - offset, for the newest */
  uint16_t last;               /* ours, newest forwarded; survives epochs */
  uint32_t ring[PICTURE_RING]; /* source id << 16 | dropped << 15 | ours */
};

/* A new epoch: the next picture gets our next number. */
void picture_map_begin(struct picture_map *p);

/* Our number for the picture `id` of `bits` bits. `unwanted` decides for a picture seen the first time, whether it is left out;
 * later packets of it follow that decision. False: left out. */
bool picture_map_place(struct picture_map *p, uint16_t id, uint8_t bits, bool unwanted, uint16_t *ours);

/* ---- header ---- */

#define TEMPLATE_MAX   96
#define TEMPLATE_USUAL 64 /* longer ones have a long mid */

/* A header as it goes out, but for sequence number and marker: payload type and timestamp are those of the newest frame. */
struct header_template {
  uint8_t len;
  bool two_byte;
  uint8_t transport_seq, abs_send_time;            /* offsets of values, 0: none            */
  uint8_t audio_level, orientation, playout_delay; /* offsets of elements' headers, 0: none */
  uint8_t bytes[TEMPLATE_MAX];
};

struct header_fields {
  uint32_t ssrc, timestamp;
  uint16_t seq;
  uint8_t payload_type;
  bool marker, padding;
  uint16_t frame_number; /* ours, for the dependency descriptor */
};

struct header_place {
  uint16_t len;
  uint8_t transport_seq, abs_send_time;
};

/* From now on headers have this payload type and timestamp. */
static inline void outgoing_header_frame(struct header_template *t, uint8_t payload_type, uint32_t timestamp) {
  t->bytes[1] = payload_type;
  timestamp = htobe32(timestamp);
  memcpy(t->bytes + 4, &timestamp, sizeof timestamp);
}

/* A whole header without optional elements: a copy of fixed size, two stores. */
static inline void outgoing_header_put(uint8_t *header, const struct header_template *t, bool marker, uint16_t seq) {
  memcpy(header, t->bytes, TEMPLATE_USUAL);
  if (__builtin_expect(t->len > TEMPLATE_USUAL, 0))
    memcpy(header + TEMPLATE_USUAL, t->bytes + TEMPLATE_USUAL, TEMPLATE_MAX - TEMPLATE_USUAL);
  header[1] = (uint8_t)(header[1] | marker << 7);
  seq = htobe16(seq);
  memcpy(header + 2, &seq, sizeof seq);
}

/* The playout delay that every header carries from now on. */
void outgoing_header_playout(struct rtp_outgoing_stream *s, struct rtp_playout_delay delay);

void outgoing_header_prepare(struct rtp_outgoing_stream *s, const struct rtp_outgoing_config *c);

/* Writes at most RTP_OUTGOING_HEADER_MAX bytes. `m` gives the per-packet extensions; NULL for padding. */
struct header_place outgoing_header_write(const struct rtp_outgoing_stream *s, const struct header_fields *f,
                                          const struct rtp_media_packet *m, int64_t now_us, uint8_t *header);

/* ---- the stream ---- */

/* Packets whose mapping is remembered, powers of two: at first, and at most. The window grows, in place, when it would forget what is
 * younger than OUTGOING_WINDOW_US: longer than sources keep their packets. What it does not use of its memory is never touched. */
#define VIDEO_WINDOW_FIRST 128
#define VIDEO_WINDOW       1024
#define AUDIO_WINDOW_FIRST 64
#define AUDIO_WINDOW       64 /* of 10 ms or more each; RED looks back 341 ms */
#define OUTGOING_WINDOW_US 700000
#define EPOCHS             8
#define RED_CARRIED        4 /* missing frames that may wait for the next packet */

/* One stretch of one source flowing here. Remembered for retransmission across switches. */
struct epoch {
  struct rtp_incoming_stream *stream; /* NULL: gone */
  uint32_t timestamp_offset;          /* ours = source's - this */
  uint32_t drift;                     /* how much later than the ideal place this epoch's timestamps lie */
  uint16_t frame_number_offset;       /* dependency descriptor */
  uint8_t tl0_offset;
};

/* SENT_LAST: with a marker of ours, because the larger pictures that would have had it are left out. */
enum sent_kind { SENT_MEDIA, SENT_FILLER, SENT_LAST };

/* One of our sequence numbers: what was sent under it. */
struct sent {
  uint32_t source_seq;
  uint32_t resent_ms; /* last retransmission; 0: never */
  uint16_t seq;
  uint16_t picture_id;
  uint8_t tl0picidx;
  uint8_t epoch; /* number of it, modulo 256 */
  bool used;
  uint8_t kind; /* enum sent_kind */
};

/* A place in the window: what was sent under a number of ours, and the state of a number of the source's. They share no more. */
struct window_place {
  struct sent sent;
  uint32_t map;
};

/* State of a source sequence number in the window, upper half of a map word; the lower half is our number. */
#define MAP_MISSING              0U /* reserved */
#define MAP_SENT                 1U
#define MAP_CLOSED               2U /* left out, no number of ours */

/* libwebrtc's third temporal layer of VP8 never sets Y, because its frames refer to the second layer, too: after so many frames
 * only a key frame lets it in. */
#define OUTGOING_SHUT_OUT_FRAMES 8

#define LIKE_NOTHING             1 /* no packet has it: rtp_media_packet.alike has its highest bit, or is 0 */

struct rtp_outgoing_stream {
  /* What the second and every later packet of a frame touches: as few lines as can be, a hundred receivers share a cache. */
  struct rtp_incoming_stream *current;
  uint64_t alike; /* of the newest packet (media_packet.h); LIKE_NOTHING: the next one must be looked at by itself */
  struct sent frame_sent;            /* what is remembered of it              */
  uint32_t highest_source;           /* extended; of this epoch               */
  uint32_t seq_offset;               /* ours = source - this                  */
  uint32_t highest_out;              /* extended                              */
  uint32_t window_mask, window_most; /* as it is, as it may become */
  uint32_t frame_timestamp;          /* source's, newest packet: where a frame begins */
  uint32_t ssrc;
  int64_t last_arrival_us;
  uint64_t packets, bytes;
  struct rtp_rate_window rate;
  struct header_template templates[2]; /* one-byte and two-byte form */
  /* What every first one touches. */
  struct rtp_incoming_stream *target;
  int64_t lap_began_us;    /* when our numbers were last at the window's beginning */
  uint32_t first_source;   /* extended; of this epoch */
  uint32_t last_timestamp; /* ours, newest packet     */
  bool video, paused, started, allow_two_byte, frame_unwanted;
  bool interrupted;        /* paused or cut: the next epoch makes what was sent before useless */
  int64_t reports_from_us; /* the source's reports from before that say nothing of its timestamps now */
  uint16_t repair_from;
  uint8_t epoch_number;
  uint8_t temporal_max, temporal_now;
  uint8_t shut_out; /* frames between the two, none of which offered a way in */
  uint8_t last_payload_type, last_tl0;
  uint16_t last_frame_number; /* dependency descriptor, ours */
  uint16_t playout_min_ms;
  uint8_t dependency_id, capture_id, level_id, orientation_id, playout_id;
  struct epoch epochs[EPOCHS];
  uint32_t rtx_ssrc;
  struct {
    uint8_t payload_type, rtx_payload_type;
  } formats[RTP_MAX_FORMATS];
  uint64_t fillers, switches;
  /* redundancy */
  uint8_t red_format, red_inner, red_depth, carried_count;
  uint32_t carried[RED_CARRIED]; /* source numbers, this epoch's */
  uint64_t red_packets, red_blocks;
  uint8_t *red_payload; /* RTP_MEDIA_MAX_PAYLOAD bytes; NULL: no RED */
  /* retransmission */
  int64_t budget_bytes;
  uint64_t budget_counted; /* media bytes that are in the budget already */
  uint64_t rtx_packets, rtx_bytes;
  uint16_t rtx_seq;
  /* RTCP */
  int64_t rtt_us, jitter_us;
  int32_t lost;
  uint8_t fraction_lost, report_next;
  struct {
    uint32_t ntp_middle;
    int64_t sent_us;
  } reports[8];
  uint32_t clock_hz;
  struct keyframe_limiter limiter;
  struct picture_map pictures;
  struct layer_filter layers; /* of streams with spatial layers */
  struct window_place window[];
};

/* ---- redundancy ---- */

/* Wraps the newest packet and what shall go with it into s->red_payload. Returns the length; 0: it goes as it is. */
uint16_t outgoing_red_wrap(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m, int64_t now_us);

/* Doubles the window. */
void outgoing_grow_window(struct rtp_outgoing_stream *s);

static inline struct sent *outgoing_sent(struct rtp_outgoing_stream *s, uint32_t ours) {
  return &s->window[ours & s->window_mask].sent;
}

static inline struct epoch *outgoing_epoch(struct rtp_outgoing_stream *s) {
  return &s->epochs[s->epoch_number % EPOCHS];
}

#endif
