/* The real worker in virtual time: see tests/sim/worker.h. */
#include "tests/sim/worker.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "signaling/sdp_json.h"
#include "tests/sim/null_transport.h"
#include "tests/sim/offer.h"

#define EPOCH_US   INT64_C(1000000000) /* the engine takes 0 for "never" */
#define FIRST_PORT 5000

static struct sim_worker *running; /* one at a time */

static int64_t now(const struct sim_worker *w) {
  return w->clock->now_us + EPOCH_US;
}

/* ---- instead of the machine ---- */

/* The program's symbols go before the libraries': numbers that depend on the seed alone, … */
int RAND_bytes(unsigned char *out, int bytes) {
  for (int i = 0; i < bytes; i++)
    out[i] = (unsigned char)sim_random_bits(&running->random);
  return 1;
}

static int stream_of(const struct sim_member *m, uint32_t ssrc) {
  for (int i = 0; m->browser && i < m->browser->stream_count; i++) {
    if (m->browser->streams[i].video_ssrc == ssrc) return i;
  }
  return -1;
}

/* RFC 4588: the original number, then its payload. */
static void count_repair(struct sim_member *m, const struct wire_packet *p) {
  for (int i = 0; i < m->browser->stream_count; i++) {
    if (m->browser->streams[i].rtx_ssrc != p->ssrc) continue;
    const uint16_t seq = (uint16_t)(p->payload[0] << 8 | p->payload[1]);
    const int64_t now_us = now(running), sent_us = m->repairs[i][seq % WORKER_REPAIRS].sent_us;
    bool again = sent_us && m->repairs[i][seq % WORKER_REPAIRS].seq == seq;
    m->repeated_soon += again && now_us - sent_us < m->rtt_us;
    m->repairs[i][seq % WORKER_REPAIRS].sent_us = now_us;
    m->repairs[i][seq % WORKER_REPAIRS].seq = seq;
    m->repair_bytes += p->payload_bytes;
  }
}

static void count_sent(struct sim_member *m, uint8_t *data, size_t len) {
  if (data[1] >= 192 && data[1] <= 223) return;
  m->sent_bytes += len;
  const uint32_t timestamp = wire_u32(data + 4);
  const int stream = stream_of(m, wire_u32(data + 8));
  struct wire_packet p;
  if (!m->browser || !wire_read(&p, data, len) || p.payload_bytes == 0) return;
  if (stream < 0) {
    if (p.payload_bytes > 2) count_repair(m, &p);
    return;
  }
  m->media_bytes += p.payload_bytes;
  if (timestamp == m->last_frame[stream]) return;
  m->last_frame[stream] = timestamp;
  m->forwarded_frames++;
}

/* … and what leaves goes over the members' links. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
  (void)fd;
  (void)flags;
  for (unsigned i = 0; i < count; i++) {
    const struct msghdr *h = &messages[i].msg_hdr;
    struct sockaddr_in to;
    memcpy(&to, h->msg_name, sizeof to);
    struct sim_member *m = &running->members[ntohs(to.sin_port) - FIRST_PORT];
    if (h->msg_iovlen != 1 || h->msg_controllen) abort(); /* without UDP_SEGMENT each is one packet */
    count_sent(m, h->msg_iov->iov_base, h->msg_iov->iov_len);
    link_send(m->down, m->flow, h->msg_iov->iov_base, h->msg_iov->iov_len);
  }
  return (int)count;
}

/* Pages of a history that are given back would only be asked for again. */
int madvise(void *at, size_t bytes, int advice) {
  (void)at;
  (void)bytes;
  (void)advice;
  return 0;
}

/* ---- what the room says ---- */

static struct sim_member *member_of(struct sim_worker *w, const char *session) {
  for (int i = 0; i < w->member_count; i++) {
    if (strcmp(w->members[i].session, session) == 0) return &w->members[i];
  }
  abort();
}

static void take_answer(struct sim_member *m, const json_t *json) {
  struct sdp_answer *answer;
  struct sdp_json_fault fault = {""};
  if (sdp_answer_from_json(&answer, json, &fault)) abort();
  for (size_t i = 0; m->browser && i < answer->media_count; i++) {
    const struct sdp_answer_media *media = &answer->media[i];
    int stream = offer_slot(media->mid);
    if (stream < 0) continue;
    struct receiver_stream *s = &m->browser->streams[stream];
    if (offer_is_video(media->mid)) {
      s->video_ssrc = media->ssrc.ssrc;
      s->rtx_ssrc = media->ssrc.rtx_ssrc;
    } else {
      s->audio_ssrc = media->ssrc.ssrc;
    }
  }
  sdp_answer_free(answer);
}

static void on_reply(void *arg, const char *session, json_t *message) {
  struct sim_member *m = member_of(arg, session);
  const json_t *error = json_object_get(message, "error"), *ok = json_object_get(message, "ok"), *track;
  size_t i;
  if (error) {
    fprintf(stderr, "%s: %s\n", session, json_string_value(json_object_get(error, "code")));
    abort();
  }
  if (json_object_get(ok, "answer")) take_answer(m, json_object_get(ok, "answer"));
  json_array_foreach(json_object_get(ok, "tracks"), i, track) {
    const char *mid = json_string_value(json_object_get(track, "mid"));
    const char *id = json_string_value(json_object_get(track, "track"));
    snprintf(offer_is_video(mid) ? m->camera : m->microphone, sizeof m->camera, "%s", id);
  }
  const char *id = json_string_value(json_object_get(ok, "participant"));
  if (id) m->handle = room_manager_find_participant(m->worker->manager, id);
}

/* The publisher's page has heard of it … */
static void follow(void *arg, void *data) {
  struct sim_member *m = arg;
  (void)data;
  for (int i = 0; i < SIM_LAYERS; i++)
    publisher_use_layer(m->publisher, i, m->wanted >> i & 1);
  if (m->wanted == 1) m->paused_us = m->worker->clock->now_us;
  if (m->wanted == (1U << SIM_LAYERS) - 1) m->resumed_us = m->worker->clock->now_us;
}

/* … and its encoders, too. */
static void keep_to(void *arg, void *data) {
  struct sim_member *m = arg;
  (void)data;
  for (int i = 0; i < SIM_LAYERS; i++)
    publisher_limit_layer(m->publisher, i, m->limit_bps[i]);
}

static void on_layers_wanted(struct sim_member *m, const json_t *layers) {
  struct sim_clock *clock = m->worker->clock;
  size_t i;
  json_t *layer;
  m->wanted = 0;
  json_array_foreach(layers, i, layer) {
    if (i >= SIM_LAYERS) abort();
    m->wanted = (uint8_t)(m->wanted | json_is_true(json_object_get(layer, "active")) << i);
    m->limit_bps[i] = json_number_value(json_object_get(layer, "maxBitrate"));
  }
  sim_at(clock, clock->now_us + WORKER_SIGNALING_US, follow, m, NULL);
  if (!m->fixed) sim_at(clock, clock->now_us + WORKER_SIGNALING_US + WORKER_ENCODER_US, keep_to, m, NULL);
}

static void on_event(void *arg, const char *const *sessions, size_t count, json_t *message) {
  const char *name = json_string_value(json_object_get(message, "event"));
  for (size_t i = 0; i < count; i++) {
    struct sim_member *m = member_of(arg, sessions[i]);
    m->audio_only_told += strcmp(name, "audioOnly") == 0;
    if (strcmp(name, "layersWanted") == 0) on_layers_wanted(m, json_object_get(message, "layers"));
  }
}

static void on_close(void *arg, const char *session, int code, const char *reason) {
  (void)arg;
  (void)session;
  (void)code;
  (void)reason;
}

static void on_wait(void *arg, const char *session, bool wait) {
  (void)arg;
  (void)session;
  (void)wait;
}

static void on_acted(void *arg, const struct room_act *act) {
  (void)arg;
  (void)act;
}

/* ---- what browsers ask ---- */

static void request(struct sim_member *m, const char *type, json_t *fields) {
  struct sim_worker *w = m->worker;
  json_object_set_new(fields, "id", json_integer(++w->next_id));
  json_object_set_new(fields, "type", json_string(type));
  w->engine->now_us = now(w);
  if (room_manager_request(w->manager, m->session, fields, now(w))) abort();
  json_decref(fields);
}

void worker_show(struct sim_member *m, uint32_t width, uint32_t height) {
  json_t *requests = json_array();
  for (int i = 0; i < m->worker->member_count; i++) {
    const struct sim_member *other = &m->worker->members[i];
    if (other == m || !other->publisher) continue;
    json_array_append_new(requests, json_pack("{s:s, s:i, s:i, s:b, s:s}", "track", other->camera, "width", (int)width,
                                              "height", (int)height, "visible", width > 0, "priority", "normal"));
  }
  request(m, "view", json_pack("{s:o}", "requests", requests));
}

struct sim_member *worker_join(struct sim_worker *w, const struct sim_joining *how) {
  if (w->member_count == WORKER_MEMBERS) abort();
  int index = w->member_count++;
  struct sim_member *m = &w->members[index];
  *m = (struct sim_member){.worker = w,
                           .publisher = how->publisher,
                           .browser = how->browser,
                           .down = how->down,
                           .flow = how->flow,
                           .fixed = how->fixed,
                           .wanted = (1U << SIM_LAYERS) - 1};
  snprintf(m->session, sizeof m->session, "s_%d", index);
  if (how->browser) how->browser->stream_count = how->streams;
  struct room_session_info info = {
      .session = m->session, .room = "ward", .identity = m->session, .role = how->role, .expires_s = INT32_MAX};
  if (room_manager_session_open(w->manager, &info, now(w))) abort();
  request(m, "join", json_object());
  request(m, "offer",
          json_pack("{s:o}", "offer", offer_make(how->publisher, how->browser ? how->streams : 0, how->red)));
  m->peer = engine_find_peer(w->engine, m->handle);
  if (!ice_address_parse(&m->address, "192.0.2.1", (uint16_t)(FIRST_PORT + index))) abort();
  m->rtt_us = how->rtt_us;
  null_transport_connect(m->peer->transport, &m->address, how->rtt_us);
  peer_hurry(m->peer);
  if (how->publisher)
    request(m, "publish",
            json_pack("{s:[{s:s, s:s}, {s:s, s:s, s:i, s:i}]}", "tracks", "mid", OFFER_MICROPHONE, "source",
                      "microphone", "mid", OFFER_CAMERA, "source", "camera", "width", 1280, "height", 720));
  return m;
}

/* ---- packets ---- */

static void end_batch(struct sim_worker *w) {
  engine_batch_over(w->engine);
  engine_service_touched(w->engine, now(w));
  engine_flush(w->engine);
  w->batched = 0;
}

static void on_wake(void *arg, void *data) {
  struct sim_worker *w = arg;
  (void)data;
  w->awake = false;
  w->engine->now_us = now(w);
  end_batch(w);
}

void worker_receive(struct sim_member *m, const uint8_t *data, size_t len) {
  struct sim_worker *w = m->worker;
  uint8_t *copy = w->slab[w->batched++];
  link_copy(copy, data, len);
  engine_receive(w->engine, &m->address.any, ice_address_length(&m->address), copy, len, now(w));
  if (w->batched == WORKER_BATCH) end_batch(w);
  if (!w->awake) sim_at(w->clock, w->clock->now_us + WORKER_WAKE_US, on_wake, w, NULL);
  w->awake = true;
}

/* ---- time ---- */

struct slot *worker_video(struct sim_member *m, int stream) {
  if (m->video[stream]) return m->video[stream];
  char mid[8];
  offer_slot_mid(mid, true, stream);
  const struct section *section = peer_find_section(m->peer, mid, strlen(mid));
  return m->video[stream] = section ? section->slot : NULL;
}

/* What signaling tells the page. Before it is told, a picture that stands still is a freeze. */
static void tell_page(struct sim_member *m, int stream) {
  const struct slot *slot = worker_video(m, stream);
  if (!slot || !slot->track) return;
  bool starved = slot->share == LAYER_NONE && m->peer->link.audio_only_told &&
                 (slot->share_reason == ALLOCATION_BANDWIDTH || slot->share_reason == ALLOCATION_STALLED);
  video_buffer_pause(&m->browser->streams[stream].video, starved || !slot_is_shown(slot), m->worker->clock->now_us);
  m->layer_changes += slot->share != m->share[stream];
  m->share[stream] = slot->share;
}

static void on_tick(void *arg, void *data) {
  struct sim_worker *w = arg;
  (void)data;
  engine_tick(w->engine, now(w));
  engine_flush(w->engine);
  if (room_manager_deadline(w->manager) <= now(w)) room_manager_tick(w->manager, now(w));
  for (int i = 0; i < w->member_count; i++) {
    for (int k = 0; w->members[i].browser && k < w->members[i].browser->stream_count; k++)
      tell_page(&w->members[i], k);
  }
  sim_at(w->clock, w->clock->now_us + WORKER_TICK_US, on_tick, w, NULL);
}

uint64_t worker_keyframes_asked(const struct sim_member *m) {
  uint64_t most = 0;
  const struct track *track =
      engine_find_track(m->worker->engine, room_manager_find_track(m->worker->manager, m->camera));
  for (size_t i = 0; i < ENGINE_MAX_LAYERS; i++) {
    struct rtp_incoming_stats stats;
    if (!track->layers[i]) continue;
    rtp_incoming_stream_stats(track->layers[i]->stream, now(m->worker), &stats);
    if (stats.keyframes_asked > most) most = stats.keyframes_asked;
  }
  return most;
}

/* ---- life ---- */

static void give_random(void *arg, void *out, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    ((uint8_t *)out)[i] = (uint8_t)sim_random_bits(arg);
}

void worker_open(struct sim_worker *w, struct sim_clock *clock, uint64_t seed) {
  static const char *const candidates[] = {"192.0.2.2"};
  w->clock = clock;
  running = w;
  sim_random_init(&w->random, seed, 400);
  if (udp_socket_open(&w->socket, "127.0.0.1", 0, 0)) abort();
  struct engine_settings settings = {.sockets = &w->socket,
                                     .socket_count = 1,
                                     .candidate_addresses = candidates,
                                     .candidate_count = 1,
                                     .unix_now_s = 1795334400};
  if (engine_create(&w->engine, &settings)) abort();
  w->glue.engine = w->engine;
  w->listener = room_glue_listener;
  w->listener.reply = on_reply;
  w->listener.event = on_event;
  w->listener.close = on_close;
  w->listener.session_wait = on_wait;
  w->listener.acted = on_acted;
  struct room_settings rooms;
  room_settings_init(&rooms);
  rooms.policy.never_direct = true;
  rooms.random = give_random;
  rooms.random_arg = &w->random;
  if (room_manager_create(&w->manager, &rooms, &w->listener, w)) abort();
  w->engine->manager = w->manager;
  w->engine->now_us = now(w);
  sim_at(clock, clock->now_us + WORKER_TICK_US, on_tick, w, NULL);
}

void worker_close(struct sim_worker *w) {
  for (int i = 0; i < w->member_count; i++)
    room_manager_session_end(w->manager, w->members[i].session, now(w));
  engine_free(w->engine);
  room_manager_free(w->manager);
  udp_socket_close(w->socket);
}
