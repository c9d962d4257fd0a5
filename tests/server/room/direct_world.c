/* tests/server/room/direct_world.c: see direct_world.h. */
#include "tests/server/room/direct_world.h"

#include <stdlib.h>
#include <string.h>

#define UNSAID_US (1000 * MS) /* as FIRST_US, but `sending` may get lost: half a second more at most */
#define SCREEN_US (5000 * MS) /* an offer may get lost with a socket: repeated after 2 s */

uint32_t world_random(struct world *w, uint32_t below) {
  w->random ^= w->random << 13;
  w->random ^= w->random >> 7;
  w->random ^= w->random << 17;
  return (uint32_t)(w->random >> 32) % below;
}

static void give_random(void *arg, void *out, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    ((uint8_t *)out)[i] = (uint8_t)world_random(arg, 256);
}

void world_later(struct world *w, int64_t us, enum happening what, int seat, int number) {
  assert_true(w->queue_count < WORLD_QUEUE);
  bool message = what == TO_CLIENT || (what == TO_SERVER && number == 0);
  int generation = seat < 0 ? 0 : message ? w->pages[seat].socket : w->pages[seat].generation;
  w->queue[w->queue_count++] = (struct happened){.at = w->now_us + us,
                                                 .order = ++w->order,
                                                 .what = what,
                                                 .seat = seat,
                                                 .generation = generation,
                                                 .number = number};
}

static int64_t latency(struct world *w, int64_t *last_us) {
  int64_t at = w->now_us + (5 + world_random(w, 145)) * MS;
  if (at < *last_us) at = *last_us; /* TCP keeps the order */
  *last_us = at;
  return at - w->now_us;
}

/* ---- the server's side -------------------------------------------------------------------------------------------- */

static int seat_by_session(const struct world *w, const char *session) {
  for (int i = 0; i < WORLD_SEATS; i++)
    if (w->pages[i].alive && strcmp(w->pages[i].session, session) == 0) return i;
  return -1;
}

/* One `topology` for each change, and one end for each attempt: of what is told, not of what arrives. */
static void check_told(struct world *w, struct page *p, const json_t *message) {
  const char *event = json_string_value(json_object_get(message, "event"));
  const json_t *ok_room = json_object_get(json_object_get(message, "ok"), "room");
  json_int_t attempt = json_integer_value(json_object_get(message, "attempt"));
  if (ok_room || (event && strcmp(event, "sync") == 0)) {
    const json_t *room = ok_room ? ok_room : json_object_get(message, "room");
    p->told_p2p = strcmp(json_string_value(json_object_get(room, "topology")), "p2p") == 0;
    p->told_direct = json_integer_value(json_object_get(json_object_get(room, "direct"), "attempt"));
  } else if (event && strcmp(event, "direct") == 0) {
    assert_int_equal(p->told_direct, 0);
    assert_false(p->told_p2p);
    p->told_direct = attempt;
  } else if (event && strcmp(event, "topologyChanging") == 0) {
    assert_int_equal(p->told_direct, attempt);
  } else if (event && strcmp(event, "topology") == 0) {
    bool p2p = strcmp(json_string_value(json_object_get(message, "topology")), "p2p") == 0;
    if (p2p)
      assert_false(p->told_p2p);
    else
      assert_true(p->told_p2p || p->told_direct == attempt);
    p->told_p2p = p2p;
    if (!p2p && p->told_direct == attempt) p->told_direct = 0;
    if (p2p && p->told_direct) w->switches++;
    if (!p2p && json_is_true(json_object_get(message, "forced"))) w->forced++;
  }
}

static void on_message(void *arg, const char *session, json_t *message) {
  struct world *w = arg;
  int seat = seat_by_session(w, session);
  if (seat < 0) return; /* to a page that is gone */
  struct page *p = &w->pages[seat];
  check_told(w, p, message);
  world_later(w, latency(w, &p->inbound_us), TO_CLIENT, seat, 0);
  w->queue[w->queue_count - 1].message = json_incref(message);
  if (!p->works) w->queue[w->queue_count - 1].generation = -1; /* into the void */
}

static void on_event(void *arg, const char *const *sessions, size_t count, json_t *message) {
  for (size_t i = 0; i < count; i++)
    on_message(arg, sessions[i], message);
}

static void on_close(void *arg, const char *session, int code, const char *reason) {
  (void)code;
  (void)reason;
  struct world *w = arg;
  int seat = seat_by_session(w, session);
  if (seat >= 0) world_unload(w, seat, -1);
}

static void on_forwarding_pause(void *arg, uint32_t participant, bool on) {
  struct world *w = arg;
  for (size_t i = 0; i < w->paused_count; i++) {
    if (w->paused[i] != participant) continue;
    assert_false(on);
    w->paused[i] = w->paused[--w->paused_count];
    return;
  }
  assert_true(on);
  w->paused[w->paused_count++] = participant;
}

static void on_media_close(void *arg, uint32_t participant) {
  struct world *w = arg;
  for (size_t i = 0; i < w->paused_count; i++)
    if (w->paused[i] == participant) w->paused[i] = w->paused[--w->paused_count];
}

static void ignore_opened(void *arg, const struct room_participant *participant) {
  (void)arg, (void)participant;
}

static void ignore_wait(void *arg, const char *session, bool wait) {
  (void)arg, (void)session, (void)wait;
}

static void ignore_act(void *arg, const struct room_act *act) {
  (void)arg, (void)act;
}

/* Nobody publishes here, so nothing about tracks is ever called. */
static const struct room_listener listener = {.reply = on_message,
                                              .event = on_event,
                                              .close = on_close,
                                              .session_wait = ignore_wait,
                                              .acted = ignore_act,
                                              .participant_opened = ignore_opened,
                                              .media_close = on_media_close,
                                              .forwarding_pause = on_forwarding_pause};

struct world *world_new(uint64_t seed) {
  struct world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->random = seed * 0x9e3779b97f4a7c15u | 1;
  w->now_us = 10 * SECOND;
  room_settings_init(&w->settings);
  w->settings.wall_us = INT64_C(1795334400000000);
  w->settings.random = give_random;
  w->settings.random_arg = w;
  assert_int_equal(room_manager_create(&w->m, &w->settings, &listener, w), 0);
  return w;
}

void world_free(struct world *w) {
  room_manager_free(w->m);
  for (size_t i = 0; i < w->queue_count; i++)
    json_decref(w->queue[i].message);
  free(w);
}

const struct member *world_member(const struct world *w, int seat) {
  const struct session *s = w->pages[seat].alive ? session_find(w->m, w->pages[seat].session) : NULL;
  return s ? s->member : NULL;
}

/* ---- pages and sockets -------------------------------------------------------------------------------------------- */

void world_load(struct world *w, int seat) {
  static const char *const roles[] = {"doctor", "patient", "interpreter", "observer"};
  struct page *p = &w->pages[seat];
  int generation = p->generation + 1, socket = p->socket + 1;
  *p = (struct page){.alive = true,
                     .generation = generation,
                     .socket = socket,
                     .works = true,
                     .up = true,
                     .server_up = true,
                     .works_since_us = w->now_us,
                     .sending = true};
  (void)snprintf(p->session, sizeof p->session, "s_%d_%d", seat, generation);
  struct room_session_info info = {.session = p->session,
                                   .room = "r",
                                   .identity = roles[seat],
                                   .role = roles[seat],
                                   .expires_s = INT64_C(1795334400) + 86400};
  assert_int_equal(room_manager_session_open(w->m, &info, w->now_us), 0);
  world_later(w, world_random(w, 100) * MS, JOINS, seat, 0);
}

void world_unload(struct world *w, int seat, int64_t notice_us) {
  struct page *p = &w->pages[seat];
  if (!p->alive) return;
  if (notice_us >= 0) { /* the session outlives the page: told by its name */
    world_later(w, notice_us, SERVER_SEES_LOSS, -1, 0);
    w->queue[w->queue_count - 1].message = json_string(p->session);
  }
  for (int i = 0; i < WORLD_PCS; i++) {
    if (!p->pcs[i].open) continue;
    struct link *l = &w->links[p->pcs[i].link];
    l->open[p->pcs[i].side] = false;
    l->closed_us = w->now_us;
    world_later(w, 100 * MS, POKE, l->seat[1 - p->pcs[i].side], 0);
  }
  p->alive = p->joined = p->works = false;
  p->id[0] = '\0';
}

void world_request(struct world *w, int seat, const char *type, json_t *fields) {
  struct page *p = &w->pages[seat];
  if (!fields) fields = json_object();
  json_object_set_new(fields, "type", json_string(type));
  world_later(w, latency(w, &p->outbound_us), TO_SERVER, seat, 0);
  w->queue[w->queue_count - 1].message = fields;
  if (!p->up || !p->works) w->queue[w->queue_count - 1].generation = -1; /* into the void */
}

void world_break_socket(struct world *w, int seat, int64_t us) {
  struct page *p = &w->pages[seat];
  if (!p->alive || !p->works || w->now_us - p->works_since_us < SECOND / 2) return; /* it has had its `sync` */
  p->works = false;
  p->socket++; /* what is under way is lost */
  /* Half the time the client notices only when it connects anew, and the server only then, too. */
  int64_t client_us = world_random(w, 2) ? us : world_random(w, (uint32_t)(us / MS)) * MS;
  int64_t server_us = world_random(w, 2) ? 2 * us : world_random(w, (uint32_t)(us / MS)) * MS;
  if (us > 8 * SECOND) server_us = world_random(w, 2000) * MS; /* or it would have sent it away by then */
  world_later(w, client_us, CLIENT_SEES_LOSS, seat, p->socket);
  world_later(w, server_us, SERVER_SEES_LOSS, seat, p->socket);
  world_later(w, us, RESUMES, seat, p->socket);
}

static void resume(struct world *w, int seat) {
  struct page *p = &w->pages[seat];
  p->socket++;
  p->works = p->up = p->server_up = true;
  p->works_since_us = w->now_us;
  p->inbound_us = p->outbound_us = w->now_us;
  if (room_manager_session_resumed(w->m, p->session, w->now_us)) return;
  if (!p->joined) world_later(w, 400 * MS, JOINS, seat, 0);
}

/* ---- media -------------------------------------------------------------------------------------------------------- */

static bool is_paused(const struct world *w, uint32_t participant) {
  for (size_t i = 0; i < w->paused_count; i++)
    if (w->paused[i] == participant) return true;
  return false;
}

static void update_flows(struct world *w) {
  for (int from = 0; from < WORLD_SEATS; from++) {
    for (int to = 0; to < WORLD_SEATS; to++) {
      const struct page *a = &w->pages[from], *b = &w->pages[to];
      struct flow *f = &w->flows[from][to];
      if (f->from_page != a->generation || f->to_page != b->generation)
        *f = (struct flow){.screen_able_us = INT64_MAX, .from_page = a->generation, .to_page = b->generation};
      const struct member *sender = world_member(w, from), *receiver = world_member(w, to);
      bool flows = from != to && from != 3 && sender && receiver && a->transport && b->transport && a->sending &&
                   !is_paused(w, sender->handle);
      if (flows && !f->flows) { /* a key frame has to be asked for */
        int64_t us = (40 + world_random(w, 260)) * MS;
        f->decode_us = w->now_us + us;
        world_later(w, us, POKE, to, 0);
      }
      f->flows = flows;
      bool able =
          from != to && from != 3 && sender && receiver && a->joined && b->joined && a->transport && b->transport;
      if (!able) f->seen = false;
      /* a client that believes in a dead socket cannot be asked for anything */
      if (!able || (a->up && !a->works))
        f->able_us = INT64_MAX;
      else if (f->able_us == INT64_MAX || f->able_us == 0)
        f->able_us = w->now_us;
      if (flows && w->now_us >= f->decode_us) f->seen = true;
    }
  }
}

bool world_server_flows(const struct world *w, int from, int to) {
  return w->flows[from][to].flows && w->now_us >= w->flows[from][to].decode_us;
}

static bool link_flows(const struct link *l) {
  return l->connected && !l->dead && l->open[0] && l->open[1];
}

bool world_direct_flows(const struct world *w, const struct pc *pc) {
  return link_flows(&w->links[pc->link]);
}

/* A direct path that died is noticed after a second, if the sockets work; so long nobody can do anything. */
static bool excused(const struct world *w, const struct pc *pc, int from, int to) {
  const struct link *l = &w->links[pc->link];
  if (!l->dead) return false;
  const struct page *a = &w->pages[from], *b = &w->pages[to];
  if (!a->works || !b->works) return true;
  int64_t since = l->dead_us;
  if (a->works_since_us > since) since = a->works_since_us;
  if (b->works_since_us > since) since = b->works_since_us;
  return w->now_us - since < (w->careless ? 8 : 2) * SECOND;
}

enum path { EXCUSED = -2, SERVER = -1 };

/* Over which link does `to` see `from`, or how else? */
static int path_of(const struct world *w, int from, int to) {
  const struct page *b = &w->pages[to];
  int path = SERVER;
  for (int i = 0; i < WORLD_PCS; i++) {
    const struct pc *pc = &b->pcs[i];
    const struct link *l = &w->links[pc->link];
    bool between = pc->open && l->seat[1 - pc->side] == from && l->page[1 - pc->side] == w->pages[from].generation;
    if (!between) continue;
    if (excused(w, pc, from, to)) return EXCUSED;
    if (b->shows == pc->link + 1) path = pc->link;
  }
  return path;
}

static bool sees(const struct world *w, int from, int to) {
  int path = path_of(w, from, to);
  if (path == SERVER) return world_server_flows(w, from, to);
  return path == EXCUSED || link_flows(&w->links[path]);
}

static bool sees_screen(const struct world *w, int from, int to) {
  int path = path_of(w, from, to);
  if (path == SERVER) return screen_on_server(w, from, to);
  if (path == EXCUSED) return true;
  const struct link *l = &w->links[path];
  return link_flows(l) && screen_direct(w, l, l->seat[1] == from);
}

/* A shared screen is seen after a while, and then as long as it is shared. */
static void check_screen(struct world *w, int from, int to) {
  const struct page *a = &w->pages[from], *b = &w->pages[to];
  struct flow *f = &w->flows[from][to];
  if (!a->screen || !f->seen) f->screen_seen = false;
  bool able = a->screen && f->seen && a->works && b->works && path_of(w, from, to) != EXCUSED;
  if (!able)
    f->screen_able_us = INT64_MAX;
  else if (f->screen_able_us == INT64_MAX)
    f->screen_able_us = w->now_us;
  if (!a->screen || !f->seen) return;
  if (sees_screen(w, from, to))
    f->screen_seen = f->screen_seen || path_of(w, from, to) != EXCUSED;
  else if (f->screen_seen)
    fail_msg("at %.3f s: %d does not see %d's screen any more", (double)w->now_us / 1e6, to, from);
  else if (able && w->now_us - f->screen_able_us > SCREEN_US)
    fail_msg("at %.3f s: %d has not seen %d's screen yet", (double)w->now_us / 1e6, to, from);
}

/* Who has once been seen goes on being seen. */
static void check_media(struct world *w) {
  for (int from = 0; from < WORLD_SEATS; from++) {
    for (int to = 0; to < WORLD_SEATS; to++) {
      const struct flow *f = &w->flows[from][to];
      check_screen(w, from, to);
      if (!f->seen && f->able_us && f->able_us != INT64_MAX &&
          w->now_us - f->able_us > (w->careless || !w->pages[from].works ? UNSAID_US : FIRST_US))
        fail_msg("at %.3f s: %d has not seen %d yet", (double)w->now_us / 1e6, to, from);
      if (!f->seen || sees(w, from, to)) continue;
      fail_msg("at %.3f s: %d does not see %d", (double)w->now_us / 1e6, to, from);
    }
  }
}

/* ---- time --------------------------------------------------------------------------------------------------------- */

static void server_hears(struct world *w, const struct happened *h) {
  struct page *p = &w->pages[h->seat];
  if (h->number == 1) { /* a late report leaves the client now */
    world_request(w, h->seat, "directState", json_incref(h->message));
    return;
  }
  json_object_set_new(h->message, "id", json_integer(++p->next_id));
  (void)room_manager_request(w->m, p->session, h->message, w->now_us);
}

static void happen_to_page(struct world *w, const struct happened *h) {
  struct page *p = &w->pages[h->seat];
  bool same_break = h->number == p->socket;
  switch (h->what) {
    case TO_CLIENT:
      client_receive(w, h->seat, h->message);
      break;
    case TO_SERVER:
      server_hears(w, h);
      break;
    case CONNECTS:
      client_connected(w, h->number);
      break;
    case CLIENT_SEES_LOSS:
      if (same_break) client_sees_loss(w, h->seat);
      break;
    case SERVER_SEES_LOSS:
      if (!same_break) break;
      p->server_up = false;
      (void)room_manager_session_lost(w->m, p->session, w->now_us);
      break;
    case RESUMES:
      if (!same_break) break;
      client_sees_loss(w, h->seat);
      resume(w, h->seat);
      break;
    case TRANSPORT_UP:
      if (!world_member(w, h->seat)) break;
      p->transport = true;
      (void)room_manager_transport_state(w->m, world_member(w, h->seat)->handle, ROOM_TRANSPORT_CONNECTED, w->now_us);
      break;
    case JOINS:
      if (!p->joined) world_request(w, h->seat, "join", NULL);
      break;
    default:
      break;
  }
}

/* CONSILIUM_TRACE with CONSILIUM_SEED: what happens, line by line. */
static void trace(const struct world *w, const struct happened *h) {
  static const char *const names[] = {"to client",        "to server", "poke",      "connects", "client sees loss",
                                      "server sees loss", "resumes",   "transport", "joins",    "acts"};
  if (!getenv("CONSILIUM_TRACE") || h->what == POKE) return;
  char *text = h->message ? json_dumps(h->message, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
  bool stale = h->seat >= 0 && (h->what == TO_CLIENT || (h->what == TO_SERVER && !h->number)) &&
               h->generation != w->pages[h->seat].socket;
  print_message("%9.3f %d %s%s %.150s\n", (double)w->now_us / 1e6, h->seat, names[h->what], stale ? " (lost)" : "",
                text ? text : "");
  free(text);
}

static void happen(struct world *w, const struct happened *h) {
  trace(w, h);
  if (h->what == ACTS) {
    w->act(w);
  } else if (h->seat < 0) {
    if (h->what == SERVER_SEES_LOSS) (void)room_manager_session_lost(w->m, json_string_value(h->message), w->now_us);
  } else {
    const struct page *p = &w->pages[h->seat];
    bool message = h->what == TO_CLIENT || (h->what == TO_SERVER && h->number == 0);
    if (p->alive && h->generation == (message ? p->socket : p->generation)) happen_to_page(w, h);
  }
}

static void settle(struct world *w) {
  update_flows(w);
  for (int seat = 0; seat < WORLD_SEATS; seat++)
    client_step(w, seat);
  update_flows(w);
  check_media(w);
}

void world_run(struct world *w, int64_t us) {
  int64_t until = w->now_us + us;
  for (;;) {
    size_t next = 0;
    for (size_t i = 1; i < w->queue_count; i++) {
      const struct happened *a = &w->queue[i], *b = &w->queue[next];
      if (a->at < b->at || (a->at == b->at && a->order < b->order)) next = i;
    }
    int64_t due = room_manager_deadline(w->m);
    bool tick = !w->queue_count || due <= w->queue[next].at;
    int64_t at = tick ? due : w->queue[next].at;
    if (at > until) break;
    if (at > w->now_us) w->now_us = at;
    if (tick) {
      room_manager_tick(w->m, w->now_us);
    } else {
      struct happened h = w->queue[next];
      w->queue[next] = w->queue[--w->queue_count];
      happen(w, &h);
      json_decref(h.message);
    }
    settle(w);
  }
  w->now_us = until;
}
