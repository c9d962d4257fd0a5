/* tests/server/room/harness.h: a room manager between scripted clients and a scripted media engine.
 *
 * Every seat is one session with a client model (client_model.h) that sees only what a client would see. The engine half
 * mirrors the media orders and fails the test at once when an order makes no sense (an unknown track, a closed receiver).
 */
#ifndef TESTS_SERVER_ROOM_HARNESS_H
#define TESTS_SERVER_ROOM_HARNESS_H

/* cmocka wants these four before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>

#include "server/room/internal.h"

#define SEATS  100
#define SECOND INT64_C(1000000)

struct seat {
  char session[32], identity[32], room[32];
  bool open, connected;
  bool wait_next;     /* the next session of this seat has a token that says `wait` */
  bool admitted_next; /* it comes by a call                                   */
  bool wait, waiting; /* the session must wait; it was told that it does */
  int closed_code;    /* 0: not closed by the manager */
  char participant[ROOM_ID_BYTES];
  uint32_t handle; /* of the participant, 0: not joined */
  int64_t next_id;
  json_t *outstanding; /* id → request, of this connection  */
  json_t *stale;       /* the same of connections now lost  */
  json_t *model;       /* what the client believes the room to be, NULL: not joined */
  json_t *last;        /* the last reply                    */
  json_t *events;      /* since harness_forget()            */
};

/* What the engine was told. */
struct engine_track {
  uint32_t track, participant;
  char mid[ROOM_MID_BYTES];
  bool forwarding;
  uint8_t rids;
};
struct engine_slot {
  uint32_t receiver, track;
  char mid[ROOM_MID_BYTES];
};

struct harness {
  struct room_manager *m;
  struct room_settings settings;
  int64_t now_us;
  uint64_t random; /* xorshift state: everything replays from the seed */
  struct seat seats[SEATS];
  bool defer_answers;                 /* offers stay open until harness_answer() */
  const char *refuse_with;            /* offers are refused with this code       */
  uint32_t members[256], paused[256]; /* of those, who has its forwarding paused: same index */
  size_t member_count;
  struct engine_track tracks[512];
  size_t track_count;
  struct engine_slot slots[4096];
  size_t slot_count;
  size_t assigns, views; /* how many orders came */
  size_t event_calls;    /* how often something was said, to however many */
  struct room_view last_view;
  char acts[1024]; /* a line for each: act, room, by, role, target */
};

struct harness *harness_new(uint64_t seed);
/* The same with other settings: change them in `adjust`. */
struct harness *harness_new_with(uint64_t seed, void (*adjust)(struct room_settings *settings));
void harness_free(struct harness *h);
uint32_t harness_random(struct harness *h, uint32_t below);

/* Seat `i`: opens a session; identity "u<i>" and role as given, in room "r". */
struct seat *harness_open(struct harness *h, size_t i, const char *role);
struct seat *harness_open_as(struct harness *h, size_t i, const char *role, const char *room, const char *identity);
/* …and joins, which must work. */
struct seat *harness_join(struct harness *h, size_t i, const char *role);
/* …and offers `audio` + `video` slots and senders mic, cam (q h f), screen, sound. */
struct seat *harness_connect(struct harness *h, size_t i, const char *role, unsigned audio, unsigned video);
void harness_lost(struct harness *h, struct seat *s);
void harness_resumed(struct harness *h, struct seat *s);
void harness_end(struct harness *h, struct seat *s);

/* Sends a request of `type` with the packed fields (jansson format, NULL: none). Returns the error code's name of the
 * reply, "" for ok, NULL when no reply has come (yet). The reply is seat->last. */
const char *harness_request(struct harness *h, struct seat *s, const char *type, json_t *fields);
/* An offer with so many slots and the codecs named ("VP8 H264"); senders as bits 1 mic, 2 cam, 4 screen, 8 sound. */
json_t *harness_offer(unsigned audio, unsigned video, unsigned senders, const char *codecs);
const char *harness_send_offer(struct harness *h, struct seat *s, unsigned audio, unsigned video);
/* Answers the seat's open offer. */
void harness_answer(struct harness *h, struct seat *s);
/* Publishes; returns the track's id (borrowed from seat->last) or fails. */
const char *harness_publish(struct harness *h, struct seat *s, const char *mid, const char *source);
void harness_advance(struct harness *h, int64_t us);
/* Speech of the participants' microphones listed (track handles), loudest first, for `us`, reported every 100 ms. */
void harness_speak(struct harness *h, const uint32_t *tracks, size_t count, int64_t us);

/* Events of that name since harness_forget(): how many, and the last (borrowed) or NULL. */
size_t harness_count(const struct seat *s, const char *event);
json_t *harness_last(const struct seat *s, const char *event);
void harness_forget(struct harness *h);
struct member *harness_member(const struct harness *h, const struct seat *s);
struct track *harness_track(const struct harness *h, const char *id);
/* The slot's mid where the receiver gets the track, NULL when it does not. */
const char *harness_slot_of(const struct harness *h, const struct seat *receiver, uint32_t track);

/* All that must hold after any call; fails the test with the seat's name when it does not. */
void harness_check(struct harness *h);

#endif
