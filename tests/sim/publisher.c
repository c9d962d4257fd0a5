/* Camera and microphone: see tests/sim/publisher.h. */
#include "tests/sim/publisher.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rtp/packet.h"

#define PACKET_BYTES    1150
#define KEYFRAME_FRAMES 7.0  /* a key frame is so many average frames large */
#define PAYBACK         0.25 /* of each following frame */
#define SCATTER         0.15
#define SR_US           1000000
#define NTP_EPOCH_US    3900000000000000LL

static const double temporal_size[4] = {1.6, 0.8, 0.8, 0.8}; /* 40, 20, 40 percent in the order 0 2 1 2 */
static const uint8_t temporal_id[4] = {0, 2, 1, 2};

static void put_text(struct rtp_header_writer *w, uint8_t id, const char *text) {
  uint8_t *at = rtp_header_add(w, id, strlen(text));
  if (!at) abort();
  memcpy(at, text, strlen(text));
}

/* `layer` of the camera, -1: the microphone. */
static size_t header(const struct publisher *p, uint8_t *out, const struct rtp_header *h, uint8_t rid_id, int layer) {
  static const char *const rids[SIM_LAYERS] = {"q", "h", "f"};
  struct rtp_header_writer w;
  bool named = p->mid && layer >= 0;
  if (rtp_header_begin(&w, out, PUBLISHER_HEAD, h, named ? 4 : 0, false)) abort();
  if (named) {
    put_text(&w, SIM_MID_ID, p->mid);
    put_text(&w, rid_id, rids[layer]);
  }
  return rtp_header_end(&w);
}

/* The same for a layer's next packet, from what its first one's was. */
static size_t next_header(const struct publisher *p, struct publisher_layer *l, uint8_t *out, bool marker) {
  if (!l->head_bytes) {
    const int index = (int)(l - p->layers);
    const struct rtp_header h = {.ssrc = SIM_VIDEO_SSRC + 10U * (uint32_t)index, .payload_type = SIM_VP8};
    l->head_bytes = (uint8_t)header(p, l->head, &h, SIM_RID_ID, index);
  }
  const uint16_t seq = htobe16(l->seq);
  const uint32_t timestamp = htobe32(l->timestamp);
  memcpy(out, l->head, PUBLISHER_HEAD);
  out[1] = (uint8_t)(SIM_VP8 | (marker ? 0x80 : 0));
  memcpy(out + 2, &seq, sizeof seq);
  memcpy(out + 4, &timestamp, sizeof timestamp);
  return l->head_bytes;
}

static size_t descriptor(uint8_t *b, const struct publisher_layer *l, bool first, bool key, uint8_t tid, bool sync) {
  size_t n = 0;
  b[n++] = first ? 0x90 : 0x80; /* X, S */
  b[n++] = 0xE0;                /* I L T */
  b[n++] = (uint8_t)(0x80 | l->picture_id >> 8);
  b[n++] = (uint8_t)l->picture_id;
  b[n++] = l->tl0;
  b[n++] = (uint8_t)(tid << 6 | (sync ? 0x20 : 0));
  b[n] = key ? 0x10 : 0x11;
  if (key && first) {
    const uint8_t start[10] = {0x10,
                               0,
                               0,
                               0x9d,
                               0x01,
                               0x2a,
                               (uint8_t)l->width,
                               (uint8_t)(l->width >> 8),
                               (uint8_t)l->height,
                               (uint8_t)(l->height >> 8)};
    memcpy(b + n, start, sizeof start);
  }
  return n;
}

static double frame_bytes(struct publisher *p, struct publisher_layer *l, bool key) {
  double average = l->bps * SIM_FRAME_US / 8e6, noise = 1 + SCATTER * sim_gauss(&p->random);
  double bytes = average * temporal_size[l->frame & 3] * fmin(fmax(noise, 0.5), 1.6);
  if (key) {
    l->debt_bytes = average * (KEYFRAME_FRAMES - 1);
    return average * KEYFRAME_FRAMES;
  }
  double payback = fmin(l->debt_bytes, bytes * PAYBACK);
  l->debt_bytes -= payback;
  return fmax(bytes - payback, 60);
}

static void send_frame(struct publisher *p, int index) {
  struct publisher_layer *l = &p->layers[index];
  bool key = l->key_wanted;
  if (key) {
    l->frame = 0;
    l->key_wanted = false;
    l->keyframes++;
  }
  uint8_t tid = temporal_id[l->frame & 3];
  bool sync = (l->frame & 3) == 1 || (l->frame & 3) == 2; /* depends on the base layer only */
  l->picture_id = (l->picture_id + 1) & 0x7fff;
  if (tid == 0) l->tl0++;
  size_t left = (size_t)frame_bytes(p, l, key), count = (left + PACKET_BYTES - 1) / PACKET_BYTES;
  for (size_t i = 0; i < count; i++) {
    size_t share = left / (count - i);
    left -= share;
    uint8_t *data = l->history[l->seq % PUBLISHER_HISTORY].data;
    size_t n = next_header(p, l, data, i + 1 == count);
    descriptor(data + n, l, i == 0, key, tid, sync);
    size_t len = n + (share > 24 ? share : 24);
    l->history[l->seq++ % PUBLISHER_HISTORY].len = (uint16_t)len;
    p->send(p->arg, data, len);
  }
  l->frame++;
}

static void on_video(void *arg, void *data) {
  struct publisher *p = arg;
  (void)data;
  for (int i = 0; i < p->layer_count; i++) {
    p->layers[i].timestamp += 3000;
    if (p->layers[i].bps > 0) send_frame(p, i);
  }
  sim_at(p->clock, p->clock->now_us + SIM_FRAME_US, on_video, p, NULL);
}

static void on_audio(void *arg, void *data) {
  struct publisher *p = arg;
  (void)data;
  uint8_t packet[400] = {0};
  struct rtp_header h = {
      .ssrc = SIM_AUDIO_SSRC, .seq = p->audio_seq++, .timestamp = p->audio_timestamp, .payload_type = SIM_OPUS};
  size_t n = header(p, packet, &h, 0, -1);
  p->audio_timestamp += 960;
  packet[n] = 0x78;
  double bytes = p->audio_bps * SIM_AUDIO_US / 8e6 * (1 + 0.1 * sim_gauss(&p->random));
  p->send(p->arg, packet, n + (size_t)fmin(fmax(bytes, 10), 300));
  sim_at(p->clock, p->clock->now_us + SIM_AUDIO_US, on_audio, p, NULL);
}

static void on_report(void *arg, void *data) {
  struct publisher *p = arg;
  (void)data;
  uint8_t out[256];
  for (int i = 0; i < p->layer_count; i++) {
    struct rtcp_report r = {.ssrc = SIM_VIDEO_SSRC + 10U * (uint32_t)i, .is_sender = true};
    /* The timestamp belongs to the last frame, at most a frame time ago: near enough here. */
    r.sender.ntp = rtcp_ntp_from_us(NTP_EPOCH_US + p->clock->now_us);
    r.sender.rtp_timestamp = p->layers[i].timestamp;
    int n = rtcp_write_report(out, sizeof out, &r);
    if (n > 0) p->send(p->arg, out, (size_t)n);
  }
  sim_at(p->clock, p->clock->now_us + SR_US, on_report, p, NULL);
}

void publisher_init(struct publisher *p, struct sim_clock *clock, uint64_t seed, bool elastic) {
  static const struct {
    double bps;
    uint16_t width, height;
  } encodings[SIM_LAYERS] = {{150e3, 320, 180}, {500e3, 640, 360}, {1700e3, 1280, 720}}; /* the SDK's */
  p->clock = clock;
  sim_random_init(&p->random, seed, 101);
  p->layer_count = elastic ? 1 : SIM_LAYERS;
  p->audio_bps = 32000;
  p->audio_seq = (uint16_t)sim_random_bits(&p->random);
  for (int i = 0; i < p->layer_count; i++) {
    struct publisher_layer *l = &p->layers[i];
    *l = (struct publisher_layer){.bps = encodings[i].bps, .width = encodings[i].width, .height = encodings[i].height};
    l->encoding_bps = l->bps;
    l->seq = (uint16_t)sim_random_bits(&p->random);
    l->timestamp = (uint32_t)sim_random_bits(&p->random);
    l->key_wanted = true;
    l->history = calloc(PUBLISHER_HISTORY, sizeof *l->history);
    if (!l->history) abort();
  }
  int64_t phase_us = (int64_t)(sim_uniform(&p->random) * SIM_FRAME_US);
  sim_at(clock, clock->now_us + phase_us, on_video, p, NULL);
  sim_at(clock, clock->now_us + phase_us / 2, on_audio, p, NULL);
  sim_at(clock, clock->now_us + 100000, on_report, p, NULL);
}

void publisher_use_layer(struct publisher *p, int layer, bool on) {
  struct publisher_layer *l = &p->layers[layer];
  l->key_wanted |= on && l->bps <= 0;
  l->bps = on ? l->limit_bps > 0 ? fmin(l->limit_bps, l->encoding_bps) : l->encoding_bps : 0;
}

void publisher_limit_layer(struct publisher *p, int layer, double bps) {
  p->layers[layer].limit_bps = bps;
  publisher_use_layer(p, layer, p->layers[layer].bps > 0);
}

void publisher_close(struct publisher *p) {
  for (int i = 0; i < p->layer_count; i++)
    free(p->layers[i].history);
}

static struct publisher_layer *layer_of(struct publisher *p, uint32_t ssrc) {
  uint32_t index = (ssrc - SIM_VIDEO_SSRC) / 10;
  return ssrc >= SIM_VIDEO_SSRC && index < (uint32_t)p->layer_count ? &p->layers[index] : NULL;
}

static void resend(struct publisher *p, const struct rtcp_nack *nack) {
  struct publisher_layer *l = layer_of(p, nack->media_ssrc);
  if (!l) return;
  for (size_t i = 0; i < nack->count; i++) {
    uint16_t seq = nack->seqs[i], age = (uint16_t)(l->seq - seq);
    if (age == 0 || age >= PUBLISHER_HISTORY) continue;
    struct rtp_packet old;
    uint8_t copy[LINK_CARRIED], out[1500];
    size_t len = l->history[seq % PUBLISHER_HISTORY].len;
    memcpy(copy, l->history[seq % PUBLISHER_HISTORY].data, sizeof copy);
    if (rtp_packet_parse(&old, copy, len)) continue;
    struct rtp_header h = {.ssrc = nack->media_ssrc + 1,
                           .seq = l->rtx_seq++,
                           .timestamp = old.timestamp,
                           .payload_type = SIM_VP8_RTX,
                           .marker = old.marker};
    size_t n = header(p, out, &h, SIM_REPAIRED_RID_ID, (int)(l - p->layers));
    out[n] = (uint8_t)(seq >> 8);
    out[n + 1] = (uint8_t)seq;
    memcpy(out + n + 2, old.payload, old.payload_len < LINK_CARRIED - n ? old.payload_len : LINK_CARRIED - n);
    p->send(p->arg, out, n + 2 + old.payload_len);
  }
}

void publisher_receive(struct publisher *p, const uint8_t *data, size_t len) {
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  if (rtcp_begin(&it, data, len)) return;
  while (rtcp_next(&it, &packet)) {
    struct rtcp_pli pli;
    struct rtcp_nack nack;
    if (packet.type == RTCP_PSFB && packet.count == RTCP_PSFB_PLI && rtcp_parse_pli(&packet, &pli) == 0) {
      struct publisher_layer *l = layer_of(p, pli.media_ssrc);
      if (l) l->key_wanted = true;
    } else if (packet.type == RTCP_RTPFB && packet.count == RTCP_RTPFB_NACK && rtcp_parse_nack(&packet, &nack) == 0) {
      resend(p, &nack);
    }
  }
}
