/* Pages around a call manager: what they are told must fit what they know. */
#include "tests/server/calls/harness.h"

#include <stdio.h>
#include <utlist.h>

uint32_t world_random(struct world *w, uint32_t below) {
  /* splitmix64 */
  uint64_t z = (w->random += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (uint32_t)((z ^ (z >> 31)) % below);
}

static void fill_random(void *arg, void *out, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    ((unsigned char *)out)[i] = (unsigned char)world_random(arg, 256);
}

static struct page *find_page(struct world *w, const char *id) {
  for (size_t i = 0; i < PAGES; i++)
    if (w->pages[i].open && strcmp(w->pages[i].id, id) == 0) return &w->pages[i];
  fail_msg("a notice or room for the unknown session %s", id);
  return NULL;
}

static struct known *find_outgoing(struct page *p, const char *call) {
  for (size_t i = 0; i < p->outgoing_count; i++)
    if (strcmp(p->outgoing[i].call, call) == 0) return &p->outgoing[i];
  return NULL;
}

static struct known *add_outgoing(struct page *p, const char *call) {
  assert_true(p->outgoing_count < KNOWN);
  struct known *k = &p->outgoing[p->outgoing_count++];
  *k = (struct known){.accepted_count = 0};
  snprintf(k->call, sizeof k->call, "%s", call);
  return k;
}

/* The call a caller is told of: known, or just being made. */
static struct known *need_outgoing(struct world *w, struct page *p, const char *call) {
  struct known *k = find_outgoing(p, call);
  if (!k && w->inviting == p) k = add_outgoing(p, call);
  if (!k) fail_msg("%s is told of %s, which it does not know", p->id, call);
  return k;
}

static void end_outgoing(struct world *w, struct page *p, const struct calls_notice *n) {
  struct known *k = need_outgoing(w, p, n->call);
  size_t accepted = 0;
  assert_non_null(n->view);
  for (size_t i = 0; i < n->view->invitee_count; i++) {
    const struct calls_invitee *one = &n->view->invitees[i];
    assert_int_not_equal(one->state, CALLS_RINGING);
    assert_int_not_equal(one->state, CALLS_UNREACHABLE);
    accepted += one->state == CALLS_ACCEPTED;
    p->last_states[i] = one->state;
    /* Some accepts may have fallen into an absence; those that were told must be in the account. */
    for (size_t j = 0; j < k->accepted_count; j++)
      if (strcmp(k->accepted[j], one->identity) == 0) assert_int_equal(one->state, CALLS_ACCEPTED);
  }
  assert_int_equal(n->end == CALLS_END_ANSWERED, accepted > 0);
  assert_int_not_equal(n->end, CALLS_END_ACCEPTED_ELSEWHERE);
  memmove(k, k + 1, (size_t)(&p->outgoing[p->outgoing_count] - (k + 1)) * sizeof *k);
  p->outgoing_count--;
}

static void take_sync(struct page *p, const struct calls_notice *n) {
  assert_string_equal(n->incoming ? n->incoming->call : "", p->incoming);
  assert_int_equal(n->outgoing_count, p->outgoing_count);
  for (size_t i = 0; i < n->outgoing_count; i++)
    assert_non_null(find_outgoing(p, n->outgoing[i].call));
  p->synced++;
}

static void take_accept(struct world *w, struct page *p, const struct calls_notice *n) {
  struct known *k = need_outgoing(w, p, n->call);
  for (size_t i = 0; i < k->accepted_count; i++)
    assert_string_not_equal(k->accepted[i], n->identity); /* nobody accepts twice */
  snprintf(k->accepted[k->accepted_count++], sizeof k->accepted[0], "%s", n->identity);
  w->accepts++;
}

static void notify(void *arg, const char *session, const struct calls_notice *n) {
  struct world *w = arg;
  struct page *p = find_page(w, session);
  assert_true(p->connected);
  json_t *json = calls_notice_json(n, 0); /* every notice can be written */
  assert_non_null(json);
  json_decref(json);
  p->last = n->kind;
  p->notices++;
  switch (n->kind) {
    case CALLS_INCOMING:
      assert_string_equal(p->incoming, "");
      snprintf(p->incoming, sizeof p->incoming, "%s", n->call);
      break;
    case CALLS_ENDED:
      p->last_end = n->end;
      p->ends++;
      if (strcmp(p->incoming, n->call) == 0) {
        assert_null(n->view);
        w->accepts += n->end == CALLS_END_ANSWERED;
        p->incoming[0] = '\0';
      } else {
        end_outgoing(w, p, n);
      }
      break;
    case CALLS_SYNC:
      take_sync(p, n);
      break;
    case CALLS_ACCEPT:
      take_accept(w, p, n);
      break;
    default:
      (void)need_outgoing(w, p, n->call);
  }
  snprintf(p->last_identity, sizeof p->last_identity, "%s", n->identity ? n->identity : "");
  snprintf(p->last_reason, sizeof p->last_reason, "%s", n->reason ? n->reason : "");
  p->last_busy = n->busy;
  p->last_video = n->video;
}

static enum signaling_error enter(void *arg, const char *session, const char *room, bool invited) {
  struct world *w = arg;
  struct page *p = find_page(w, session);
  if (w->refuse_enter) {
    w->refuse_enter--;
    return SIGNALING_WORKER_LOST;
  }
  if (invited) assert_string_not_equal(p->incoming, "");
  if (strcmp(p->room, room) != 0) p->joined = false;
  snprintf(p->room, sizeof p->room, "%s", room);
  w->entered++;
  return SIGNALING_OK;
}

void world_start(struct world *w, uint64_t seed) {
  *w = (struct world){.random = seed, .now_us = SECOND};
  const struct calls_settings settings = {45 * SECOND, 15 * SECOND};
  const struct calls_listener listener = {notify, enter, fill_random, w};
  assert_int_equal(calls_create(&w->calls, &settings, &listener), 0);
}

void world_pass(struct world *w, int64_t us) {
  int64_t until = w->now_us + us;
  for (int64_t at; (at = calls_deadline(w->calls)) <= until;) {
    if (at > w->now_us) w->now_us = at;
    calls_tick(w->calls, w->now_us);
    assert_true(calls_deadline(w->calls) > w->now_us); /* a tick does all that is due */
    world_check(w);
  }
  w->now_us = until;
}

void world_end(struct world *w) {
  for (size_t i = 0; i < PAGES; i++)
    if (w->pages[i].open && !w->pages[i].connected) page_resumed(w, &w->pages[i]);
  world_pass(w, 46 * SECOND);
  for (size_t i = 0; i < PAGES; i++) {
    assert_string_equal(w->pages[i].incoming, "");
    assert_int_equal(w->pages[i].outgoing_count, 0);
  }
  assert_int_equal(calls_counts(w->calls).open, 0);
  for (size_t i = 0; i < PAGES; i++)
    if (w->pages[i].open) page_close(w, &w->pages[i]);
  world_pass(w, CALLS_BURST * CALLS_REFILL_US + 1);
  struct calls_counts counts = calls_counts(w->calls);
  assert_int_equal(counts.people + counts.sessions, 0);
  assert_true(calls_deadline(w->calls) == INT64_MAX);
  calls_free(w->calls);
}

/* ---- the manager's own data ---------------------------------------------------------------------------------------- */

static void check_call(const struct calls_call *call) {
  size_t unresolved = 0, accepted = 0;
  for (size_t i = 0; i < call->count; i++) {
    const struct calls_ring *r = &call->rings[i];
    unresolved += r->state == CALLS_UNREACHABLE || r->state == CALLS_RINGING;
    accepted += r->state == CALLS_ACCEPTED;
    if (r->state == CALLS_RINGING) assert_ptr_equal(r->person->ringing, r);
  }
  assert_int_equal(call->unresolved, unresolved);
  assert_int_equal(call->accepted, accepted);
  assert_int_equal(call->over, unresolved == 0); /* nothing that is settled lingers, nothing open is over */
  if (call->over) assert_false(call->caller->connected);
}

static void check_person(const struct world *w, const struct calls_person *p) {
  const struct calls_ring *r;
  const struct calls_session *s;
  const struct calls_call *call;
  size_t open = 0;
  bool found = !p->ringing;
  DL_FOREACH(p->rings, r) {
    assert_true(r->state == CALLS_UNREACHABLE || r->state == CALLS_RINGING);
    found = found || r == p->ringing;
  }
  assert_true(found);
  DL_FOREACH(p->sessions, s) {
    if (s->told) assert_ptr_equal(s->told, p->ringing);
    DL_FOREACH(s->calls, call) {
      open += !call->over;
      check_call(call);
    }
  }
  assert_int_equal(p->open, open);
  assert_true(p->open <= CALLS_OPEN_MAX);
  assert_true(p->sessions || p->invited || p->idle);
  (void)w;
}

void world_check(struct world *w) {
  const struct calls_person *p;
  for (p = w->calls->people; p; p = p->hh.next)
    check_person(w, p);
  for (size_t i = 0; i < PAGES; i++) {
    const struct page *page = &w->pages[i];
    if (!page->open || !page->connected) continue;
    const struct calls_session *s = calls_find_session(w->calls, page->id);
    assert_string_equal(page->incoming, s->told ? s->told->call->id : "");
    assert_string_equal(page->room, s->room);
    assert_int_equal(page->joined, s->joined);
  }
}

/* ---- what pages do -------------------------------------------------------------------------------------------------- */

struct page *page_open(struct world *w, size_t i, const char *identity, char kind) {
  struct page *p = &w->pages[i];
  char lower = (char)(kind | 0x20);
  assert_false(p->open);
  *p = (struct page){.open = true, .connected = true, .host = lower == 'h'};
  snprintf(p->id, sizeof p->id, "s_%zu", i);
  snprintf(p->identity, sizeof p->identity, "%s", identity);
  snprintf(p->room, sizeof p->room, "%s", kind == lower ? "ward" : "");
  const struct calls_session_info info = {.session = p->id,
                                          .identity = identity,
                                          .name = identity,
                                          .role = lower == 'h' ? "doctor" : "patient",
                                          .home = p->room,
                                          .may_call = lower == 'h' || lower == 'c',
                                          .host = lower == 'h',
                                          .reachable = lower != 'o',
                                          .connected = true};
  assert_int_equal(calls_session_open(w->calls, &info, w->now_us), 0);
  world_check(w);
  return p;
}

void page_lost(struct world *w, struct page *p) {
  p->connected = false;
  calls_session_lost(w->calls, p->id, w->now_us);
  world_check(w);
}

void page_resumed(struct world *w, struct page *p) {
  unsigned synced = p->synced;
  p->connected = true;
  calls_session_resumed(w->calls, p->id, w->now_us);
  assert_int_equal(p->synced, synced + 1);
  world_check(w);
}

void page_close(struct world *w, struct page *p) {
  unsigned notices = p->notices;
  p->connected = false;
  calls_session_close(w->calls, p->id, w->now_us);
  assert_int_equal(p->notices, notices);
  *p = (struct page){.open = false};
  world_check(w);
}

void page_join(struct world *w, struct page *p) {
  p->joined = true;
  calls_session_joined(w->calls, p->id);
  world_check(w);
}

void page_leave(struct world *w, struct page *p) {
  p->joined = false;
  calls_session_left(w->calls, p->id, true, w->now_us);
  world_check(w);
}

enum signaling_error page_invite(struct world *w, struct page *p, const char *to, struct calls_invited *out) {
  char copy[512], *rest = NULL;
  const char *list[64];
  struct calls_invitation in = {.to = list, .message = "hello"};
  struct calls_invited own;
  unsigned ends = p->ends;
  if (!out) out = &own;
  snprintf(copy, sizeof copy, "%s", to);
  for (char *one = strtok_r(copy, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
    list[in.to_count++] = one;
  w->inviting = p;
  enum signaling_error error = calls_invite(w->calls, p->id, &in, out, w->now_us);
  w->inviting = NULL;
  if (error == SIGNALING_OK) {
    assert_string_equal(out->room, p->room);
    if (p->ends == ends && !find_outgoing(p, out->call)) add_outgoing(p, out->call);
    assert_true(out->expires_us == w->now_us + 45 * SECOND);
  } else {
    assert_int_equal(p->ends, ends);
  }
  world_check(w);
  return error;
}

enum signaling_error page_accept(struct world *w, struct page *p, const char *call) {
  char id[CALLS_ID_BYTES], room[SIGNALING_IDENTIFIER_BYTES + 1] = "";
  unsigned accepts = w->accepts, entered = w->entered, ends = p->ends;
  snprintf(id, sizeof id, "%s", call);
  enum signaling_error error = calls_accept(w->calls, p->id, id, true, room, w->now_us);
  if (error == SIGNALING_OK) {
    assert_string_equal(room, p->room);
    assert_int_equal(w->entered, entered + 1);
    assert_true(p->ends > ends && w->accepts > accepts);
    assert_int_equal(calls_find_session(w->calls, p->id)->person->open, 0);
  } else {
    assert_int_equal(w->entered, entered);
    assert_int_equal(w->accepts, accepts);
  }
  world_check(w);
  return error;
}

enum signaling_error page_decline(struct world *w, struct page *p, const char *call) {
  char id[CALLS_ID_BYTES];
  snprintf(id, sizeof id, "%s", call);
  enum signaling_error error = calls_decline(w->calls, p->id, id, "not now", w->now_us);
  world_check(w);
  return error;
}

enum signaling_error page_cancel(struct world *w, struct page *p, const char *call) {
  char id[CALLS_ID_BYTES];
  snprintf(id, sizeof id, "%s", call);
  enum signaling_error error = calls_cancel(w->calls, p->id, id, w->now_us);
  world_check(w);
  return error;
}
