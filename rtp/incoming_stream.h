/* rtp/incoming_stream.h: one SSRC of a publisher: a microphone, a camera, or one simulcast layer of it, with its RTX SSRC.
 *
 * Every packet goes in once and comes out, at most once, as a struct rtp_media_packet for the subscribers: counted, RTX
 * unwrapped, duplicates gone, codec descriptor read, kept in the history. Feedback towards the publisher is asked for by the
 * caller when rtp_incoming_stream_deadline() has come: NACKs, key-frame requests, report blocks.
 *
 * Sources: RFC 3550 §6.4, RFC 4585 §6.2.1, RFC 4588 §4 (RTX, SSRC multiplexing).
 * Memory:  allocated at create (the history is the bulk), nothing per packet. One loop, no locks.
 * Ownership: the caller owns the stream. Before freeing it call rtp_outgoing_stream_forget() on every slot that ever selected
 * it: slots keep pointers for retransmission.
 */
#ifndef RTP_INCOMING_STREAM_H
#define RTP_INCOMING_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/drop_reason.h"
#include "rtp/media_packet.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"

/* A payload type the publisher may send. */
struct rtp_incoming_format {
  uint8_t payload_type;
  uint8_t rtx_payload_type; /* 0: no RTX for it                         */
  uint8_t format;           /* room-wide number: rtp/media_packet.h     */
  enum rtp_codec codec;
};

struct rtp_incoming_config {
  uint32_t ssrc;
  uint32_t rtx_ssrc; /* 0: none, or not known yet (rtp_incoming_stream_set_rtx_ssrc)                     */
  bool video;
  bool nack;          /* the publisher negotiated generic NACK: gaps are asked for                        */
  bool opaque;        /* end-to-end encrypted: never look into payloads, trust the dependency descriptor  */
  uint8_t layer;      /* simulcast layer, 0 the smallest                                                  */
  const void *source; /* equal for all layers of one track (same clock): timestamps are aligned by NTP; only compared */
  size_t format_count;
  struct rtp_incoming_format formats[RTP_MAX_FORMATS];
  /* History limits; 0 takes the defaults: video 1024 packets, 512 KiB, 2 s; audio 128 packets, 32 KiB, 1 s. */
  size_t history_packets, history_bytes;
  int64_t history_us;
};

/* Errors: RTP_ERROR_VALUE for a config that cannot work (payload type over 127 or used twice, codec of the wrong kind or NONE,
 * format number out of range, too many formats); RTP_ERROR_NO_SPACE without memory. */
int rtp_incoming_stream_create(struct rtp_incoming_stream **out, const struct rtp_incoming_config *config);
void rtp_incoming_stream_free(struct rtp_incoming_stream *s); /* accepts NULL */

/* The RTX SSRC became known (repaired-rid, RFC 8852). */
void rtp_incoming_stream_set_rtx_ssrc(struct rtp_incoming_stream *s, uint32_t rtx_ssrc);

/* One packet of the stream's SSRC or RTX SSRC (the caller demultiplexes). `x`: its header extensions, NULL for none.
 * RTP_DROP_NONE: *out goes to every subscriber's forward(). That holds too for packets whose content is refused (padding-only,
 * unknown payload type, bad payload, oversized): they took a sequence number, and forward() closes the hole, or the receiver
 * would ask for it for ever; out->hole says why. Anything else: counted by the caller, done. */
enum rtp_drop_reason rtp_incoming_stream_receive(struct rtp_incoming_stream *s, const struct rtp_packet *p,
                                                 const struct rtp_extension_values *x, int64_t now_us,
                                                 struct rtp_media_packet *out);

/* A packet of the stream's SSRC that was not authenticated, because nobody receives the stream and only samples of it are: counted
 * from its header, so that reports and rates stay right. False: its number is far from the authentic ones; nothing happened. Nothing is
 * asked for again, and nothing can be sent from the history, before authentic packets come. */
bool rtp_incoming_stream_note_unopened(struct rtp_incoming_stream *s, const struct rtp_packet *p, int64_t now_us);

/* ---- RTCP ---- */

void rtp_incoming_stream_sender_report(struct rtp_incoming_stream *s, const struct rtcp_sender_info *info,
                                       int64_t now_us);

/* A block for our receiver report; false before the first packet. Starts the next interval. */
bool rtp_incoming_stream_report_block(struct rtp_incoming_stream *s, int64_t now_us, struct rtcp_report_block *out);

/* Round trip to the publisher: spaces NACKs and key-frame requests. */
void rtp_incoming_stream_set_rtt(struct rtp_incoming_stream *s, int64_t rtt_us);

/* Sequence numbers to NACK now (at most `max`); 0 when none is due. */
size_t rtp_incoming_stream_nack(struct rtp_incoming_stream *s, uint16_t *seqs, size_t max, int64_t now_us);

/* A slot or receiver needs a key frame. Merged and limited: rtp/keyframe_requests.h. Nothing happens for audio. */
void rtp_incoming_stream_wish_keyframe(struct rtp_incoming_stream *s, int64_t now_us);

/* Nobody subscribes any more: outstanding wishes are void. */
void rtp_incoming_stream_cancel_keyframe(struct rtp_incoming_stream *s);

/* True: send one PLI (or FIR) now. */
bool rtp_incoming_stream_keyframe_due(struct rtp_incoming_stream *s, int64_t now_us);

/* The earliest instant at which nack() or keyframe_due() has something; INT64_MAX for none. */
int64_t rtp_incoming_stream_deadline(const struct rtp_incoming_stream *s);

/* ---- what others ask about it ---- */

uint32_t rtp_incoming_stream_ssrc(const struct rtp_incoming_stream *s);
uint32_t rtp_incoming_stream_rtx_ssrc(const struct rtp_incoming_stream *s);
uint8_t rtp_incoming_stream_layer(const struct rtp_incoming_stream *s);
const void *rtp_incoming_stream_source(const struct rtp_incoming_stream *s);
bool rtp_incoming_stream_is_video(const struct rtp_incoming_stream *s);

/* A stored packet, for retransmission. Valid until the next receive(). NULL: not there (any more). */
const struct rtp_media_packet *rtp_incoming_stream_find(const struct rtp_incoming_stream *s, uint32_t seq,
                                                        int64_t now_us);

/* How long its packets may be asked for: the most of rtp_outgoing_stream_asks_us() of all who receive it, 0 when that is not known of
 * one of them. Brought between 100 and 600 ms; 300 when unknown, as at first. */
void rtp_incoming_stream_keep(struct rtp_incoming_stream *s, int64_t us);

/* A receiver's pacer lets what came last wait, for about so long: it takes it from here when its turn has come. */
void rtp_incoming_stream_expect(struct rtp_incoming_stream *s, int64_t age_us);

/* Highest extended sequence number received; 0 before the first packet. */
uint32_t rtp_incoming_stream_highest(const struct rtp_incoming_stream *s);

/* The sender report's line: NTP time of an RTP timestamp and back, at the nominal clock rate. False before the first SR. */
bool rtp_incoming_stream_ntp_of(const struct rtp_incoming_stream *s, uint32_t timestamp, uint64_t *ntp);
bool rtp_incoming_stream_timestamp_of(const struct rtp_incoming_stream *s, uint64_t ntp, uint32_t *timestamp);

/* The same line at an instant of our clock (the report's arrival plus the time since): what a translated SR says. */
bool rtp_incoming_stream_sr_at(const struct rtp_incoming_stream *s, int64_t now_us, uint64_t *ntp, uint32_t *timestamp);

/* Whether the last report came at `since_us` or later. */
bool rtp_incoming_stream_sr_since(const struct rtp_incoming_stream *s, int64_t since_us);

/* It begins again after a silence, and its packets do not come evenly yet: see rtp_receive_statistics_settling(). */
bool rtp_incoming_stream_settling(const struct rtp_incoming_stream *s);

uint32_t rtp_incoming_stream_clock_hz(const struct rtp_incoming_stream *s);
/* Timestamp distance between frames (video) or packets (audio), smoothed; a nominal one until known. */
uint32_t rtp_incoming_stream_frame_step(const struct rtp_incoming_stream *s);

struct rtp_incoming_stats {
  uint64_t packets, bytes, retransmitted, duplicates, padding_only, unopened, keyframes, frames, nacks_sent,
      nacks_recovered, keyframes_asked;
  uint64_t bitrate_bps;   /* over the last second */
  int64_t last_packet_us; /* -1 before the first */
  int64_t jitter_us;
  int32_t lost;
  uint8_t fraction_lost;   /* of 256, last report block                          */
  uint16_t width, height;  /* of the last key frame that told; 0 unknown         */
  uint8_t temporal_layers; /* highest temporal id seen lately, + 1               */
  uint8_t fps;             /* frames in the last full second                     */
  uint8_t codec;           /* enum rtp_codec of the last media packet            */
};

void rtp_incoming_stream_stats(const struct rtp_incoming_stream *s, int64_t now_us, struct rtp_incoming_stats *out);

/* The spatial layers within the stream (SVC, told by the dependency descriptor), smallest first. */
struct rtp_spatial_layer {
  bool sent;              /* the publisher sends it at present               */
  uint16_t width, height; /* 0: not told                                     */
  uint64_t bitrate_bps;   /* all that a receiver of this picture is sent     */
  uint64_t bytes;         /* likewise, since the beginning                   */
};

/* Returns how many; below 2 the stream has no such layers, and *out is not written. */
size_t rtp_incoming_stream_spatial(const struct rtp_incoming_stream *s, int64_t now_us,
                                   struct rtp_spatial_layer out[RTP_DD_MAX_SPATIAL]);

/* What the newest key frame's descriptor said; not valid before one came. For slots. */
const struct rtp_dependency_structure *rtp_incoming_stream_structure(const struct rtp_incoming_stream *s);

/* Whether packets came lately (video: 1.5 s, so that a paused layer is noticed; audio: 5 s, for DTX). */
bool rtp_incoming_stream_is_live(const struct rtp_incoming_stream *s, int64_t now_us);

/* A stream that is not live: what it kept for retransmission is of no use any more, and its memory is given back. */
void rtp_incoming_stream_rest(struct rtp_incoming_stream *s);

#endif
