/* One run: see tests/sim/room.h. */
#include "tests/sim/room.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE_US  100000
#define RETURN_MS  0.5
#define MARK_US    20000
#define MARKS      10000
#define HELD_UP_US 150000
#define FLOW_TCP   7

struct leg {
  struct room *room;
  struct publisher *publisher;
  struct sfu *sfu;
  struct sfu_receiver *slot;
  struct receiver browser;
  struct sim_link *down, back; /* back: receiver to server */
  uint8_t flow;
  uint64_t frames_before, bytes_before, sampled_bytes;
  uint8_t slow[MARKS], lossy[MARKS]; /* by 20 ms: a packet was held up; a packet was lost */
};

struct room {
  const struct room_config *config;
  struct room_result *out;
  struct sim_clock clock;
  struct sim_link down[ROOM_LEGS], up[ROOM_LEGS], up_back[ROOM_LEGS];
  struct publisher publishers[ROOM_LEGS];
  struct sfu sfus[ROOM_LEGS];
  struct leg legs[ROOM_LEGS];
  struct tcp_flow tcp;
  size_t next_view;
};

/* ---- wiring ---- */

static void publisher_to_link(void *arg, const uint8_t *data, size_t len) {
  link_send(arg, 0, data, len);
}

static void link_to_sfu(void *arg, struct sim_packet *p) {
  sfu_receive(arg, p->data, p->len);
}

static void link_to_publisher(void *arg, struct sim_packet *p) {
  publisher_receive(arg, p->data, p->len);
}

static void mark(uint8_t *marks, int64_t at_us) {
  if (at_us / MARK_US < MARKS) marks[at_us / MARK_US] = 1;
}

static void link_to_browser(void *arg, struct sim_packet *p) {
  struct leg *leg = arg;
  int64_t now_us = leg->room->clock.now_us;
  int64_t held_up_us = now_us - p->sent_us - (int64_t)(leg->down->profile.delay_ms * 1000);
  if (held_up_us > HELD_UP_US) {
    for (int64_t at_us = p->sent_us; at_us <= now_us; at_us += MARK_US)
      mark(leg->slow, at_us);
  }
  receiver_packet(&leg->browser, p);
}

static void link_lost(void *arg, const struct sim_packet *p) {
  (void)p;
  struct leg *leg = arg;
  mark(leg->lossy, leg->room->clock.now_us);
}

static void link_to_slot(void *arg, struct sim_packet *p) {
  struct leg *leg = arg;
  sfu_receive_rtcp(leg->slot, p->data, p->len);
}

static void open_publisher(struct room *r, int i) {
  const struct room_config *c = r->config;
  struct link_profile back = {.delay_ms = c->uplink.delay_ms};
  link_init(&r->up[i], &r->clock, &c->uplink, c->seed, 10 + (uint64_t)i, c->seconds);
  link_init(&r->up_back[i], &r->clock, &back, c->seed, 20 + (uint64_t)i, c->seconds);
  publisher_init(&r->publishers[i], &r->clock, c->seed + 1000 * (uint64_t)i, c->elastic);
  r->publishers[i].send = publisher_to_link;
  r->publishers[i].arg = &r->up[i];
  sfu_init(&r->sfus[i], &r->clock, &r->publishers[i], c->elastic, c->seed);
  r->sfus[i].to_publisher = publisher_to_link;
  r->sfus[i].arg = &r->up_back[i];
  r->up[i].flows[0] = (struct link_flow){.deliver = link_to_sfu, .arg = &r->sfus[i]};
  r->up_back[i].flows[0] = (struct link_flow){.deliver = link_to_publisher, .arg = &r->publishers[i]};
}

static void open_leg(struct room *r, int i) {
  const struct room_config *c = r->config;
  struct leg *leg = &r->legs[i];
  int own = c->shared ? 0 : i;
  const struct link_profile *profile = &c->links[own];
  leg->room = r;
  leg->sfu = &r->sfus[c->shared ? i : 0];
  leg->publisher = &r->publishers[c->shared ? i : 0];
  leg->down = &r->down[own];
  leg->flow = (uint8_t)(c->shared ? i : 0);
  struct link_profile back = {.delay_ms = profile->delay_ms,
                              .loss = profile->loss,
                              .jitter_ms = profile->jitter_ms,
                              .jitter_slow = profile->jitter_slow};
  for (size_t k = 0; k < profile->step_count; k++) { /* an outage is one in both directions */
    bool outage = profile->steps[k].bps <= 0;
    back.steps[k].at_s = profile->steps[k].at_s;
    back.steps[k].bps = outage ? 0 : 1e9;
    back.step_count = k + 1;
  }
  link_init(&leg->back, &r->clock, &back, c->seed, 40 + (uint64_t)i, c->seconds);
  receiver_init(&leg->browser, &r->clock, (int64_t)(2000 * profile->delay_ms));
  leg->slot = sfu_add_receiver(leg->sfu, &leg->browser, leg->down, leg->flow, c->seed, c->red);
  leg->down->flows[leg->flow] = (struct link_flow){.deliver = link_to_browser, .dropped = link_lost, .arg = leg};
  leg->browser.send = publisher_to_link;
  leg->browser.arg = &leg->back;
  leg->back.flows[0] = (struct link_flow){.deliver = link_to_slot, .arg = leg};
}

/* ---- watching ---- */

static void sample(struct room *r, int i) {
  struct leg *leg = &r->legs[i];
  struct leg_result *out = &r->out->legs[i];
  if (out->sample_count == ROOM_SAMPLES) return;
  struct rtp_incoming_stream *flowing = rtp_outgoing_stream_current(leg->slot->video);
  uint64_t bytes = leg->slot->sent_bytes - leg->sampled_bytes;
  leg->sampled_bytes = leg->slot->sent_bytes;
  out->samples[out->sample_count++] = (struct room_sample){
      .at_s = (float)((double)r->clock.now_us / 1e6),
      .target_bps = (float)bandwidth_estimator_bps(downlink_estimator(leg->slot->downlink)),
      .queue_ms = (float)link_queue_ms(leg->down),
      .wire_bps = (float)((double)bytes * 8e6 / SAMPLE_US),
      .shown_s = (float)((double)leg->browser.video.shown_us / 1e6),
      .heard_s = (float)((double)leg->browser.audio.heard_us / 1e6),
      .layer = (int8_t)(flowing ? rtp_incoming_stream_layer(flowing) : -1),
      .temporal = (int8_t)leg->slot->temporal,
      .audio_only = leg->slot->audio_only,
  };
}

static void on_sample(void *arg, void *data) {
  struct room *r = arg;
  (void)data;
  for (int i = 0; i < r->out->leg_count; i++)
    sample(r, i);
  sim_at(&r->clock, r->clock.now_us + SAMPLE_US, on_sample, r, NULL);
}

static void begin_measuring(struct room *r) {
  for (int i = 0; i < r->out->leg_count; i++) {
    struct leg *leg = &r->legs[i];
    receiver_begin_counting(&leg->browser);
    leg->frames_before = leg->slot->forwarded_frames;
    leg->bytes_before = leg->slot->sent_bytes;
  }
}

static double share(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

static double target_share(const struct leg_result *out, const struct sim_link *l, double from_s) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < out->sample_count; i++) {
    if (out->samples[i].at_s < from_s) continue;
    double rate = link_rate_bps(l, (int64_t)(out->samples[i].at_s * 1e6));
    sum += fmin(out->samples[i].target_bps, rate) / fmax(rate, 1);
    count++;
  }
  return share(sum, count);
}

static bool marked(const uint8_t *marks, int64_t from_us, int64_t until_us) {
  for (int64_t i = from_us / MARK_US; i <= until_us / MARK_US && i < MARKS; i++) {
    if (i >= 0 && marks[i]) return true;
  }
  return false;
}

/* How much of a freeze the link does not explain. */
static double own_freeze_ms(const struct leg *leg, int64_t from_us, int64_t until_us) {
  if (marked(leg->slow, from_us - 200000, until_us)) return 0;
  double ms = (double)(until_us - from_us) / 1000;
  double rtt_ms = 2 * leg->down->profile.delay_ms;
  /* The jitter buffer may show it a round trip later. */
  bool lossy = marked(leg->lossy, from_us - (int64_t)(2000 * rtt_ms) - 500000, until_us);
  return lossy ? fmax(ms - 1.5 * rtt_ms, 0) : ms;
}

static void measure(struct room *r, int i) {
  const struct room_config *c = r->config;
  struct leg *leg = &r->legs[i];
  struct leg_result *out = &r->out->legs[i];
  const struct video_buffer *v = &leg->browser.video;
  const struct audio_buffer *a = &leg->browser.audio;
  double seconds = c->seconds - c->measure_from_s;
  double capacity = link_capacity_bits(leg->down, (int64_t)(c->measure_from_s * 1e6), (int64_t)(c->seconds * 1e6));
  uint64_t frames = leg->slot->forwarded_frames - leg->frames_before;
  out->use = share((double)leg->down->flows[leg->flow].delivered_bytes * 8, capacity);
  out->wire_bps = (double)leg->down->flows[leg->flow].delivered_bytes * 8 / seconds;
  out->wait_p95_ms = link_wait_quantile(leg->down, 0.95);
  out->wait_max_ms = link_wait_quantile(leg->down, 1);
  out->target_share = target_share(out, leg->down, c->measure_from_s);
  out->frames = frames;
  out->frames_in_time = fmin(share((double)v->frames_in_time, (double)frames), 1);
  out->frozen_share = share((double)v->frozen_us / 1e6, seconds);
  out->longest_freeze_ms = (double)v->longest_us / 1000;
  out->concealed = share((double)a->concealed, (double)a->played);
  out->plis = leg->browser.plis;
  for (int k = 0; k < SIM_LAYERS; k++) {
    struct rtp_incoming_stats stats;
    rtp_incoming_stream_stats(leg->sfu->video[k], r->clock.now_us, &stats);
    if (stats.keyframes_asked > out->keyframe_requests) out->keyframe_requests = stats.keyframes_asked;
  }
  out->layer_changes = leg->slot->layer_changes;
  out->decreases = downlink_estimator(leg->slot->downlink)->decreases;
  struct downlink_stats stats;
  downlink_get_stats(leg->slot->downlink, &stats);
  out->probe_bytes = stats.probe_bytes;
  out->cut = stats.cut;
  out->delayed = stats.delayed;
  out->freeze_count = v->freezes < VIDEO_FREEZES ? v->freezes : VIDEO_FREEZES;
  for (size_t k = 0; k < out->freeze_count; k++) {
    out->first_freeze_from_us[k] = v->freeze[k].from_us;
    out->first_freeze_until_us[k] = v->freeze[k].until_us;
    double own_ms = own_freeze_ms(leg, v->freeze[k].from_us, v->freeze[k].until_us);
    if (own_ms > out->longest_own_freeze_ms) out->longest_own_freeze_ms = own_ms;
  }
}

static void on_view_step(void *arg, void *data) {
  struct room *r = arg;
  (void)data;
  const struct room_view_step *step = &r->config->views[r->next_view++];
  control_show(&r->sfus[0].control, step->receiver, step->width, step->height);
}

static double simulated_s;

double room_simulated_s(void) {
  return simulated_s;
}

void room_run(const struct room_config *c, struct room_result *out) {
  simulated_s += c->seconds;
  struct room *r = calloc(1, sizeof *r);
  if (!r) abort();
  memset(out, 0, sizeof *out);
  r->config = c;
  r->out = out;
  out->leg_count = c->receivers;
  sim_clock_init(&r->clock, 0);
  int links = c->shared ? 1 : c->receivers, publishers = c->shared ? c->receivers : 1;
  for (int i = 0; i < links; i++) {
    link_init(&r->down[i], &r->clock, &c->links[i], c->seed, 30 + (uint64_t)i, c->seconds);
    r->down[i].count_from_us = (int64_t)(c->measure_from_s * 1e6);
  }
  for (int i = 0; i < publishers; i++)
    open_publisher(r, i);
  for (int i = 0; i < c->receivers; i++)
    open_leg(r, i);
  if (c->tcp) {
    r->down[0].waits_of = 1;
    tcp_flow_init(&r->tcp, &r->clock, &r->down[0], FLOW_TCP, (int64_t)(2000 * c->links[0].delay_ms), 5000000);
  }
  sim_at(&r->clock, SAMPLE_US, on_sample, r, NULL);
  for (size_t i = 0; i < c->view_count; i++)
    sim_at(&r->clock, (int64_t)(c->views[i].at_s * 1e6), on_view_step, r, NULL);
  sim_run_until(&r->clock, (int64_t)(c->measure_from_s * 1e6));
  begin_measuring(r);
  sim_run_until(&r->clock, (int64_t)(c->seconds * 1e6));
  double sum = 0, squares = 0;
  for (int i = 0; i < c->receivers; i++) {
    measure(r, i);
    sum += out->legs[i].wire_bps;
    squares += out->legs[i].wire_bps * out->legs[i].wire_bps;
  }
  out->paused_s = (double)r->sfus[0].control.paused_us / 1e6;
  out->resumed_s = (double)r->sfus[0].control.resumed_us / 1e6;
  out->audio_only_told = r->sfus[0].control.audio_only_told;
  out->jain = share(sum * sum, c->receivers * squares);
  double tcp = (double)r->down[0].flows[FLOW_TCP].delivered_bytes;
  out->tcp_share = share(tcp, tcp + (double)r->down[0].flows[0].delivered_bytes);
  for (int i = 0; i < publishers; i++) {
    sfu_close(&r->sfus[i]);
    publisher_close(&r->publishers[i]);
    link_close(&r->up[i]);
    link_close(&r->up_back[i]);
  }
  for (int i = 0; i < links; i++)
    link_close(&r->down[i]);
  for (int i = 0; i < c->receivers; i++)
    link_close(&r->legs[i].back);
  sim_clock_close(&r->clock);
  free(r);
}

/* ---- helpers for rows ---- */

double room_layer_reached_s(const struct leg_result *leg, int layer, double from_s, double hold_s) {
  double since = -1;
  for (size_t i = 0; i < leg->sample_count; i++) {
    const struct room_sample *s = &leg->samples[i];
    if (s->at_s < from_s) continue;
    if (s->layer != layer) {
      since = -1;
      continue;
    }
    if (since < 0) since = s->at_s;
    if (s->at_s - since >= hold_s) return since;
  }
  return -1;
}

int room_layer_changes(const struct leg_result *leg, double from_s, double until_s) {
  int changes = 0, last = -2;
  for (size_t i = 0; i < leg->sample_count; i++) {
    const struct room_sample *s = &leg->samples[i];
    if (s->at_s < from_s || s->at_s >= until_s) continue;
    if (last != -2 && s->layer != last) changes++;
    last = s->layer;
  }
  return changes;
}

double room_shown_s(const struct leg_result *leg, double from_s) {
  for (size_t i = 0; i < leg->sample_count; i++) {
    if (leg->samples[i].at_s > from_s && leg->samples[i].shown_s > from_s) return leg->samples[i].shown_s;
  }
  return -1;
}

double room_heard_s(const struct leg_result *leg, double from_s) {
  for (size_t i = 0; i < leg->sample_count; i++) {
    if (leg->samples[i].at_s > from_s && leg->samples[i].heard_s > from_s) return leg->samples[i].heard_s;
  }
  return -1;
}

double room_queue_below_s(const struct leg_result *leg, double ms, double from_s, double hold_s) {
  double since = -1;
  for (size_t i = 0; i < leg->sample_count; i++) {
    const struct room_sample *s = &leg->samples[i];
    if (s->at_s < from_s) continue;
    if (s->queue_ms >= ms) {
      since = -1;
      continue;
    }
    if (since < 0) since = s->at_s;
    if (s->at_s - since >= hold_s) return since;
  }
  return -1;
}
