/* bench/load/media_receiver.c: see the header. */
#include "bench/load/media_receiver.h"

#include <stdlib.h>
#include <string.h>

#include "bench/load/media_payload.h"
#include "rtp/extension.h"
#include "rtp/nack_requester.h"
#include "rtp/packet.h"
#include "rtp/receive_statistics.h"
#include "rtp/transport_feedback.h"

#define KEYFRAME_PATIENCE_US 1000000 /* packets come, but no whole key frame: ask, as a decoder would */
#define KEYFRAME_PACKETS     1024

struct slot {
  uint32_t ssrc, rtx_ssrc;
  unsigned mid;
  bool video, assigned, opening; /* opening: payloads are decrypted */
  bool pli_wanted;
  uint64_t packets, packets_marked;
  struct sequence_tracker tracker;
  struct rtp_receive_statistics statistics;
  struct nack_requester *nack; /* from the first gap on: most slots never need its 12 KiB */
  /* the first key frame */
  bool whole;
  uint32_t key_frame;
  unsigned key_have;
  uint64_t *key_seen; /* a bit for each of its packets */
  int64_t first_packet_us, pli_us, assigned_us;
};

struct media_receiver {
  struct load_counters *counters;
  bool sampled;
  int64_t first_media_us;
  int64_t nack_due_us; /* the earliest of all slots */
  size_t count, last;
  struct transport_feedback_recorder recorder;
  struct slot slots[];
};

int media_receiver_create(struct media_receiver **out, const struct answer_slot *slots, size_t count, bool sampled,
                          struct load_counters *counters) {
  struct media_receiver *r = calloc(1, sizeof *r + count * sizeof(struct slot));
  if (!r) return -1;
  r->counters = counters;
  r->sampled = sampled;
  r->count = count;
  r->nack_due_us = INT64_MAX;
  transport_feedback_recorder_init(&r->recorder);
  for (size_t i = 0; i < count; i++) {
    r->slots[i] = (struct slot){.ssrc = slots[i].ssrc,
                                .rtx_ssrc = slots[i].rtx_ssrc,
                                .mid = slots[i].mid,
                                .video = slots[i].video,
                                .opening = true};
    rtp_receive_statistics_init(&r->slots[i].statistics, slots[i].video ? 90000 : 48000);
  }
  *out = r;
  return 0;
}

void media_receiver_free(struct media_receiver *r) {
  if (!r) return;
  for (size_t i = 0; i < r->count; i++) {
    free(r->slots[i].nack);
    free(r->slots[i].key_seen);
  }
  free(r);
}

bool media_receiver_has_video(const struct media_receiver *r) {
  for (size_t i = 0; i < r->count; i++)
    if (r->slots[i].video) return true;
  return false;
}

int64_t media_receiver_first_media_us(const struct media_receiver *r) {
  return r->first_media_us;
}

/* ---- receiving ---- */

/* What the clear header says. rtp/packet.h would also look at the padding, which is still encrypted here. */
struct clear_header {
  uint32_t ssrc, timestamp;
  uint16_t seq, transport_seq;
  bool has_transport_seq;
};

static bool read_header(struct clear_header *h, const uint8_t *p, size_t len) {
  if (len < RTP_HEADER_SIZE || p[0] >> 6 != 2) return false;
  *h = (struct clear_header){.seq = (uint16_t)(p[2] << 8 | p[3]),
                             .timestamp = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7],
                             .ssrc = (uint32_t)p[8] << 24 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 8 | p[11]};
  if (!(p[0] & 0x10)) return true;
  size_t at = RTP_HEADER_SIZE + 4U * (p[0] & 0x0f);
  if (len < at + 4) return false;
  unsigned profile = (unsigned)p[at] << 8 | p[at + 1];
  struct rtp_element_iterator it = {.at = p + at + 4, .two_byte = profile != 0xBEDE};
  it.end = it.at + (size_t)4 * ((size_t)p[at + 2] << 8 | p[at + 3]);
  if (it.end > p + len) return false;
  struct rtp_element element;
  while (rtp_element_next(&it, &element)) {
    if (element.id != LOAD_EXT_TRANSPORT_SEQ || element.len != RTP_TRANSPORT_SEQUENCE_SIZE) continue;
    h->has_transport_seq = true;
    h->transport_seq = (uint16_t)(element.data[0] << 8 | element.data[1]);
    break;
  }
  return true;
}

static struct slot *find_slot(struct media_receiver *r, uint32_t ssrc) {
  if (r->last < r->count && (r->slots[r->last].ssrc == ssrc || r->slots[r->last].rtx_ssrc == ssrc))
    return &r->slots[r->last];
  for (size_t i = 0; i < r->count; i++) {
    if (r->slots[i].ssrc != ssrc && r->slots[i].rtx_ssrc != ssrc) continue;
    r->last = i;
    return &r->slots[i];
  }
  return NULL;
}

/* Notes one packet of a key frame; the slot is done when the last one of it is there. */
static void note_keyframe(struct media_receiver *r, struct slot *slot, const struct media_stamp *stamp,
                          int64_t arrival_us) {
  if (!stamp->key || stamp->count == 0 || stamp->count > KEYFRAME_PACKETS || stamp->packet >= stamp->count) return;
  if (!slot->key_seen) slot->key_seen = calloc(KEYFRAME_PACKETS / 64, sizeof *slot->key_seen);
  if (!slot->key_seen) return;
  if (slot->key_have == 0 || slot->key_frame != stamp->frame) {
    memset(slot->key_seen, 0, KEYFRAME_PACKETS / 64 * sizeof *slot->key_seen);
    slot->key_frame = stamp->frame;
    slot->key_have = 0;
  }
  uint64_t bit = UINT64_C(1) << (stamp->packet % 64);
  if (slot->key_seen[stamp->packet / 64] & bit) return;
  slot->key_seen[stamp->packet / 64] |= bit;
  if (++slot->key_have < stamp->count) return;
  slot->whole = true;
  if (!r->first_media_us) r->first_media_us = arrival_us;
  free(slot->key_seen);
  slot->key_seen = NULL;
}

static void read_payload(struct media_receiver *r, struct slot *slot, const uint8_t *payload, size_t len, bool rtx,
                         int64_t arrival_us) {
  struct media_stamp stamp;
  if (!media_read_stamp(payload, len, slot->video, &stamp)) {
    r->counters->foreign_payload++;
    return;
  }
  if (slot->video && !slot->whole) note_keyframe(r, slot, &stamp, arrival_us);
  if (!slot->video && !slot->whole) {
    slot->whole = true;
    if (!r->first_media_us && !media_receiver_has_video(r)) r->first_media_us = arrival_us;
  }
  if (!r->sampled || rtx) return;
  r->counters->sampled++;
  histogram_add(&r->counters->latency_us, arrival_us - stamp.intended_us);
}

/* Decrypts in place and reads what is inside. False when it does not authenticate. */
static bool open_packet(struct media_receiver *r, struct slot *slot, struct srtp_session *srtp,
                        const struct media_arrival *a, bool rtx, uint16_t *original) {
  int len = srtp_session_open_rtp(srtp, a->data, a->len);
  struct rtp_packet packet;
  if (len < 0 || rtp_packet_parse(&packet, a->data, (size_t)len)) {
    if (len != SRTP_REPLAYED) r->counters->open_failures++;
    return false;
  }
  if (packet.payload_len == 0) return true; /* a probe */
  size_t skip = 0;
  if (rtx) {
    if (packet.payload_len < 2) return false;
    *original = (uint16_t)(packet.payload[0] << 8 | packet.payload[1]);
    skip = 2;
  }
  read_payload(r, slot, packet.payload + skip, packet.payload_len - skip, rtx, a->arrival_us);
  return true;
}

static void begin_nack(struct slot *slot, uint16_t before, int64_t now_us) {
  slot->nack = malloc(sizeof *slot->nack);
  if (!slot->nack) return;
  nack_requester_init(slot->nack, 0);
  nack_requester_packet(slot->nack, before, false, now_us);
}

static void note_sequence(struct media_receiver *r, struct slot *slot, uint16_t seq, bool rtx, int64_t now_us) {
  bool started = slot->tracker.started;
  uint16_t before = (uint16_t)slot->tracker.highest;
  enum sequence_verdict verdict = sequence_tracker_receive(&slot->tracker, seq, rtx);
  if (!slot->video || !slot->rtx_ssrc) return;
  if (!slot->nack && started && verdict == SEQUENCE_NEW && (uint16_t)(seq - before) > 1)
    begin_nack(slot, before, now_us);
  if (!slot->nack || verdict == SEQUENCE_TOO_OLD) return;
  if (nack_requester_packet(slot->nack, seq, false, now_us) == NACK_NEED_KEYFRAME) slot->pli_wanted = true;
  int64_t due_us = nack_requester_deadline(slot->nack);
  if (due_us < r->nack_due_us) r->nack_due_us = due_us;
}

int64_t media_receiver_nack_deadline(const struct media_receiver *r) {
  return r->nack_due_us;
}

void media_receiver_rtp(struct media_receiver *r, struct srtp_session *srtp, const struct media_arrival *a) {
  struct load_counters *counters = r->counters;
  struct clear_header h;
  if (!read_header(&h, a->data, a->len)) {
    counters->foreign_payload++;
    return;
  }
  struct slot *slot = find_slot(r, h.ssrc);
  if (!slot) {
    counters->unknown_ssrc++;
    return;
  }
  if (h.has_transport_seq) transport_feedback_arrived(&r->recorder, h.transport_seq, a->arrival_us);
  if (!slot->first_packet_us) slot->first_packet_us = a->now_us;
  slot->packets++;
  uint16_t original = 0;
  if (h.ssrc == slot->rtx_ssrc) {
    counters->rtx_in++;
    if (open_packet(r, slot, srtp, a, true, &original)) note_sequence(r, slot, original, true, a->now_us);
    return;
  }
  counters->rtp_in++;
  counters->rtp_in_bytes += a->len;
  if (slot->video)
    counters->video_in++;
  else
    counters->audio_in++;
  uint32_t extended;
  rtp_receive_statistics_packet(&slot->statistics, h.seq, h.timestamp, (uint32_t)a->len, a->arrival_us, &extended);
  note_sequence(r, slot, h.seq, false, a->now_us);
  if (!slot->opening) return;
  open_packet(r, slot, srtp, a, false, &original);
  if (slot->whole && !r->sampled) slot->opening = false; /* for good: the roll-over counter is lost from here on */
}

/* ---- feedback ---- */

void media_receiver_sender_report(struct media_receiver *r, uint32_t ssrc, const struct rtcp_sender_info *info,
                                  int64_t now_us) {
  struct slot *slot = find_slot(r, ssrc);
  if (slot) rtp_receive_statistics_sender_report(&slot->statistics, info->ntp, info->rtp_timestamp, now_us);
}

size_t media_receiver_transport_feedback(struct media_receiver *r, uint32_t own_ssrc, uint8_t *out, size_t cap,
                                         int64_t now_us) {
  if (r->count == 0 || transport_feedback_deadline(&r->recorder) > now_us) return 0;
  int len = transport_feedback_build(&r->recorder, own_ssrc, r->slots[r->last].ssrc, out, cap, now_us);
  return len > 0 ? (size_t)len : 0;
}

size_t media_receiver_nacks(struct media_receiver *r, uint32_t own_ssrc, uint8_t *out, size_t cap, int64_t now_us) {
  size_t len = 0;
  if (r->nack_due_us > now_us) return 0;
  r->nack_due_us = INT64_MAX;
  for (size_t i = 0; i < r->count; i++) {
    struct slot *slot = &r->slots[i];
    uint16_t seqs[128];
    if (!slot->nack) continue;
    size_t count = nack_requester_due(slot->nack, seqs, sizeof seqs / sizeof *seqs, now_us), written = 0;
    int64_t due_us = nack_requester_deadline(slot->nack);
    if (due_us < r->nack_due_us) r->nack_due_us = due_us;
    if (!count) continue;
    int n = rtcp_write_nack(out + len, cap - len, own_ssrc, slot->ssrc, seqs, count, &written);
    if (n < 0) continue; /* no room: asked again after the round trip */
    len += (size_t)n;
    r->counters->nacks_out += written;
  }
  return len;
}

size_t media_receiver_plis(struct media_receiver *r, uint32_t own_ssrc, uint8_t *out, size_t cap, int64_t now_us) {
  size_t len = 0;
  for (size_t i = 0; i < r->count; i++) {
    struct slot *slot = &r->slots[i];
    bool waits =
        slot->video && !slot->whole && slot->first_packet_us && now_us - slot->first_packet_us > KEYFRAME_PATIENCE_US;
    if (!(waits || slot->pli_wanted) || now_us - slot->pli_us < KEYFRAME_PATIENCE_US) continue;
    int n = rtcp_write_pli(out + len, cap - len, own_ssrc, slot->ssrc);
    if (n < 0) break;
    len += (size_t)n;
    slot->pli_us = now_us;
    slot->pli_wanted = false;
    r->counters->plis_out++;
  }
  return len;
}

size_t media_receiver_report_blocks(struct media_receiver *r, struct rtcp_report_block *out, size_t max,
                                    int64_t now_us) {
  size_t count = 0;
  for (size_t i = 0; i < r->count && count < max; i++)
    count += rtp_receive_statistics_report(&r->slots[i].statistics, r->slots[i].ssrc, now_us, &out[count]);
  return count;
}

/* ---- counts ---- */

void media_receiver_counts(const struct media_receiver *r, struct sequence_counts *into) {
  for (size_t i = 0; i < r->count; i++) {
    struct sequence_counts c = sequence_tracker_counts(&r->slots[i].tracker);
    sequence_counts_add(into, &c);
  }
}

void media_receiver_assign(struct media_receiver *r, unsigned mid, bool assigned, int64_t now_us) {
  for (size_t i = 0; i < r->count; i++) {
    struct slot *slot = &r->slots[i];
    if (slot->mid != mid) continue;
    slot->assigned = assigned;
    slot->assigned_us = now_us;
    slot->packets_marked = slot->packets;
  }
}

void media_receiver_mark(struct media_receiver *r) {
  for (size_t i = 0; i < r->count; i++)
    r->slots[i].packets_marked = r->slots[i].packets;
}

unsigned media_receiver_starved(const struct media_receiver *r, unsigned *assigned, int64_t now_us) {
  unsigned starved = 0;
  for (size_t i = 0; i < r->count; i++) {
    const struct slot *slot = &r->slots[i];
    if (!slot->assigned) continue;
    ++*assigned;
    starved += slot->packets == slot->packets_marked && now_us - slot->assigned_us > MEDIA_STARVED_US;
  }
  return starved;
}
