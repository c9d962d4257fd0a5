/* Redundant audio (RFC 2198) made for one receiver: see rtp/outgoing_stream.h.
 *
 * The older frames come from the source's history: nothing is kept here. A receiver plays a frame from whichever packet brings it
 * first, so a single loss costs one packet's time instead of a round trip, and no sequence number is used twice.
 */
#include "rtp/outgoing_internal.h"

#define RED_HEADER     4 /* of an older block: RFC 2198 §3 */
#define RED_PRIMARY    1
#define DEFAULT_RTT_MS 100

void rtp_outgoing_stream_set_redundancy(struct rtp_outgoing_stream *s, uint8_t depth) {
  if (!s->red_payload) return;
  s->red_depth = depth < RTP_REDUNDANCY_MAX ? depth : RTP_REDUNDANCY_MAX;
}

bool rtp_outgoing_stream_carry(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us) {
  struct sent *sent = outgoing_sent(s, seq);
  if (!s->red_payload || !s->current || !sent->used || sent->seq != seq || sent->kind == SENT_FILLER) return false;
  if (sent->epoch != s->epoch_number || s->carried_count == RED_CARRIED) return false;
  uint32_t now_ms = (uint32_t)(now_us / 1000) | 1, rtt_ms = s->rtt_us ? (uint32_t)(s->rtt_us / 1000) : DEFAULT_RTT_MS;
  if (sent->resent_ms && (uint32_t)(now_ms - sent->resent_ms) <= rtt_ms) return false;
  if (s->highest_source - sent->source_seq < s->red_depth) return false; /* it goes with the next one anyway */
  sent->resent_ms = now_ms;
  s->carried[s->carried_count++] = sent->source_seq;
  return true;
}

/* Puts the older packet in front of `red`'s blocks if it fits there: after those that are older still. */
static void add(struct rtp_outgoing_stream *s, struct rtp_red *red, const struct rtp_media_packet *m,
                uint32_t source_seq, size_t *bytes, int64_t now_us) {
  if ((int32_t)(source_seq - s->first_source) < 0) return;
  const struct rtp_media_packet *old = rtp_incoming_stream_find(m->stream, source_seq, now_us);
  if (!old || old->format != s->red_inner || old->payload_len == 0 || old->payload_len > RTP_RED_MAX_LENGTH) return;
  uint32_t offset = m->timestamp - old->timestamp;
  if (offset == 0 || offset > RTP_RED_MAX_OFFSET) return;
  if (*bytes + RED_HEADER + old->payload_len > RTP_MEDIA_MAX_PAYLOAD) return;
  unsigned at = 0;
  for (; at < red->count && red->blocks[at].timestamp_offset >= offset; at++) {
    if (red->blocks[at].timestamp_offset == offset) return;
  }
  for (unsigned i = red->count; i > at; i--)
    red->blocks[i] = red->blocks[i - 1];
  red->blocks[at] = (struct rtp_red_block){.data = old->payload,
                                           .len = old->payload_len,
                                           .timestamp_offset = (uint16_t)offset,
                                           .payload_type = s->formats[s->red_inner].payload_type};
  red->count++;
  *bytes += RED_HEADER + old->payload_len;
}

__attribute__((noinline)) uint16_t outgoing_red_wrap(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m,
                                                     int64_t now_us) {
  if (m->format != s->red_inner || m->seq != s->highest_source) return 0;
  struct rtp_red red = {.count = 0};
  size_t bytes = RED_PRIMARY + (size_t)m->payload_len;
  for (unsigned i = 0; i < s->carried_count; i++)
    add(s, &red, m, s->carried[i], &bytes, now_us);
  s->carried_count = 0;
  for (uint32_t back = 1; back <= s->red_depth; back++)
    add(s, &red, m, m->seq - back, &bytes, now_us);
  if (red.count == 0) return 0;
  s->red_packets++;
  s->red_blocks += red.count;
  red.blocks[red.count++] = (struct rtp_red_block){
      .data = m->payload, .len = m->payload_len, .payload_type = s->formats[s->red_inner].payload_type};
  int len = rtp_red_write(s->red_payload, RTP_MEDIA_MAX_PAYLOAD, &red);
  return len > 0 ? (uint16_t)len : 0;
}
