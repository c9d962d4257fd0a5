/* rtp/outgoing_stream.h: one slot of one receiver: a fixed SSRC on which, one after the other, different sources flow.
 *
 * The receiver sees one continuous stream whatever happens behind it: sequence numbers without holes of our making,
 * timestamps that never go back, VP8 picture ids that count on, one SSRC, its own payload types and extension ids. Sources and
 * simulcast layers change make-before-break: the old one flows until the first packet of the new one's key frame (audio: at
 * once). Lost packets of the source leave a hole, so that the packet still fits when it comes late; if it turns out that it
 * is not wanted (padding, temporal layer), the hole is filled with a padding packet.
 *
 *   rtp_outgoing_stream_select(out, layer, now);            what shall flow; repeat on every change
 *   for each media packet of any layer of the track:        forward() itself tells which ones it wants
 *     if (rtp_outgoing_stream_forward(out, &media, now, header, &r) == RTP_DROP_NONE) seal(header, r.header_len, r.payload …)
 *   struct rtp_incoming_stream *ask = rtp_outgoing_stream_needs_keyframe(out);  after select, resume; then wish_keyframe(ask)
 *
 * Sources: RFC 3550 §5.1, §6.4; RFC 4588 §4; RFC 7741 §4.2; RFC 8285.
 * Memory:  one allocation at create (video about 24 KB, audio 6 KB), nothing per packet; forward() is O(1).
 */
#ifndef RTP_OUTGOING_STREAM_H
#define RTP_OUTGOING_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/drop_reason.h"
#include "rtp/incoming_stream.h"
#include "rtp/media_packet.h"
#include "rtp/rtcp.h"
#include "rtp/sender_clock.h"

/* Room for the largest header forward() writes. All headers of a slot have the same length (usually 36 to 60 bytes), except for
 * packets with a dependency descriptor or a capture time, which are longer by that. */
#define RTP_OUTGOING_HEADER_MAX 256
#define RTP_OUTGOING_MID_MAX    16
#define RTP_TEMPORAL_ALL        7
#define RTP_REDUNDANCY_MAX      2

struct rtp_outgoing_stream;

struct rtp_outgoing_config {
  uint32_t ssrc;
  uint32_t rtx_ssrc; /* 0: the receiver negotiated no RTX; NACKs are then not answered */
  bool video;
  bool two_byte;   /* extmap-allow-mixed (RFC 8285 §6): long dependency descriptors may be sent */
  const char *mid; /* NULL or "": none; at most RTP_OUTGOING_MID_MAX characters */
  const struct rtp_extension_map *extensions; /* the receiver's ids; copied; NULL: none */
  /* By the room's format number: what this receiver calls it. payload_type 0: not negotiated. */
  struct {
    uint8_t payload_type, rtx_payload_type;
  } formats[RTP_MAX_FORMATS];
  /* formats[red_format] is RED (RFC 2198) around formats[red_inner] (Opus), and the receiver takes it: older frames may be sent
   * again with newer ones (rtp_outgoing_stream_set_redundancy). Both equal: none. */
  uint8_t red_format, red_inner;
  /* Where to begin; random numbers (RFC 3550 §5.1), the caller has the generator. */
  uint16_t first_seq, first_rtx_seq;
  uint32_t first_timestamp;
};

/* Errors: RTP_ERROR_VALUE (payload type over 127, mid too long), RTP_ERROR_NO_SPACE without memory. */
int rtp_outgoing_stream_create(struct rtp_outgoing_stream **out, const struct rtp_outgoing_config *config);
void rtp_outgoing_stream_free(struct rtp_outgoing_stream *s); /* accepts NULL */

/* ---- what flows ---- */

/* From its next key frame (audio: next packet) `stream` flows here; until then whatever flows now goes on. Selecting what
 * already flows withdraws a pending switch. NULL: the slot becomes empty at once. */
void rtp_outgoing_stream_select(struct rtp_outgoing_stream *s, struct rtp_incoming_stream *stream);

/* Highest temporal layer to forward; RTP_TEMPORAL_ALL at first. Down: with the next frame. Up: at the next frame that allows
 * it (layer sync, switching point, key frame). */
void rtp_outgoing_stream_set_temporal(struct rtp_outgoing_stream *s, uint8_t max_temporal);

/* Highest spatial layer to forward of a stream that has several (rtp/layer_filter.h); all at first. Between two pictures, and at
 * once where what is left can be decoded without a key frame. Streams without such layers are not touched. */
void rtp_outgoing_stream_set_spatial(struct rtp_outgoing_stream *s, uint8_t max_spatial);
/* The one that flows; -1: nothing flows, or the stream has none. */
int rtp_outgoing_stream_spatial(const struct rtp_outgoing_stream *s);

/* Asks the receiver's jitter buffer for at least so much delay: room for retransmissions on a lossy link. It goes with every packet
 * whose source does not ask for something itself. 0 after another value gives the choice back. Without the negotiated extension
 * nothing happens. */
void rtp_outgoing_stream_set_playout_delay(struct rtp_outgoing_stream *s, uint16_t min_ms);

/* Audio: each packet repeats the frames of so many packets before it as RED, 0 to RTP_REDUNDANCY_MAX; 0 at first. Without `red_format`
 * nothing happens. A source that sends RED itself is passed on as it is. */
void rtp_outgoing_stream_set_redundancy(struct rtp_outgoing_stream *s, uint8_t depth);

/* Audio: the packet sent as `seq` is missing at the receiver, and there is no RTX to repeat it: its frame goes along with the next
 * packet, as RED, if that is not later than 341 ms (14 bits of timestamp offset). At most once a round trip. Returns whether. */
bool rtp_outgoing_stream_carry(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us);

/* Paused: nothing flows, the selection stays. Resuming video waits for a key frame. */
void rtp_outgoing_stream_pause(struct rtp_outgoing_stream *s, bool paused);

/* `stream` is about to be freed: no pointer to it stays here. Harmless when it was never selected. */
void rtp_outgoing_stream_forget(struct rtp_outgoing_stream *s, const struct rtp_incoming_stream *stream);

/* What flows now, and what shall flow (the pending selection, else the same); NULL for nothing. */
struct rtp_incoming_stream *rtp_outgoing_stream_current(const struct rtp_outgoing_stream *s);
struct rtp_incoming_stream *rtp_outgoing_stream_wanted(const struct rtp_outgoing_stream *s);
/* Whether packets of `stream` go out here, or would with its next key frame. */
bool rtp_outgoing_stream_uses(const struct rtp_outgoing_stream *s, const struct rtp_incoming_stream *stream);
/* Simulcast layer of the wanted stream, or its wanted spatial layer; -1 for nothing. */
int rtp_outgoing_stream_wanted_layer(const struct rtp_outgoing_stream *s);

/* The stream whose key frame this slot waits for, to begin with it or with a temporal layer that offers no other way in; NULL
 * when it waits for none. Ask now and then, after select and resume, and whenever forward()
 * says RTP_DROP_WAITING_KEYFRAME (a restarted source): wishes are merged, so one per packet does no harm. */
struct rtp_incoming_stream *rtp_outgoing_stream_needs_keyframe(const struct rtp_outgoing_stream *s);

/* The path to the receiver loses a lot: it may ask for key frames less often. */
void rtp_outgoing_stream_set_lossy(struct rtp_outgoing_stream *s, bool lossy);
/* The receiver sent PLI or FIR for this slot: the stream to ask, or NULL: nothing flows, or it asks too often. */
struct rtp_incoming_stream *rtp_outgoing_stream_receiver_wants_keyframe(struct rtp_outgoing_stream *s, int64_t now_us);

/* ---- the hot path ---- */

struct rtp_forward_result {
  const uint8_t *payload; /* media's payload, patched; or one static byte of padding for a filler; RED: the slot's
                             own memory, until the next forward() */
  uint16_t payload_len;
  uint16_t header_len;
  uint16_t seq;                 /* as sent */
  uint8_t transport_seq_offset; /* in the header: two bytes the sender fills per packet; 0: not negotiated */
  uint8_t
      abs_send_time_offset; /* three bytes, filled with now_us already; a pacer may refill them; 0: not negotiated */
  bool switched;            /* first packet of a newly selected stream */
  bool filler;              /* padding only, closes a hole */
};

/* A forward() to this slot comes soon: what it will need begins to come into the cache. First the one, and a while later, when that is
 * there, the other. */
void rtp_outgoing_stream_prefetch(const struct rtp_outgoing_stream *s);
void rtp_outgoing_stream_prefetch_places(const struct rtp_outgoing_stream *s);

/* Writes the header for this receiver into `header` (RTP_OUTGOING_HEADER_MAX bytes) and patches media's payload in place (the
 * same bytes for every receiver, so send or seal before forwarding to the next). RTP_DROP_NONE: *r is filled, send it.
 * Else *r is not written. Packets of streams this slot does not want cost one comparison (RTP_DROP_NOT_SELECTED). */
enum rtp_drop_reason rtp_outgoing_stream_forward(struct rtp_outgoing_stream *s, const struct rtp_media_packet *media,
                                                 int64_t now_us, uint8_t *header, struct rtp_forward_result *r);

/* The same for all packets of a moment: passed one by one, counted at the end. `bytes`: payloads', without fillers'. */
enum rtp_drop_reason rtp_outgoing_stream_pass(struct rtp_outgoing_stream *s, const struct rtp_media_packet *media,
                                              int64_t now_us, uint8_t *header, struct rtp_forward_result *r);
void rtp_outgoing_stream_count(struct rtp_outgoing_stream *s, uint32_t packets, uint32_t bytes, int64_t now_us);

/* ---- retransmission (RFC 4588) ---- */

/* Walks the sequence numbers of a NACK:
 *   rtp_outgoing_stream_nack(out, seqs, count, now, &it);
 *   while (rtp_rtx_next(&it, packet, sizeof packet, &r)) if (r.reason == RTP_DROP_NONE) send(packet, r.len);
 * `seqs` must stay until the walk is over; nothing else may happen to the slot or its sources meanwhile. */
struct rtp_rtx_iterator {
  struct rtp_outgoing_stream *stream;
  const uint16_t *seqs;
  size_t count, next;
  int64_t now_us;
};

struct rtp_rtx_result {
  enum rtp_drop_reason reason;                        /* not NONE: this number is not answered, and why */
  uint16_t nacked;                                    /* the number asked for    */
  uint16_t seq;                                       /* of the RTX packet       */
  uint16_t header_len, len;                           /* header; whole packet    */
  uint8_t transport_seq_offset, abs_send_time_offset; /* as in rtp_forward_result */
};

void rtp_outgoing_stream_nack(struct rtp_outgoing_stream *s, const uint16_t *seqs, size_t count, int64_t now_us,
                              struct rtp_rtx_iterator *it);

/* Handles one number: writes a whole RTX packet (header, OSN, payload rewritten as it was sent) into `packet`. RTX never takes
 * more than half of the slot's media rate, and no packet is resent twice within a round trip. False after the last number. */
bool rtp_rtx_next(struct rtp_rtx_iterator *it, uint8_t *packet, size_t cap, struct rtp_rtx_result *r);

/* Whether what was sent under this number belongs to a base temporal layer, and can be sent again. */
bool rtp_outgoing_stream_is_base(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us);

/* A padding packet on the RTX SSRC, for bandwidth probing: `padding` bytes (1..255) after the header; also before the first media
 * packet. Not charged to the RTX budget. Same result as above; reason NO_RTX when there is none. */
void rtp_outgoing_stream_probe(struct rtp_outgoing_stream *s, uint8_t padding, int64_t now_us, uint8_t *packet,
                               size_t cap, struct rtp_rtx_result *r);

/* Another kind of probe: what was sent as `seq`, as RTX, which may even be of use. Charged to the RTX budget. HISTORY_MISS,
 * RTX_TOO_SOON, RTX_BUDGET, … : take padding instead. */
void rtp_outgoing_stream_probe_media(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us, uint8_t *packet,
                                     size_t cap, struct rtp_rtx_result *r);

/* ---- packets that wait (rtp/pacer.h) ---- */

/* A packet that forward() numbered `seq`, but that was not sent, is written now, whole. Once per number: it will be sealed under
 * it. When the source's history has lost it a filler is written. NOT_SENT: that number is unknown (cut meanwhile). */
void rtp_outgoing_stream_deferred(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us, uint8_t *packet,
                                  size_t cap, struct rtp_rtx_result *r);

/* Everything numbered after `last_sent` was never sent and never will be: the numbers are free again, and the slot waits for a key
 * frame of what it wants. For a layer that has become too fast to be worth its queue. */
void rtp_outgoing_stream_cut(struct rtp_outgoing_stream *s, uint16_t last_sent);

/* ---- RTCP ---- */

/* Sender info for an SR about this slot: the source's time on our clock (`clock` of its publisher), translated to the slot's
 * timestamps, so that audio and video of one publisher stay in sync. False while nothing was sent, the source sent no SR, or its
 * last one is older than a pause of the slot. The receiver's answer gives the RTT. */
bool rtp_outgoing_stream_sender_report(struct rtp_outgoing_stream *s, const struct sender_clock *clock, int64_t now_us,
                                       struct rtcp_sender_info *out);

/* The receiver's report block about this slot. */
void rtp_outgoing_stream_receiver_report(struct rtp_outgoing_stream *s, const struct rtcp_report_block *block,
                                         int64_t now_us);

/* Round trip to the receiver from elsewhere (ICE, the peer's other streams); spaces retransmissions. 0 is ignored. */
void rtp_outgoing_stream_set_rtt(struct rtp_outgoing_stream *s, int64_t rtt_us);

/* For how long its receiver may ask for a packet: three tries at its round trip and jitter. 0: nothing is known of them yet. */
int64_t rtp_outgoing_stream_asks_us(const struct rtp_outgoing_stream *s);

uint32_t rtp_outgoing_stream_ssrc(const struct rtp_outgoing_stream *s);
uint32_t rtp_outgoing_stream_rtx_ssrc(const struct rtp_outgoing_stream *s);

struct rtp_outgoing_stats {
  uint64_t packets, bytes; /* media; payload bytes, as in SR */
  uint64_t rtx_packets, rtx_bytes, fillers, switches;
  uint64_t red_packets, red_blocks; /* packets made RED here; older frames in them */
  uint64_t bitrate_bps;             /* media payload over the last second */
  int64_t rtt_us;                   /* 0 unknown                          */
  int64_t jitter_us;                /* as the receiver reports            */
  int32_t lost;                     /* as the receiver reports            */
  uint8_t fraction_lost;            /* of 256                             */
  uint8_t temporal;                 /* highest temporal layer flowing     */
};

void rtp_outgoing_stream_stats(const struct rtp_outgoing_stream *s, int64_t now_us, struct rtp_outgoing_stats *out);

#endif
