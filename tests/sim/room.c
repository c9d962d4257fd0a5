/* One run: see tests/sim/room.h. */
#include "tests/sim/room.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/offer.h"

#define SAMPLE_US  100000
#define RETURN_MS  0.5
#define MARK_US    20000
#define MARKS      10000
#define HELD_UP_US 150000
#define FLOW_TCP   7

struct leg {
  struct room *room;
  struct publisher *publisher;
  struct sfu *sfu;           /* of elastic runs */
  struct sim_member *member; /* of the others */
  struct receiver browser;
  struct sim_link *down, back; /* back: receiver to server */
  uint8_t flow;
  uint64_t frames_before, sampled_bytes;
  uint8_t slow[MARKS], lossy[MARKS]; /* by 20 ms: a packet was held up; a packet was lost */
};

struct room {
  const struct room_config *config;
  struct room_result *out;
  struct sim_clock clock;
  struct sim_link down[ROOM_LEGS], up[ROOM_LEGS], up_back[ROOM_LEGS];
  struct publisher publishers[ROOM_LEGS];
  struct sfu sfus[ROOM_LEGS];
  struct sim_worker worker;
  struct sim_member *speakers[ROOM_LEGS]; /* who sends publishers[i] */
  struct leg legs[ROOM_LEGS];
  struct tcp_flow tcp;
  size_t next_view;
};

/* ---- both servers ---- */

static struct downlink *downlink_of(const struct leg *leg) {
  return leg->member ? leg->member->peer->link.downlink : leg->sfu->downlink;
}

static uint64_t sent_bytes(const struct leg *leg) {
  return leg->member ? leg->member->sent_bytes : leg->sfu->sent_bytes;
}

static uint64_t forwarded_frames(const struct leg *leg) {
  return leg->member ? leg->member->forwarded_frames : leg->sfu->forwarded_frames;
}

static int flowing(const struct leg *leg, int stream) {
  const struct slot *slot = leg->member ? worker_video(leg->member, stream) : NULL;
  const struct rtp_outgoing_stream *out = leg->member ? slot->out : leg->sfu->video;
  const struct rtp_incoming_stream *current = rtp_outgoing_stream_current(out);
  return current ? rtp_incoming_stream_layer(current) : -1;
}

/* ---- wiring ---- */

static void publisher_to_link(void *arg, const uint8_t *data, size_t len) {
  link_send(arg, 0, data, len);
}

static void link_to_sfu(void *arg, struct sim_packet *p) {
  sfu_receive(arg, p->data, p->len);
}

static void link_to_worker(void *arg, struct sim_packet *p) {
  worker_receive(arg, p->data, p->len);
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
  if (leg->publisher && rtp_kind_of(p->data, p->len) == RTP_KIND_RTCP)
    publisher_receive(leg->publisher, p->data, p->len);
  else
    receiver_packet(&leg->browser, p);
}

static void link_lost(void *arg, const struct sim_packet *p) {
  (void)p;
  struct leg *leg = arg;
  mark(leg->lossy, leg->room->clock.now_us);
}

static void link_to_slot(void *arg, struct sim_packet *p) {
  struct leg *leg = arg;
  if (leg->member)
    worker_receive(leg->member, p->data, p->len);
  else
    sfu_receive_rtcp(leg->sfu, p->data, p->len);
}

static void open_publisher(struct room *r, int i) {
  const struct room_config *c = r->config;
  struct link_profile back = {.delay_ms = c->uplink.delay_ms};
  link_init(&r->up[i], &r->clock, &c->uplink, c->seed, 10 + (uint64_t)i, c->seconds);
  link_init(&r->up_back[i], &r->clock, &back, c->seed, 20 + (uint64_t)i, c->seconds);
  publisher_init(&r->publishers[i], &r->clock, c->seed + 1000 * (uint64_t)i, c->elastic);
  r->publishers[i].mid = c->elastic ? NULL : OFFER_CAMERA;
  r->publishers[i].send = publisher_to_link;
  r->publishers[i].arg = &r->up[i];
  r->up_back[i].flows[0] = (struct link_flow){.deliver = link_to_publisher, .arg = &r->publishers[i]};
  if (!c->elastic) return;
  sfu_init(&r->sfus[i], &r->clock, &r->publishers[i]);
  r->sfus[i].to_publisher = publisher_to_link;
  r->sfus[i].arg = &r->up_back[i];
  r->up[i].flows[0] = (struct link_flow){.deliver = link_to_sfu, .arg = &r->sfus[i]};
}

static void speak(struct room *r, int i, struct sim_member *m) {
  r->speakers[i] = m;
  r->up[i].flows[0] = (struct link_flow){.deliver = link_to_worker, .arg = m};
}

/* Members join one after the other; with `everybody` they see each other when all are there. */
static void fill_room(struct room *r) {
  const struct room_config *c = r->config;
  const int64_t up_rtt_us = (int64_t)(2000 * c->uplink.delay_ms);
  worker_open(&r->worker, &r->clock, c->seed);
  if (!c->everybody)
    speak(r, 0,
          worker_join(&r->worker, &(struct sim_joining){.role = "doctor",
                                                        .publisher = &r->publishers[0],
                                                        .fixed = c->fixed,
                                                        .down = &r->up_back[0],
                                                        .rtt_us = up_rtt_us}));
  if (c->join_s > 0) sim_run_until(&r->clock, (int64_t)(c->join_s * 1e6));
  for (int i = 0; i < c->receivers; i++) {
    struct leg *leg = &r->legs[i];
    leg->publisher = c->everybody ? &r->publishers[i] : NULL;
    leg->member = worker_join(&r->worker, &(struct sim_joining){.role = i || !c->everybody ? "patient" : "doctor",
                                                                .publisher = leg->publisher,
                                                                .browser = &leg->browser,
                                                                .streams = c->everybody ? c->receivers - 1 : 1,
                                                                .red = c->red,
                                                                .down = leg->down,
                                                                .flow = leg->flow,
                                                                .rtt_us = leg->browser.rtt_us});
    if (c->everybody) speak(r, i, leg->member);
  }
  for (int i = 0; i < c->receivers; i++)
    worker_show(r->legs[i].member, 1280, 720);
}

static void open_leg(struct room *r, int i) {
  const struct room_config *c = r->config;
  struct leg *leg = &r->legs[i];
  int own = c->shared ? 0 : i;
  const struct link_profile *profile = &c->links[own];
  leg->room = r;
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
  if (c->elastic) {
    leg->sfu = &r->sfus[c->shared ? i : 0];
    sfu_add_receiver(leg->sfu, leg->down, leg->flow, c->seed);
  }
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
  const struct receiver_stream *first = &leg->browser.streams[0];
  uint64_t bytes = sent_bytes(leg) - leg->sampled_bytes;
  leg->sampled_bytes = sent_bytes(leg);
  int layer = 0;
  for (int k = leg->browser.stream_count - 1; k >= 0; k--)
    layer = layer * (SIM_LAYERS + 1) + flowing(leg, k) + 1;
  out->samples[out->sample_count++] = (struct room_sample){
      .at_s = (float)((double)r->clock.now_us / 1e6),
      .target_bps = (float)bandwidth_estimator_bps(downlink_estimator(downlink_of(leg))),
      .queue_ms = (float)link_queue_ms(leg->down),
      .wire_bps = (float)((double)bytes * 8e6 / SAMPLE_US),
      .shown_s = (float)((double)first->video.shown_us / 1e6),
      .heard_s = (float)((double)first->audio.heard_us / 1e6),
      .layer = (int8_t)(layer - 1),
      .audio_only = leg->member && leg->member->peer->link.audio_only,
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
    leg->frames_before = forwarded_frames(leg);
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

static void measure_freezes(const struct leg *leg, const struct video_buffer *v, struct leg_result *out) {
  for (size_t k = 0; k < v->freezes && k < VIDEO_FREEZES; k++) {
    double own_ms = own_freeze_ms(leg, v->freeze[k].from_us, v->freeze[k].until_us);
    if (own_ms > out->longest_own_freeze_ms) out->longest_own_freeze_ms = own_ms;
    if (out->freeze_count == VIDEO_FREEZES) continue;
    out->first_freeze_from_us[out->freeze_count] = v->freeze[k].from_us;
    out->first_freeze_until_us[out->freeze_count++] = v->freeze[k].until_us;
  }
}

/* Of its streams the worst, of frames all. */
static void measure_streams(struct room *r, const struct leg *leg, struct leg_result *out) {
  const double seconds = r->config->seconds - r->config->measure_from_s;
  const struct video_buffer *first = &leg->browser.streams[0].video;
  uint64_t in_time = 0;
  out->first_shown_s = (double)first->first_us / 1e6;
  out->shown_fps = share((double)first->frames_shown, r->config->seconds - out->first_shown_s);
  for (int k = 0; k < leg->browser.stream_count; k++) {
    const struct video_buffer *v = &leg->browser.streams[k].video;
    const struct audio_buffer *a = &leg->browser.streams[k].audio;
    in_time += v->frames_in_time;
    out->frozen_share = fmax(out->frozen_share, share((double)v->frozen_us / 1e6, seconds));
    out->longest_freeze_ms = fmax(out->longest_freeze_ms, (double)v->longest_us / 1000);
    out->concealed = fmax(out->concealed, share((double)a->concealed, (double)a->played));
    measure_freezes(leg, v, out);
  }
  out->frames = forwarded_frames(leg) - leg->frames_before;
  out->frames_in_time = fmin(share((double)in_time, (double)out->frames), 1);
}

static void measure(struct room *r, int i) {
  const struct room_config *c = r->config;
  struct leg *leg = &r->legs[i];
  struct leg_result *out = &r->out->legs[i];
  const double seconds = c->seconds - c->measure_from_s;
  double capacity = link_capacity_bits(leg->down, (int64_t)(c->measure_from_s * 1e6), (int64_t)(c->seconds * 1e6));
  out->use = share((double)leg->down->flows[leg->flow].delivered_bytes * 8, capacity);
  out->wire_bps = (double)leg->down->flows[leg->flow].delivered_bytes * 8 / seconds;
  out->wait_p95_ms = link_wait_quantile(leg->down, 0.95);
  out->wait_max_ms = link_wait_quantile(leg->down, 1);
  out->target_share = target_share(out, leg->down, c->measure_from_s);
  measure_streams(r, leg, out);
  out->plis = leg->browser.plis;
  if (leg->member && leg->member->media_bytes) {
    out->repair_share = (double)leg->member->repair_bytes / (double)leg->member->media_bytes;
    out->repeated_soon = leg->member->repeated_soon;
  }
  if (leg->member) out->keyframe_requests = worker_keyframes_asked(r->speakers[0]);
  if (leg->member) out->layer_changes = leg->member->layer_changes;
  out->decreases = downlink_estimator(downlink_of(leg))->decreases;
  struct downlink_stats stats;
  downlink_get_stats(downlink_of(leg), &stats);
  out->probe_bytes = stats.probe_bytes;
  out->cut = stats.cut;
  out->delayed = stats.delayed;
}

static void on_view_step(void *arg, void *data) {
  struct room *r = arg;
  (void)data;
  const struct room_view_step *step = &r->config->views[r->next_view++];
  worker_show(r->legs[step->receiver].member, step->width, step->height);
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
  int links = c->shared ? 1 : c->receivers, publishers = c->shared || c->everybody ? c->receivers : 1;
  for (int i = 0; i < links; i++) {
    link_init(&r->down[i], &r->clock, &c->links[i], c->seed, 30 + (uint64_t)i, c->seconds);
    r->down[i].count_from_us = (int64_t)(c->measure_from_s * 1e6);
  }
  for (int i = 0; i < publishers; i++)
    open_publisher(r, i);
  for (int i = 0; i < c->receivers; i++)
    open_leg(r, i);
  if (!c->elastic) fill_room(r);
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
  if (!c->elastic) {
    out->paused_s = (double)r->speakers[0]->paused_us / 1e6;
    out->resumed_s = (double)r->speakers[0]->resumed_us / 1e6;
    out->audio_only_told = r->legs[0].member->audio_only_told;
  }
  out->jain = share(sum * sum, c->receivers * squares);
  double tcp = (double)r->down[0].flows[FLOW_TCP].delivered_bytes;
  out->tcp_share = share(tcp, tcp + (double)r->down[0].flows[0].delivered_bytes);
  if (!c->elastic) worker_close(&r->worker);
  for (int i = 0; i < publishers; i++) {
    if (c->elastic) sfu_close(&r->sfus[i]);
    publisher_close(&r->publishers[i]);
    link_close(&r->up[i]);
    link_close(&r->up_back[i]);
  }
  for (int i = 0; i < links; i++)
    link_close(&r->down[i]);
  for (int i = 0; i < c->receivers; i++) {
    link_close(&r->legs[i].back);
    receiver_close(&r->legs[i].browser);
  }
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

int room_layer_returns(const struct leg_result *leg, double from_s, double until_s) {
  int returns = 0, last = -2, before = -2;
  for (size_t i = 0; i < leg->sample_count; i++) {
    const struct room_sample *s = &leg->samples[i];
    if (s->at_s < from_s || s->at_s >= until_s || s->layer == last) continue;
    returns += s->layer == before;
    before = last;
    last = s->layer;
  }
  return returns;
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
