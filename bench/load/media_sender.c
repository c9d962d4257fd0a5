/* bench/load/media_sender.c: see the header. */
#include "bench/load/media_sender.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/media_payload.h"
#include "rtp/extension.h"
#include "rtp/packet.h"

#define AUDIO_MS        20   /* of a packet, where the plan does not say */
#define HISTORY         1024 /* packets of a layer that can be sent again */
#define EXTENSION_BYTES 8    /* every header has the same length: 12 + 4 + 8 */
/* Chromium's pacer (kDefaultBurst 40 ms, pacing factor 2.5): what a frame may send at once, and how fast the rest goes. */
#define BURST_US        40000
#define PACING_FACTOR   2.5
/* Between the packets of a burst, from the capture (see the header): so many thousandths of the gaps are not longer. */
static const struct {
  uint16_t thousandths, us;
} gaps[] = {{0, 10}, {50, 13}, {250, 26}, {500, 74}, {750, 142}, {950, 353}, {990, 796}, {1000, 1000}};

struct sent {
  struct media_stamp stamp;
  uint32_t timestamp;
  uint16_t seq, bytes, picture_id;
  bool used, marker;
};

struct stream {
  uint32_t ssrc, timestamp_base, packets, octets, last_timestamp;
  int64_t last_us;
  uint16_t seq;
  bool acknowledged;
};

struct layer {
  bool active, key_wanted, key;
  uint32_t bps, frame;
  uint16_t width, height, picture_id;
  size_t frame_bytes;
  unsigned count; /* packets of the frame being sent; 0: it has none */
  struct sent *history;
};

struct media_sender {
  struct media_plan plan;
  struct stream streams[MEDIA_STREAMS];
  struct layer layers[LOAD_MAX_LAYERS];
  uint16_t transport_seq;
  uint8_t level;
  uint32_t random;
  int64_t audio_due_us, frame_due_us, packet_due_us; /* INT64_MAX: none */
  int64_t frame_interval_us;
  int64_t paced_until_us; /* a large frame delays the next one */
  uint32_t audio_number;
  unsigned layer, packet; /* what of the present frame leaves next */
  size_t burst_left;
  unsigned frame_packets; /* of all layers */
  uint64_t frames, keyframes;
  uint8_t payload[MEDIA_MAX_PACKET_BYTES + 2];
};

/* Share of the full layer's bitrate, as Chromium divides 720p: 2.5 Mbit/s, 500 and 150 kbit/s. */
static const double layer_share[LOAD_MAX_LAYERS] = {0.08, 0.25, 1.0};

static uint32_t next_random(struct media_sender *s) { /* xorshift32 */
  s->random ^= s->random << 13;
  s->random ^= s->random >> 17;
  s->random ^= s->random << 5;
  return s->random;
}

static void init_layers(struct media_sender *s) {
  const struct media_plan *p = &s->plan;
  for (unsigned i = 0; i < p->layers; i++) {
    unsigned rank = p->layers == 1 ? LOAD_MAX_LAYERS - 1 : LOAD_MAX_LAYERS - p->layers + i;
    unsigned shrink = p->layers == 1 ? 0 : p->layers - 1 - i;
    s->layers[i] = (struct layer){.active = true,
                                  .key_wanted = true,
                                  .bps = (uint32_t)(p->video_bps * layer_share[rank]),
                                  .width = (uint16_t)(p->width >> shrink),
                                  .height = (uint16_t)(p->height >> shrink),
                                  .picture_id = (uint16_t)(next_random(s) & 0x7fff)};
    s->layers[i].history = calloc(HISTORY, sizeof(struct sent));
  }
}

int media_sender_create(struct media_sender **out, const struct media_plan *plan, uint32_t seed) {
  struct media_sender *s = calloc(1, sizeof *s);
  if (!s) return -1;
  s->plan = *plan;
  if (!s->plan.audio_ms) s->plan.audio_ms = AUDIO_MS;
  s->random = seed * 2654435761u | 1;
  for (int i = 0; i < 8; i++)
    next_random(s);
  s->level = 127;
  s->audio_due_us = s->frame_due_us = s->packet_due_us = INT64_MAX;
  s->frame_interval_us = 1000000 / (plan->fps ? plan->fps : 30);
  s->streams[MEDIA_AUDIO].ssrc = plan->audio_ssrc;
  for (unsigned i = 0; i < plan->layers; i++) {
    s->streams[MEDIA_VIDEO + i].ssrc = plan->video_ssrc[i];
    s->streams[MEDIA_RTX + i].ssrc = plan->rtx_ssrc[i];
  }
  for (unsigned i = 0; i < MEDIA_STREAMS; i++) {
    s->streams[i].seq = (uint16_t)(next_random(s) & 0x7fff); /* RFC 3711 §3.3.1 */
    s->streams[i].timestamp_base = next_random(s);
  }
  if (plan->camera) init_layers(s);
  for (unsigned i = 0; plan->camera && i < plan->layers; i++) {
    if (s->layers[i].history) continue;
    media_sender_free(s);
    return -1;
  }
  memset(s->payload, 0x5a, sizeof s->payload);
  *out = s;
  return 0;
}

void media_sender_free(struct media_sender *s) {
  if (!s) return;
  for (unsigned i = 0; i < LOAD_MAX_LAYERS; i++)
    free(s->layers[i].history);
  free(s);
}

void media_sender_start(struct media_sender *s, int64_t now_us) {
  if (s->plan.microphone) s->audio_due_us = now_us + next_random(s) % (s->plan.audio_ms * 1000);
  if (s->plan.camera) s->frame_due_us = now_us + next_random(s) % (uint32_t)s->frame_interval_us;
}

int64_t media_sender_deadline(const struct media_sender *s) {
  int64_t video_us = s->packet_due_us != INT64_MAX ? s->packet_due_us : s->frame_due_us;
  return s->audio_due_us < video_us ? s->audio_due_us : video_us;
}

/* ---- packets ---- */

static const char *rid_of(const struct media_sender *s, unsigned layer) {
  return s->plan.layers > 1 ? offer_rid(layer) : NULL;
}

/* One packet out: header with the extensions a browser would send, payload as given. */
static void emit_packet(struct media_sender *s, unsigned stream, const struct rtp_header *header, size_t payload_len,
                        const char *rid, int64_t intended_us, media_emit_h *emit, void *arg, int64_t now_us) {
  bool audio = stream == MEDIA_AUDIO, repair = stream >= MEDIA_RTX;
  struct stream *out = &s->streams[stream];
  uint8_t bytes[64];
  struct rtp_header_writer w;
  if (rtp_header_begin(&w, bytes, sizeof bytes, header, EXTENSION_BYTES, false)) return;
  uint8_t *at = rtp_header_add(&w, LOAD_EXT_TRANSPORT_SEQ, RTP_TRANSPORT_SEQUENCE_SIZE);
  if (at) rtp_transport_sequence_encode(at, s->transport_seq++);
  if (audio && (at = rtp_header_add(&w, LOAD_EXT_AUDIO_LEVEL, RTP_AUDIO_LEVEL_SIZE)))
    rtp_audio_level_encode(at, (struct rtp_audio_level){.level = s->level, .voice = s->level < 60});
  if (!out->acknowledged) {
    unsigned mid = audio ? s->plan.microphone_mid : s->plan.camera_mid;
    if ((at = rtp_header_add(&w, LOAD_EXT_MID, 1))) *at = (uint8_t)('0' + mid % 10);
    if (rid && (at = rtp_header_add(&w, repair ? LOAD_EXT_REPAIRED_RID : LOAD_EXT_RID, 1))) *at = (uint8_t)rid[0];
  }
  struct media_packet packet = {.stream = stream,
                                .header = bytes,
                                .header_len = rtp_header_end(&w),
                                .payload = s->payload,
                                .payload_len = payload_len,
                                .intended_us = intended_us};
  out->packets++;
  out->octets += (uint32_t)payload_len;
  out->last_timestamp = header->timestamp;
  out->last_us = intended_us;
  emit(arg, &packet, now_us);
}

static uint32_t late_by(int64_t intended_us, int64_t now_us) {
  int64_t late_us = now_us - intended_us;
  return late_us < 0 ? 0 : late_us > UINT32_MAX ? UINT32_MAX : (uint32_t)late_us;
}

static void send_audio(struct media_sender *s, media_emit_h *emit, void *arg, int64_t now_us) {
  size_t bytes = s->plan.audio_bps / 8 * s->plan.audio_ms / 1000;
  if (bytes < MEDIA_AUDIO_MIN_BYTES) bytes = MEDIA_AUDIO_MIN_BYTES;
  if (bytes > MEDIA_MAX_PACKET_BYTES) bytes = MEDIA_MAX_PACKET_BYTES;
  struct media_stamp stamp = {.intended_us = s->audio_due_us,
                              .late_us = late_by(s->audio_due_us, now_us),
                              .frame = s->audio_number,
                              .count = 1};
  struct stream *out = &s->streams[MEDIA_AUDIO];
  struct rtp_header header = {.timestamp = out->timestamp_base + s->audio_number * s->plan.audio_ms * 48,
                              .ssrc = out->ssrc,
                              .seq = out->seq++,
                              .payload_type = LOAD_PT_OPUS,
                              .marker = s->audio_number == 0};
  s->audio_number++;
  media_write_audio(s->payload, &stamp, s->plan.audio_ms);
  emit_packet(s, MEDIA_AUDIO, &header, bytes, NULL, s->audio_due_us, emit, arg, now_us);
  s->audio_due_us += s->plan.audio_ms * 1000;
}

/* ---- video ---- */

static uint32_t video_timestamp(const struct media_sender *s, unsigned layer, uint64_t frame) {
  return s->streams[MEDIA_VIDEO + layer].timestamp_base + (uint32_t)(frame * (uint64_t)s->frame_interval_us * 9 / 100);
}

/* Cuts the next frame of every active layer; its packets leave from packet_due_us on. */
static void begin_frame(struct media_sender *s) {
  unsigned total = 0;
  s->burst_left = 0;
  for (unsigned i = 0; i < s->plan.layers; i++) {
    struct layer *layer = &s->layers[i];
    layer->count = 0;
    if (!layer->active) continue;
    layer->key = layer->key_wanted;
    layer->key_wanted = false;
    /* Encoders do not hit their target in every frame: ± 15 %. */
    double vary = 0.85 + (double)(next_random(s) % 1000) / 1000 * 0.3;
    size_t bytes = (size_t)((double)layer->bps * (double)s->frame_interval_us / 8e6 * vary);
    if (layer->key) bytes *= s->plan.keyframe_factor;
    if (bytes < MEDIA_VIDEO_MIN_BYTES) bytes = MEDIA_VIDEO_MIN_BYTES;
    layer->frame_bytes = bytes;
    layer->count = media_packet_count(bytes, s->plan.packet_bytes);
    layer->picture_id = (uint16_t)((layer->picture_id + 1) & 0x7fff);
    layer->frame++;
    total += layer->count;
    s->frames++;
    s->keyframes += layer->key;
    s->burst_left += (size_t)(layer->bps * PACING_FACTOR / 8 * BURST_US / 1e6);
  }
  s->layer = s->packet = 0;
  while (s->layer < s->plan.layers && s->layers[s->layer].count == 0)
    s->layer++;
  if (s->paced_until_us < s->frame_due_us) s->paced_until_us = s->frame_due_us;
  s->packet_due_us = total ? s->paced_until_us : INT64_MAX;
  s->frame_packets = total;
  s->frame_due_us += s->frame_interval_us;
}

static int64_t gap_of_burst(struct media_sender *s) {
  const uint32_t at = next_random(s) % 1000;
  size_t i = 1;
  while (gaps[i].thousandths <= at)
    i++;
  const uint32_t wide = gaps[i].thousandths - gaps[i - 1].thousandths, into = at - gaps[i - 1].thousandths;
  return gaps[i - 1].us + (gaps[i].us - gaps[i - 1].us) * into / wide;
}

static int64_t gap_after(struct media_sender *s, size_t bytes, uint32_t bps) {
  if (s->plan.spacing == SPACING_EVEN) return s->frame_interval_us / (s->frame_packets ? s->frame_packets : 1);
  if (s->burst_left >= bytes) {
    s->burst_left -= bytes;
    return gap_of_burst(s);
  }
  return (int64_t)((double)bytes * 8e6 / (bps * PACING_FACTOR));
}

static void send_video(struct media_sender *s, media_emit_h *emit, void *arg, int64_t now_us) {
  struct layer *layer = &s->layers[s->layer];
  struct stream *out = &s->streams[MEDIA_VIDEO + s->layer];
  uint16_t seq = out->seq++;
  struct sent *sent = &layer->history[seq % HISTORY];
  *sent = (struct sent){
      .stamp = {.intended_us = s->packet_due_us,
                .late_us = late_by(s->packet_due_us, now_us),
                .frame = layer->frame,
                .packet = (uint16_t)s->packet,
                .count = (uint16_t)layer->count,
                .layer = (uint8_t)s->layer,
                .key = layer->key},
      .timestamp = video_timestamp(s, s->layer, (uint64_t)(s->frame_due_us / s->frame_interval_us)),
      .seq = seq,
      .bytes = (uint16_t)media_packet_bytes(layer->frame_bytes, layer->count, s->packet),
      .picture_id = layer->picture_id,
      .used = true,
      .marker = s->packet + 1 == layer->count,
  };
  struct rtp_header header = {
      .timestamp = sent->timestamp, .ssrc = out->ssrc, .seq = seq, .payload_type = LOAD_PT_VP8, .marker = sent->marker};
  media_write_video(s->payload, &sent->stamp, sent->picture_id, layer->width, layer->height);
  int64_t intended_us = s->packet_due_us;
  s->packet_due_us += gap_after(s, sent->bytes, layer->bps);
  s->paced_until_us = s->packet_due_us;
  s->packet++;
  while (s->layer < s->plan.layers && s->packet >= s->layers[s->layer].count) {
    s->layer++;
    s->packet = 0;
  }
  unsigned stream = (unsigned)(out - s->streams);
  if (s->layer >= s->plan.layers) s->packet_due_us = INT64_MAX;
  emit_packet(s, stream, &header, sent->bytes, rid_of(s, stream - MEDIA_VIDEO), intended_us, emit, arg, now_us);
}

void media_sender_run(struct media_sender *s, media_emit_h *emit, void *arg, int64_t now_us) {
  while (s->audio_due_us <= now_us)
    send_audio(s, emit, arg, now_us);
  for (;;) {
    if (s->packet_due_us == INT64_MAX) {
      if (s->frame_due_us > now_us) break;
      begin_frame(s);
    } else if (s->packet_due_us <= now_us) {
      send_video(s, emit, arg, now_us);
    } else {
      break;
    }
  }
}

/* ---- feedback ---- */

void media_sender_set_level(struct media_sender *s, uint8_t level) {
  s->level = level;
}

void media_sender_set_active(struct media_sender *s, unsigned layer, bool active) {
  if (layer >= s->plan.layers) return;
  if (active && !s->layers[layer].active) s->layers[layer].key_wanted = true;
  s->layers[layer].active = active;
}

int media_sender_stream_of(const struct media_sender *s, uint32_t ssrc) {
  for (int i = 0; i < MEDIA_STREAMS; i++)
    if (s->streams[i].ssrc == ssrc) return i;
  return -1;
}

uint32_t media_sender_ssrc(const struct media_sender *s, unsigned stream) {
  return s->streams[stream].ssrc;
}

void media_sender_want_keyframe(struct media_sender *s, unsigned stream) {
  if (stream >= MEDIA_VIDEO && stream < MEDIA_VIDEO + s->plan.layers) s->layers[stream - MEDIA_VIDEO].key_wanted = true;
}

bool media_sender_resend(struct media_sender *s, unsigned stream, uint16_t seq, media_emit_h *emit, void *arg,
                         int64_t now_us) {
  if (stream < MEDIA_VIDEO || stream >= MEDIA_VIDEO + s->plan.layers) return false;
  unsigned layer = stream - MEDIA_VIDEO;
  const struct sent *sent = &s->layers[layer].history[seq % HISTORY];
  if (!sent->used || sent->seq != seq) return false;
  struct stream *out = &s->streams[MEDIA_RTX + layer];
  struct rtp_header header = {.timestamp = sent->timestamp,
                              .ssrc = out->ssrc,
                              .seq = out->seq++,
                              .payload_type = LOAD_PT_RTX,
                              .marker = sent->marker};
  /* RFC 4588 §4: the original sequence number, then the original payload. */
  uint16_t osn = htobe16(seq);
  memcpy(s->payload, &osn, sizeof osn);
  media_write_video(s->payload + 2, &sent->stamp, sent->picture_id, s->layers[layer].width, s->layers[layer].height);
  emit_packet(s, MEDIA_RTX + layer, &header, sent->bytes + 2U, rid_of(s, layer), now_us, emit, arg, now_us);
  return true;
}

void media_sender_acknowledged(struct media_sender *s, unsigned stream) {
  s->streams[stream].acknowledged = true;
}

bool media_sender_report(const struct media_sender *s, unsigned stream, uint64_t ntp, int64_t now_us,
                         struct rtcp_sender_info *out) {
  const struct stream *from = &s->streams[stream];
  if (!from->packets || stream >= MEDIA_RTX) return false;
  uint32_t clock_khz = stream == MEDIA_AUDIO ? 48 : 90;
  *out = (struct rtcp_sender_info){
      .ntp = ntp,
      .rtp_timestamp = from->last_timestamp + (uint32_t)((now_us - from->last_us) * clock_khz / 1000),
      .packets = from->packets,
      .octets = from->octets,
  };
  return true;
}

uint64_t media_sender_frames(const struct media_sender *s) {
  return s->frames;
}

uint64_t media_sender_keyframes(const struct media_sender *s) {
  return s->keyframes;
}
