/* tests/server/room/direct_client.c: a client's half of PROTOCOL.md §13, as an SDK has to do it. */
#include <string.h>

#include "tests/server/room/direct_world.h"

#define STALL_US    (1000 * MS)  /* no packets for so long                                */
#define CLOSE_US    (100 * MS)   /* until the other one has the close_notify of DTLS                */
#define PATIENCE_US (10000 * MS) /* so long an ended connection is kept that somebody may need */

static const char *text(const json_t *object, const char *key) {
  const char *value = json_string_value(json_object_get(object, key));
  return value ? value : "";
}

static uint32_t attempt_of(const json_t *message) {
  return (uint32_t)json_integer_value(json_object_get(message, "attempt"));
}

static struct pc *find(struct page *p, uint32_t attempt) {
  for (int i = 0; i < WORLD_PCS; i++)
    if (p->pcs[i].open && p->pcs[i].attempt == attempt) return &p->pcs[i];
  return NULL;
}

static int other_seat(const struct world *w, const struct pc *pc) {
  return w->links[pc->link].seat[1 - pc->side];
}

/* Reports of careless clients get lost, come late, or twice. */
static void report(struct world *w, int seat, uint32_t attempt, const char *state) {
  json_t *fields =
      json_pack("{s:I, s:s, s:i}", "attempt", (json_int_t)attempt, "state", state, "gapMs", (int)world_random(w, 90));
  if (strcmp(state, "connected") == 0) json_object_set_new(fields, "pair", json_string("host"));
  uint32_t dice = w->careless ? world_random(w, 100) : 100;
  if (dice < 10) {
    json_decref(fields);
    return;
  }
  if (dice < 20) world_request(w, seat, "directState", json_deep_copy(fields));
  if (dice < 25) {
    json_t *stale = json_deep_copy(fields);
    json_object_set_new(stale, "attempt", json_integer(1 + world_random(w, attempt + 2)));
    world_request(w, seat, "directState", stale);
  }
  if (dice < 35) { /* late: kept in the client */
    json_object_set_new(fields, "type", json_string("directState"));
    world_later(w, world_random(w, 4000) * MS, TO_SERVER, seat, 1);
    w->queue[w->queue_count - 1].message = fields;
    return;
  }
  world_request(w, seat, "directState", fields);
}

/* Careless: what was said of an earlier attempt is said once more, now. */
static void report_stale(struct world *w, int seat, uint32_t attempt, const char *state) {
  if (!w->careless || attempt < 2 || world_random(w, 3)) return;
  json_t *fields = json_pack("{s:I, s:s}", "attempt", (json_int_t)attempt - 1, "state", state);
  world_request(w, seat, "directState", fields);
}

static void close_pc(struct world *w, struct page *p, struct pc *pc) {
  struct link *l = &w->links[pc->link];
  if (p->shows == pc->link + 1) p->shows = 0;
  l->open[pc->side] = false;
  if (!l->closed_us) l->closed_us = w->now_us;
  pc->open = false;
  world_later(w, CLOSE_US, POKE, l->seat[1 - pc->side], 0);
}

void client_leave(struct world *w, int seat) {
  struct page *p = &w->pages[seat];
  world_request(w, seat, "leave", NULL);
  for (int i = 0; i < WORLD_PCS; i++)
    if (p->pcs[i].open) close_pc(w, p, &p->pcs[i]);
  p->joined = p->transport = false;
  for (int i = 0; i < WORLD_SEATS; i++)
    w->flows[seat][i].seen = w->flows[i][seat].seen = false;
  p->sending = true;
  p->id[0] = '\0';
}

/* ---- what the server says ----------------------------------------------------------------------------------------- */

/* The link that the other side has begun already, or a new one. */
static int link_for(struct world *w, uint32_t attempt, int side, int seat, int peer) {
  for (int i = 0; i < w->link_count; i++) {
    const struct link *l = &w->links[i];
    if (l->attempt == attempt && l->seat[side] == seat && l->seat[1 - side] == peer && !l->page[side] &&
        l->page[1 - side] == w->pages[peer].generation)
      return i;
  }
  assert_true(w->link_count < WORLD_LINKS);
  w->links[w->link_count] = (struct link){.attempt = attempt};
  return w->link_count++;
}

static int seat_of(const struct world *w, const char *id) {
  for (int i = 0; i < WORLD_SEATS; i++)
    if (strcmp(w->pages[i].id, id) == 0) return i;
  return -1;
}

static void begin(struct world *w, int seat, const json_t *message) {
  struct page *p = &w->pages[seat];
  int peer = seat_of(w, text(message, "peer"));
  if (peer < 0) return; /* its page is gone by now */
  struct pc *pc = NULL;
  for (int i = 0; i < WORLD_PCS && !pc; i++)
    if (!p->pcs[i].open) pc = &p->pcs[i];
  assert_non_null(pc);
  int side = json_is_true(json_object_get(message, "polite"));
  *pc = (struct pc){.link = link_for(w, attempt_of(message), side, seat, peer),
                    .side = side,
                    .attempt = attempt_of(message),
                    .open = true};
  struct link *l = &w->links[pc->link];
  l->seat[side] = seat;
  l->seat[1 - side] = peer;
  l->page[side] = p->generation;
  l->open[side] = true;
  report_stale(w, seat, pc->attempt, "connected");
  report_stale(w, seat, pc->attempt, "failed");
  if (side == 0)
    world_request(w, seat, "signal",
                  json_pack("{s:I, s:{s:s, s:s}}", "attempt", (json_int_t)pc->attempt, "description", "type", "offer",
                            "sdp", "v=0"));
}

static void described(struct world *w, int seat, const json_t *message) {
  struct pc *pc = find(&w->pages[seat], attempt_of(message));
  const json_t *description = json_object_get(message, "description");
  if (!pc || !description) return;
  struct link *l = &w->links[pc->link];
  if (strcmp(text(description, "sdp"), "screen") == 0) {
    screen_described(w, seat, pc, text(description, "type"));
    return;
  }
  l->described[pc->side] = true;
  if (strcmp(text(description, "type"), "offer") == 0)
    world_request(w, seat, "signal",
                  json_pack("{s:I, s:{s:s, s:s}}", "attempt", (json_int_t)pc->attempt, "description", "type", "answer",
                            "sdp", "v=0"));
  if (!l->described[0] || !l->described[1] || l->connecting) return;
  l->connecting = true;
  screen_begins(w, l);
  world_later(w, (50 + world_random(w, 350)) * MS, CONNECTS, seat, pc->link);
}

void client_connected(struct world *w, int number) {
  struct link *l = &w->links[number];
  if (!l->open[0] || !l->open[1] || w->blocked) return;
  l->connected = true;
  for (int side = 0; side < 2; side++) {
    int64_t decode_us = (30 + world_random(w, 170)) * MS;
    l->decode_us[side] = w->now_us + decode_us;
    world_later(w, decode_us, POKE, l->seat[side], 0);
  }
}

static void send_again(struct world *w, int seat, uint32_t attempt) {
  w->pages[seat].sending = true;
  report(w, seat, attempt, "sending");
}

static void come_back(struct world *w, int seat, uint32_t attempt) {
  struct pc *pc = find(&w->pages[seat], attempt);
  report_stale(w, seat, attempt, "swapped");
  send_again(w, seat, attempt);
  if (!pc) {
    report(w, seat, attempt, "swapped"); /* nothing of it is left here */
    return;
  }
  if (!pc->returning) pc->returning_us = w->now_us;
  pc->returning = true;
  pc->swapped_told = false;
}

static void over(struct world *w, struct page *p, struct pc *pc, bool lingers) {
  p->sending = true;
  if (!pc->ended) {
    pc->ended_us = w->now_us;
    world_later(w, PATIENCE_US, POKE, w->links[pc->link].seat[pc->side], 0);
  }
  pc->ended = true;
  pc->lingers |= lingers;
}

static void topology(struct world *w, int seat, const json_t *message) {
  struct page *p = &w->pages[seat];
  struct pc *pc = find(p, attempt_of(message));
  if (!pc) return; /* of two others, or long closed */
  if (strcmp(text(message, "topology"), "p2p") == 0) {
    if (!pc->stalled) p->sending = false;
  } else {
    if (!pc->returning) send_again(w, seat, pc->attempt);
    over(w, p, pc, json_is_true(json_object_get(message, "forced")));
  }
}

static void sync(struct world *w, int seat, const json_t *room) {
  struct page *p = &w->pages[seat];
  const json_t *direct = json_object_get(room, "direct");
  uint32_t attempt = direct ? attempt_of(direct) : 0;
  for (int i = 0; i < WORLD_PCS; i++)
    if (p->pcs[i].open && p->pcs[i].attempt != attempt) over(w, p, &p->pcs[i], true);
  if (!direct) {
    p->sending = true;
    return;
  }
  struct pc *pc = find(p, attempt);
  const char *state = text(direct, "state");
  if (strcmp(state, "returning") == 0)
    come_back(w, seat, attempt);
  else if (!pc)
    report(w, seat, attempt, "failed");
  else if (strcmp(state, "connected") == 0 && !pc->stalled)
    p->sending = false;
}

static void take_room(struct world *w, int seat, const json_t *room) {
  struct page *p = &w->pages[seat];
  p->joined = true;
  (void)snprintf(p->id, sizeof p->id, "%s", text(room, "self"));
  p->handle = room_manager_find_participant(w->m, p->id);
}

void client_receive(struct world *w, int seat, const json_t *message) {
  struct page *p = &w->pages[seat];
  const char *event = text(message, "event");
  const json_t *room = json_object_get(json_object_get(message, "ok"), "room");
  if (room) {
    take_room(w, seat, room);
    world_later(w, (80 + world_random(w, 300)) * MS, TRANSPORT_UP, seat, 0);
  } else if (strcmp(event, "sync") == 0) {
    bool fresh = !p->joined;
    take_room(w, seat, json_object_get(message, "room"));
    if (fresh) world_later(w, 100 * MS, TRANSPORT_UP, seat, 0);
    sync(w, seat, json_object_get(message, "room"));
  } else if (strcmp(event, "direct") == 0) {
    begin(w, seat, message);
  } else if (strcmp(event, "signal") == 0) {
    described(w, seat, message);
  } else if (strcmp(event, "topologyChanging") == 0) {
    come_back(w, seat, attempt_of(message));
  } else if (strcmp(event, "topology") == 0) {
    topology(w, seat, message);
  }
}

void client_sees_loss(struct world *w, int seat) {
  struct page *p = &w->pages[seat];
  p->up = false;
  p->sending = true; /* nobody can ask us to, if that becomes necessary */
}

/* ---- what time brings --------------------------------------------------------------------------------------------- */

static void watch_packets(struct world *w, int seat, struct pc *pc) {
  struct page *p = &w->pages[seat];
  const struct link *l = &w->links[pc->link];
  bool closed = !l->open[1 - pc->side] && l->closed_us && w->now_us - l->closed_us >= CLOSE_US;
  bool silent = l->dead && w->now_us - l->dead_us >= STALL_US;
  if (!l->connected || pc->ended || !(closed || silent)) return;
  pc->stalled = true;
  p->sending = true;
  if (pc->returning || w->now_us - pc->stall_told_us < STALL_US) return;
  pc->stall_told_us = w->now_us;
  report(w, seat, pc->attempt, closed ? "failed" : "stalled");
  world_later(w, STALL_US, POKE, seat, 0); /* and say it again, should nobody answer */
}

/* A careful client with careful company is back in time. */
static void check_return(const struct world *w, int seat, const struct pc *pc, bool screen) {
  const struct page *a = &w->pages[seat], *b = &w->pages[other_seat(w, pc)];
  bool undisturbed = !w->careless && !screen && a->works && b->works && a->works_since_us < pc->returning_us - SECOND &&
                     b->works_since_us < pc->returning_us - SECOND;
  if (undisturbed && w->now_us - pc->returning_us > FIRST_US)
    fail_msg("at %.3f s: %d has taken %.0f ms", (double)w->now_us / 1e6, seat,
             (double)(w->now_us - pc->returning_us) / 1e3);
}

static void step(struct world *w, int seat, struct pc *pc) {
  struct page *p = &w->pages[seat];
  const struct link *l = &w->links[pc->link];
  watch_packets(w, seat, pc);
  int other = other_seat(w, pc);
  screen_step(w, seat, pc);
  bool fine = l->connected && !pc->stalled && !pc->returning && !pc->ended;
  bool all = w->now_us >= l->decode_us[pc->side] && world_direct_flows(w, pc) &&
             (!screen_published(w, other) || screen_direct(w, l, 1 - pc->side));
  if (fine && !pc->connected_told && all) {
    p->shows = pc->link + 1;
    pc->connected_told = true;
    report(w, seat, pc->attempt, "connected");
  }
  bool wants_server = pc->stalled || pc->returning || pc->ended;
  bool screen = (screen_published(w, other) || screen_direct(w, l, 1 - pc->side)) && !pc->stalled;
  if (wants_server && world_server_flows(w, other, seat) && (!screen || screen_on_server(w, other, seat))) {
    if (p->shows == pc->link + 1) p->shows = 0;
    if (pc->returning && !pc->swapped_told) {
      check_return(w, seat, pc, screen);
      report(w, seat, pc->attempt, "swapped");
    }
    if (pc->returning) pc->swapped_told = true;
    pc->let_go = true;
  }
  if (!pc->ended) return;
  bool served = pc->let_go && !pc->lingers;
  bool alone = !w->pages[other].alive || w->pages[other].generation != l->page[1 - pc->side];
  if (served || alone || !l->open[1 - pc->side] || w->now_us - pc->ended_us >= PATIENCE_US) close_pc(w, p, pc);
}

void client_step(struct world *w, int seat) {
  struct page *p = &w->pages[seat];
  for (int i = 0; p->alive && i < WORLD_PCS; i++)
    if (p->pcs[i].open) step(w, seat, &p->pcs[i]);
}
