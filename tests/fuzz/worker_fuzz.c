/* Fuzzes the media engine from inside: an authenticated member sends whatever the script says, as RTP and RTCP already decrypted,
 * while another one watches it, asks for repairs and layers, and offers anew. The engine, the room and SRTP are the real ones.
 *
 * Checks after every operation: caps hold, and every pointer between streams, sections, tracks and slots leads to where it
 * should and back. At the end everybody leaves and the registers must be empty.
 *
 * Script: operation byte, then what it takes; see run(). Seeds: worker_seeds.py.
 */
#include <sys/socket.h>

#include "ice/demux.h"
#include "tests/server/worker/engine_harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                \
  do {                                  \
    if (!(condition)) __builtin_trap(); \
  } while (0)

struct script {
  const uint8_t *at, *end;
};

static uint8_t next8(struct script *s) {
  return s->at < s->end ? *s->at++ : 0;
}

static size_t next_bytes(struct script *s, uint8_t *out, size_t most) {
  size_t len = (size_t)next8(s) << 1;
  if (len > most) len = most;
  for (size_t i = 0; i < len; i++)
    out[i] = next8(s);
  return len;
}

/* ---- the world: made once; its members come and go with each input ---- */

static struct harness *h;
static struct browser *sender, *viewer;
static char track[ROOM_ID_BYTES];
static uint16_t seq; /* of what is sent, whatever the SSRC */
static uint32_t timestamp;

/* A datagram stays until its batch is over; batches of up to eight. */
static void deliver(struct browser *b, const uint8_t *data, size_t len) {
  enum { BATCH = 8 };
  static uint8_t slab[BATCH][UDP_DATAGRAM_BYTES];
  static size_t at;
  if (at == BATCH) {
    engine_batch_over(h->engine);
    at = 0;
  }
  memcpy(slab[at], data, len);
  engine_receive(h->engine, &b->address.any, ice_address_length(&b->address), slab[at++], len, h->now_us);
}

/* A check, and the answer to the engine's own, so that its address counts as proven. */
static void prove(struct browser *b) {
  uint8_t data[2048], answer[512];
  while (recv(b->fd, data, sizeof data, 0) >= 0) { /* left over */
  }
  const struct stun_check_options options = {.use_candidate = true};
  deliver(b, data, stun_client_check(&b->ice, &options, data, sizeof data));
  engine_flush(h->engine);
  for (ssize_t n; (n = recv(b->fd, data, sizeof data, 0)) >= 0;) {
    if (ice_demux(data, (size_t)n) != ICE_PACKET_STUN || stun_class_of(data, (size_t)n) != STUN_REQUEST) continue;
    deliver(b, answer, stun_client_answer(&b->ice, data, (size_t)n, &b->address, answer, sizeof answer));
  }
}

/* A browser's offer with two codecs a line: offers are most of an input's time, and have a fuzzer of their own. */
static json_t *offers[2];

static json_t *make_offer(struct browser *b) {
  json_t *offer = browser_offer_make(b, "chromium");
  size_t i;
  json_t *media;
  json_array_foreach(json_object_get(offer, "media"), i, media) {
    json_t *codecs = json_object_get(media, "codecs");
    while (json_array_size(codecs) > 2)
      json_array_remove(codecs, 2);
  }
  return offer;
}

static void offer_again(struct browser *b, uint8_t change) {
  json_t *offer = json_deep_copy(offers[b == viewer]);
  static const char *const mids[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
  static const char *const directions[] = {"sendonly", "recvonly", "sendrecv", "inactive"};
  if (change & 0x80) {
    json_t *media = offer_media(offer, mids[change & 7]);
    if (change & 0x40)
      json_object_set_new(media, "rejected", json_true());
    else if (change & 0x20)
      json_object_set_new(media, "rids", json_pack("[s, s]", "q", "f"));
    else
      json_object_set_new(media, "direction", json_string(directions[change >> 3 & 3]));
  }
  b->harness->engine->now_us = h->now_us;
  json_decref(b->last);
  b->last = NULL;
  json_t *request = json_pack("{s:i, s:s, s:o}", "id", 1, "type", "offer", "offer", offer);
  room_manager_request(h->manager, b->session, request, h->now_us);
  json_decref(request);
}

static void publish(void) {
  const char *error =
      browser_request(sender, "publish", json_pack("{s:[{s:s, s:s}]}", "tracks", "mid", "1", "source", "camera"));
  if (*error) return;
  const json_t *tracks = json_object_get(json_object_get(sender->last, "ok"), "tracks");
  snprintf(track, sizeof track, "%s", json_string_value(json_object_get(json_array_get(tracks, 0), "track")));
}

static void come_in(struct browser *b) {
  browser_open_session(b, "doctor");
  browser_join(b);
  offer_again(b, 0);
  const json_t *ice = json_object_get(json_object_get(json_object_get(b->last, "ok"), "answer"), "ice");
  snprintf(b->server_ufrag, sizeof b->server_ufrag, "%s", json_string_value(json_object_get(ice, "ufrag")));
  snprintf(b->server_pwd, sizeof b->server_pwd, "%s", json_string_value(json_object_get(ice, "pwd")));
  stun_client_init(&b->ice, b->ufrag, BROWSER_PWD, b->server_ufrag, b->server_pwd);
  prove(b);
  browser_give_keys(b);
  engine_tick(h->engine, h->now_us);
}

static void make_world(void) {
  h = harness_new();
  sender = harness_open(h, "doctor");
  viewer = harness_open(h, "doctor");
  offers[0] = make_offer(sender);
  offers[1] = make_offer(viewer);
  for (int i = 0; i < 2; i++) {
    struct browser *b = i ? viewer : sender;
    room_manager_session_end(h->manager, b->session, h->now_us);
    static const struct {
      uint8_t id;
      enum rtp_extension x;
    } ids[] = {{1, RTP_EXTENSION_AUDIO_LEVEL},
               {3, RTP_EXTENSION_TRANSPORT_SEQUENCE},
               {4, RTP_EXTENSION_MID},
               {10, RTP_EXTENSION_RID},
               {11, RTP_EXTENSION_REPAIRED_RID},
               {12, RTP_EXTENSION_DEPENDENCY_DESCRIPTOR},
               {13, RTP_EXTENSION_VIDEO_ORIENTATION}};
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++)
      rtp_extension_map_add(&b->extensions, ids[k].id, ids[k].x);
  }
}

/* ---- what must hold ---- */

static bool lies_in(const struct peer *peer, const struct incoming *incoming) {
  return incoming >= peer->incoming && incoming < peer->incoming + peer->incoming_count;
}

static void check_peer(const struct peer *peer) {
  CHECK(peer->incoming_count <= ENGINE_MAX_INCOMING && peer->section_count <= ENGINE_MAX_SECTIONS);
  for (size_t i = 0; i < peer->incoming_count; i++) {
    const struct incoming *incoming = &peer->incoming[i];
    bool known = false;
    for (size_t k = 0; k < peer->section_count; k++)
      known |= peer->sections[k] == incoming->section;
    CHECK(known && incoming->layer < ENGINE_MAX_LAYERS);
    CHECK(!incoming->stream || rtp_incoming_stream_layer(incoming->stream) == incoming->layer);
    CHECK(!incoming->media ||
          (lies_in(peer, incoming->media) && incoming->media->stream && incoming->media->section == incoming->section));
  }
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct section *section = peer->sections[i];
    const struct slot *slot = section->slot;
    CHECK(!section->track || section->track->section == section);
    if (!slot) continue;
    CHECK(slot->peer == peer && slot->section == section);
    CHECK(!slot->track || slot->track->subscribers[slot->index] == slot);
    CHECK(!slot->track || slot->open);
    CHECK(slot->track || !rtp_outgoing_stream_wanted(slot->out));
  }
}

static void check_world(void) {
  for (const struct peer *peer = h->engine->peers; peer; peer = peer->hh.next)
    check_peer(peer);
  for (const struct track *t = h->engine->tracks; t; t = t->hh.next) {
    for (size_t i = 0; i < ENGINE_MAX_LAYERS; i++) {
      const struct incoming *layer = t->layers[i];
      CHECK(!layer ||
            (lies_in(t->publisher, layer) && layer->layer == i && layer->stream && layer->section == t->section));
    }
    for (size_t i = 0; i < t->subscriber_count; i++)
      CHECK(t->subscribers[i]->track == t && t->subscribers[i]->index == i);
  }
}

/* ---- operations ---- */

static struct peer *peer_of(const struct browser *b) {
  return engine_find_peer(h->engine, b->handle);
}

/* A packet that is likely to be understood: SSRC, mid, rid and payload type out of short lists. */
static void send_rtp(struct script *s) {
  static const char *const mids[] = {NULL, "0", "1", "2", "3", "9"}, *const rids[] = {NULL, "q", "h", "f", "x"};
  static const uint8_t pts[] = {111, 96, 97, 102, 103, 63, 45, 0};
  static uint8_t packet[1600]; /* the engine keeps what is forwarded until its batch is over */
  uint8_t payload[600];
  const uint8_t a = next8(s), b = next8(s), c = next8(s);
  seq = (uint16_t)(seq + (int8_t)next8(s));
  timestamp += (uint32_t)next8(s) * 90;
  const struct shot shot = {.ssrc = a & 0x0f                       ? (uint32_t)(a & 0x0f) * 1000
                                    : browser_section(sender, "2") ? 1958593150
                                                                   : 5,
                            .timestamp = timestamp,
                            .seq = seq,
                            .pt = pts[a >> 4 & 7],
                            .padding = (uint8_t)(b & 0x80 ? 255 : 0),
                            .marker = b & 0x40,
                            .mid = mids[(b & 7) % 6],
                            .rid = rids[(c & 7) % 5],
                            .repaired_rid = rids[(c >> 3 & 7) % 5],
                            .level = a & 0x80 ? c : -1,
                            .transport_seq = c & 0x80 ? seq : -1,
                            .payload = payload,
                            .len = next_bytes(s, payload, 500)};
  peer_receive_rtp(peer_of(sender), packet, browser_write_rtp(sender, &shot, packet), h->now_us);
}

static void send_raw(struct script *s, struct browser *from, bool rtp) {
  static uint8_t packet[600]; /* as above */
  const size_t len = next_bytes(s, packet, 500);
  if (rtp)
    peer_receive_rtp(peer_of(from), packet, len, h->now_us);
  else
    peer_receive_rtcp(peer_of(from), packet, len, h->now_us);
}

static uint32_t slot_ssrc(uint8_t which) {
  const struct peer *peer = peer_of(viewer);
  if (peer->section_count == 0) return which;
  const struct slot *slot = peer->sections[which % peer->section_count]->slot;
  return slot ? slot->ssrc : which;
}

/* Feedback of the viewer about one of its slots. */
static void send_feedback(struct script *s) {
  uint8_t packet[1200];
  const uint8_t what = next8(s);
  const uint32_t ssrc = slot_ssrc(what >> 2);
  int len = 0;
  if ((what & 3) == 0) {
    uint16_t seqs[64];
    size_t count = next8(s) % 64 + 1u;
    for (size_t i = 0; i < count; i++)
      seqs[i] = (uint16_t)(next8(s) << 8 | next8(s));
    len = rtcp_write_nack(packet, sizeof packet, 1, ssrc, seqs, count, NULL);
  } else if ((what & 3) == 1) {
    len = rtcp_write_pli(packet, sizeof packet, 1, ssrc);
  } else {
    const struct rtcp_report report = {
        .ssrc = 1, .count = 1, .blocks = {{.ssrc = ssrc, .fraction_lost = next8(s), .last_sr = next8(s)}}};
    len = rtcp_write_report(packet, sizeof packet, &report);
  }
  if (len > 0) peer_receive_rtcp(peer_of(viewer), packet, (size_t)len, h->now_us);
}

static void request(struct script *s) {
  const uint8_t what = next8(s);
  switch (what % 5) {
    case 0:
      publish();
      return;
    case 1:
      browser_request(sender, "unpublish", json_pack("{s:[s]}", "tracks", track));
      return;
    case 2:
      browser_request(sender, "mute", json_pack("{s:s, s:b}", "track", track, "muted", what & 0x80));
      return;
    default:
      browser_request(
          viewer, "view",
          json_pack("{s:[{s:s, s:i, s:i, s:b, s:s}]}", "requests", "track", track, "width", (what >> 3) * 60, "height",
                    (what >> 3) * 40, "visible", what & 0x80, "priority", "high"));
  }
}

static void advance(struct script *s) {
  h->now_us += (int64_t)next8(s) * 5 * MILLISECOND;
  engine_tick(h->engine, h->now_us);
  if (room_manager_deadline(h->manager) <= h->now_us) room_manager_tick(h->manager, h->now_us);
}

static void run(struct script *s) {
  switch (next8(s) % 9) {
    case 0:
      advance(s);
      return;
    case 1:
      send_raw(s, sender, true);
      return;
    case 2:
      send_raw(s, sender, false);
      return;
    case 3:
      send_raw(s, viewer, false);
      return;
    case 4:
      send_feedback(s);
      return;
    case 5:
      request(s);
      return;
    case 6:
      offer_again(next8(s) & 1 ? viewer : sender, next8(s));
      return;
    default:
      send_rtp(s);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!h) make_world();
  struct script s = {.at = data, .end = data + size};
  h->random = 88172645463325252u;
  seq = 0;
  timestamp = 0;
  h->engine->gather.whole_us = size % 2 ? GATHER_LIMIT_MAX_US : 0; /* a loaded worker keeps frames whole */
  memset(&h->engine->counters, 0, sizeof h->engine->counters);
  come_in(sender);
  come_in(viewer);
  publish();
  for (int i = 0; i < 200 && s.at < s.end; i++) {
    run(&s);
    engine_service_touched(h->engine, h->now_us);
    check_world();
  }
  engine_flush(h->engine);
  room_manager_session_end(h->manager, sender->session, h->now_us);
  check_world();
  room_manager_session_end(h->manager, viewer->session, h->now_us);
  CHECK(!h->engine->peers && !h->engine->tracks && !h->engine->ufrags && !h->engine->rooms && !h->engine->touched);
  CHECK(address_map_size(h->engine->addresses) == 0);
  browser_forget(sender);
  browser_forget(viewer);
  return 0;
}
