/* tests/server/room/direct_screen.c: a screen that is shared meanwhile: on the server at once, on the direct connection when
 * its negotiation has got through. The worst time for that is a change. Perfect negotiation, repeated until it is answered. */
#include <string.h>

#include "tests/server/room/direct_world.h"

#define REPEAT_US (2000 * MS) /* PROTOCOL.md §13: an offer without an answer is sent again */

static void signal_to_peer(struct world *w, int seat, const struct pc *pc, const char *type) {
  world_request(w, seat, "signal",
                json_pack("{s:I, s:{s:s, s:s}}", "attempt", (json_int_t)pc->attempt, "description", "type", type, "sdp",
                          "screen"));
}

static void offer(struct world *w, int seat, struct pc *pc) {
  pc->offering = true;
  pc->offered_us = w->now_us;
  signal_to_peer(w, seat, pc, "offer");
  world_later(w, REPEAT_US, POKE, seat, 0);
}

void screen_share(struct world *w, int seat, bool on) {
  struct page *p = &w->pages[seat];
  if (p->screen == on || !p->works || !world_member(w, seat) || !p->transport) return;
  p->screen = on;
  p->screen_us = w->now_us + (200 + world_random(w, 400)) * MS;
  world_later(w, p->screen_us - w->now_us, POKE, -1, 0);
  for (int i = 0; i < WORLD_SEATS; i++)
    w->flows[seat][i].screen_seen = false;
  for (int i = 0; i < WORLD_PCS; i++) {
    struct pc *pc = &p->pcs[i];
    if (!pc->open) continue;
    w->links[pc->link].screen_us[pc->side] = 0;
    if (on && !pc->ended) offer(w, seat, pc);
  }
}

/* Of the sender on `side`: decodable from a moment after its negotiation. */
static void arrives(struct world *w, struct link *l, int side) {
  if (l->screen_us[side] || !w->pages[l->seat[side]].screen) return;
  l->screen_us[side] = w->now_us + (30 + world_random(w, 170)) * MS;
  world_later(w, l->screen_us[side] - w->now_us, POKE, l->seat[1 - side], 0);
}

void screen_begins(struct world *w, struct link *l) {
  arrives(w, l, 0);
  arrives(w, l, 1);
}

void screen_described(struct world *w, int seat, struct pc *pc, const char *type) {
  struct link *l = &w->links[pc->link];
  if (strcmp(type, "answer") == 0) {
    pc->offering = false;
    arrives(w, l, pc->side);
    return;
  }
  bool again = pc->offering && pc->side == 1; /* the polite one rolls back, and offers anew */
  if (pc->offering && pc->side == 0) return;
  signal_to_peer(w, seat, pc, "answer");
  if (again) offer(w, seat, pc);
}

void screen_step(struct world *w, int seat, struct pc *pc) {
  if (!pc->ended && pc->offering && w->now_us - pc->offered_us >= REPEAT_US) offer(w, seat, pc);
}

bool screen_direct(const struct world *w, const struct link *l, int side) {
  return l->screen_us[side] && w->now_us >= l->screen_us[side];
}

bool screen_on_server(const struct world *w, int from, int to) {
  return w->now_us >= w->pages[from].screen_us && world_server_flows(w, from, to);
}

bool screen_published(const struct world *w, int from) {
  return w->pages[from].screen && w->now_us >= w->pages[from].screen_us;
}
