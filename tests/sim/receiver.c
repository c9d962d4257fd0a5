/* A receiving browser: see tests/sim/receiver.h. */
#include "tests/sim/receiver.h"

#include "rtp/packet.h"
#include "tests/sim/wire.h"

#define TICK_US         5000
#define NACKS           256
#define FEEDBACK_MIN_US 50000

static void on_tick(void *arg, void *data);

void receiver_init(struct receiver *r, struct sim_clock *clock, int64_t rtt_us) {
  r->clock = clock;
  r->twcc = true;
  r->rtt_us = rtt_us;
  transport_feedback_recorder_init(&r->recorder);
  rtp_rate_window_init(&r->rate);
  r->stream_count = 1;
  for (int i = 0; i < RECEIVER_STREAMS; i++) {
    struct receiver_stream *s = &r->streams[i];
    s->receiver = r;
    nack_requester_init(&s->nack, rtt_us);
    video_buffer_init(&s->video, rtt_us);
    audio_buffer_init(&s->audio);
    s->show_us = INT64_MAX;
  }
  r->streams[0].video_ssrc = SIM_SLOT_VIDEO;
  r->streams[0].rtx_ssrc = SIM_SLOT_VIDEO + 1;
  r->streams[0].audio_ssrc = SIM_SLOT_AUDIO;
  sim_at(clock, clock->now_us + TICK_US, on_tick, r, NULL);
}

void receiver_close(struct receiver *r) {
  for (int i = 0; i < RECEIVER_STREAMS; i++)
    video_buffer_close(&r->streams[i].video);
}

void receiver_begin_counting(struct receiver *r) {
  for (int i = 0; i < r->stream_count; i++) {
    struct video_buffer *v = &r->streams[i].video;
    struct audio_buffer *a = &r->streams[i].audio;
    v->frames_shown = v->frames_in_time = v->freezes = 0;
    v->frozen_us = v->longest_us = 0;
    a->played = a->concealed = 0;
    a->longest_run_us = 0;
  }
  r->count_from_us = r->clock->now_us;
}

static void on_show(void *arg, void *data) {
  struct receiver_stream *s = arg;
  (void)data;
  struct sim_clock *clock = s->receiver->clock;
  if (clock->now_us < s->show_us) return; /* an older appointment */
  s->show_us = INT64_MAX;
  int64_t next_us = video_buffer_show(&s->video, clock->now_us);
  if (next_us == INT64_MAX) return;
  s->show_us = next_us;
  sim_at(clock, next_us, on_show, s, NULL);
}

static uint32_t extend(uint32_t *highest, uint16_t seq) {
  if (*highest == 0) *highest = 65536U + seq;
  uint32_t extended = *highest + (uint32_t)(int16_t)(uint16_t)(seq - (uint16_t)*highest);
  if ((int32_t)(extended - *highest) > 0) *highest = extended;
  return extended;
}

static void on_video(struct receiver_stream *s, const struct wire_packet *p, uint16_t seq, bool rtx,
                     const uint8_t *payload, size_t len) {
  int64_t now_us = s->receiver->clock->now_us;
  struct rtp_codec_info info = {0};
  bool padding = len == 0 || rtp_codec_parse(RTP_CODEC_VP8, payload, len, p->marker, &info) != 0;
  uint32_t extended = extend(&s->video_highest, seq);
  nack_requester_packet(&s->nack, seq, info.keyframe, now_us);
  bool complete =
      video_buffer_packet(&s->video, extended, p->timestamp, p->marker, rtx, padding ? NULL : &info, now_us);
  if (!complete) return;
  int64_t next_us = video_buffer_show(&s->video, now_us);
  if (next_us == INT64_MAX || next_us >= s->show_us) return;
  s->show_us = next_us;
  sim_at(s->receiver->clock, next_us, on_show, s, NULL);
}

/* Frames of one packet, the oldest first: RED's are told by their timestamps. */
static void on_audio(struct receiver_stream *s, const struct wire_packet *p) {
  int64_t now_us = s->receiver->clock->now_us;
  uint32_t extended = extend(&s->audio_highest, p->seq);
  struct rtp_red red = {.count = 1};
  if (p->payload_type == SIM_RED && rtp_red_parse(p->payload, p->payload_bytes, &red)) return;
  audio_buffer_play(&s->audio, now_us, now_us >= s->receiver->count_from_us);
  for (unsigned i = 0; i < red.count; i++)
    audio_buffer_packet(&s->audio, extended - red.blocks[i].timestamp_offset / SIM_AUDIO_STEP, now_us);
}

static struct receiver_stream *stream_of(struct receiver *r, uint32_t ssrc) {
  for (int i = 0; i < r->stream_count; i++) {
    struct receiver_stream *s = &r->streams[i];
    if (s->video_ssrc == ssrc || s->rtx_ssrc == ssrc || s->audio_ssrc == ssrc) return s;
  }
  return NULL;
}

void receiver_packet(struct receiver *r, struct sim_packet *packet) {
  struct wire_packet p;
  if (!wire_read(&p, packet->data, packet->len)) return;
  struct receiver_stream *s = stream_of(r, p.ssrc);
  const uint8_t *value;
  size_t at = 0, bytes;
  uint8_t id;
  r->packets++;
  rtp_rate_window_add(&r->rate, packet->len, r->clock->now_us);
  while ((id = wire_element(&p, &at, &value, &bytes)) != 0) {
    if (id == SIM_TRANSPORT_ID && bytes == 2 && r->twcc)
      transport_feedback_arrived(&r->recorder, (uint16_t)(value[0] << 8 | value[1]), r->clock->now_us);
    if (id == SIM_PLAYOUT_ID && bytes == 3 && s) s->video.minimum_us = (value[0] << 4 | value[1] >> 4) * 10000;
  }
  if (!s) return;
  bool rtx = p.payload_type == SIM_VP8_RTX;
  if (rtx && p.payload_bytes < 2) return; /* a probe */
  uint16_t seq = p.seq;
  if (rtx) seq = (uint16_t)(p.payload[0] << 8 | p.payload[1]);
  if (p.payload_type == SIM_VP8 || p.payload_type == SIM_VP8_RTX)
    on_video(s, &p, seq, rtx, p.payload + 2 * rtx, p.payload_bytes - 2 * rtx);
  else if (p.payload_type == SIM_OPUS || p.payload_type == SIM_RED)
    on_audio(s, &p);
}

/* ---- what it says ---- */

static void send_nacks(struct receiver_stream *s) {
  struct receiver *r = s->receiver;
  uint16_t seqs[NACKS];
  uint8_t out[1200];
  size_t count = nack_requester_due(&s->nack, seqs, NACKS, r->clock->now_us);
  if (count == 0) return;
  int len = rtcp_write_nack(out, sizeof out, 1, s->video_ssrc, seqs, count, NULL);
  r->nacks += count;
  if (len > 0) r->send(r->arg, out, (size_t)len);
}

static void ask_for_picture(struct receiver_stream *s) {
  struct receiver *r = s->receiver;
  int64_t now_us = r->clock->now_us;
  if (!video_buffer_wants_keyframe(&s->video, now_us) || now_us - s->pli_us <= 300000) return;
  uint8_t out[64];
  int len = rtcp_write_pli(out, sizeof out, 1, s->video_ssrc);
  s->pli_us = now_us;
  r->plis++;
  if (len > 0) r->send(r->arg, out, (size_t)len);
}

/* libwebrtc: feedback takes 5 % of what is received, 68 bytes each, every 50 to 250 ms. */
static int64_t feedback_interval_us(const struct receiver *r) {
  uint64_t bps = rtp_rate_window_bps(&r->rate, r->clock->now_us);
  int64_t interval_us = bps ? (int64_t)(68ULL * 8 * 20 * 1000000 / bps) : 100000;
  return interval_us < FEEDBACK_MIN_US ? FEEDBACK_MIN_US : interval_us > 250000 ? 250000 : interval_us;
}

static void on_tick(void *arg, void *data) {
  struct receiver *r = arg;
  (void)data;
  int64_t now_us = r->clock->now_us;
  for (int i = 0; i < r->stream_count; i++) {
    audio_buffer_play(&r->streams[i].audio, now_us, now_us >= r->count_from_us);
    send_nacks(&r->streams[i]);
  }
  int64_t since_us = now_us - r->feedback_us;
  if (r->recorder.unreported && since_us >= FEEDBACK_MIN_US && since_us >= feedback_interval_us(r)) {
    uint8_t out[1200];
    int len;
    r->feedback_us = now_us;
    while ((len = transport_feedback_build(&r->recorder, 1, r->streams[0].video_ssrc, out, sizeof out, now_us)) > 0)
      r->send(r->arg, out, (size_t)len);
  }
  for (int i = 0; i < r->stream_count; i++)
    ask_for_picture(&r->streams[i]);
  sim_at(r->clock, now_us + TICK_US, on_tick, r, NULL);
}
